"""Folders for plaintext: readable by us alone, gone with the work, and swept when their process was killed."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

PREFIX = "private-"
LOCK = ".in-use"
"""Locked for as long as the folder's process lives. Process ids would not do: containers that share a volume each count
from 1."""


@contextmanager
def private_folder(parent: Path) -> Iterator[Path]:
    """A new folder in `parent`, removed on leaving."""
    parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder, lock = _make(parent)
    with lock:
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def remove_left_behind(parent: Path) -> None:
    """Removes folders of processes that are no more: what they held must not outlive them."""
    for folder in parent.glob(f"{PREFIX}*"):
        with suppress(OSError), (folder / LOCK).open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)


def _make(parent: Path) -> tuple[Path, IO[bytes]]:
    """The folder and its lock; another try where a sweep came between making and locking."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        with suppress(FileNotFoundError):
            lock = (folder / LOCK).open("ab")
            fcntl.flock(lock, fcntl.LOCK_EX)
            if _is_still_there(folder / LOCK, lock):
                return folder, lock
            lock.close()


def _is_still_there(path: Path, file: IO[bytes]) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
