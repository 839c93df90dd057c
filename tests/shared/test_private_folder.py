"""Plaintext leaves with its process, even with one that was killed."""

import subprocess
import sys
from pathlib import Path

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
