"""Plaintext leaves with its process, even with one that was killed."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from shared import private_folder as module
from shared.private_folder import private_folder, remove_left_behind


def test_gone_after_use_and_private_while_used(tmp_path: Path) -> None:
    with private_folder(tmp_path / "work") as folder:
        (folder / "voice.wav").write_bytes(b"secret")
        assert folder.stat().st_mode & 0o077 == 0
    assert not list((tmp_path / "work").iterdir())


def test_a_killed_process_leaves_nothing_for_long(tmp_path: Path) -> None:
    script = (
        "import os, pathlib, signal\nfrom shared.private_folder import private_folder\n"
        f"with private_folder(pathlib.Path({str(tmp_path)!r})) as folder:\n"
        "    (folder / 'voice.wav').write_bytes(b'secret')\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=False)
    assert list(tmp_path.rglob("voice.wav"))
    with private_folder(tmp_path) as mine:
        remove_left_behind(tmp_path)
        assert list(tmp_path.iterdir()) == [mine]


def test_a_process_that_can_not_be_seen_keeps_its_folder(tmp_path: Path) -> None:
    """As in another container on the same volume: there is no process id to go by."""
    script = (
        "import pathlib, sys\nfrom shared.private_folder import private_folder\n"
        f"with private_folder(pathlib.Path({str(tmp_path)!r})) as folder:\n"
        "    print(folder.rename(folder.with_name('private-elsewhere')), flush=True)\n    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        theirs = Path(other.stdout.readline().strip())
        remove_left_behind(tmp_path)
        assert theirs.exists()
        other.stdin.close()
        other.wait(10)
    remove_left_behind(tmp_path)
    assert not theirs.exists()


def test_a_folder_swept_before_it_was_locked_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flock, swept = module.fcntl.flock, []

    def late(*arguments: int) -> None:
        if not swept:
            swept.extend(tmp_path.iterdir())
            shutil.rmtree(swept[0])
        flock(*arguments)

    monkeypatch.setattr(module.fcntl, "flock", late)
    with private_folder(tmp_path) as folder:
        assert swept
        assert folder not in swept
        assert folder.is_dir()
