"""Exit statuses and sentences of the command as a process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def serenade(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cli", *map(str, arguments)]
    inherited = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
    return subprocess.run(command, env=inherited | environment, capture_output=True, text=True, timeout=60, check=False)


def test_help_names_every_command() -> None:
    told = serenade("--help")
    assert told.returncode == 0
    for command in ("sing", "separate", "perform", "weights", "worker", "doctor"):
        assert command in told.stdout


@pytest.mark.parametrize("arguments", [("sing",), ("dance",), ("perform", "song.mp3", "--fps", "fast")])
def test_a_wrong_command_line_is_bad_input(arguments: tuple[str, ...]) -> None:
    told = serenade(*arguments)
    assert told.returncode == 2
    assert len(told.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("options", [("--end", 0), ("--start", "inf"), ("--start", "nan"), ("--seed", 2**32)])
def test_numbers_that_are_none_are_bad_input(options: tuple[object, ...], tmp_path: Path) -> None:
    told = serenade("sing", "song.mp3", "me.jpg", *options, SERENADE_DATA_DIR=str(tmp_path))
    assert told.returncode == 2
    assert len(told.stderr.strip().splitlines()) == 1


def test_a_worker_without_a_queue_says_so(tmp_path: Path) -> None:
    told = serenade("worker", SERENADE_DATA_DIR=str(tmp_path))
    assert told.returncode == 2
    assert "REDIS_URL" in told.stderr


def test_the_doctor_finds_missing_weights(tmp_path: Path) -> None:
    told = serenade("doctor", SERENADE_DATA_DIR=str(tmp_path), SERENADE_WEIGHTS_DIR=str(tmp_path / "none"))
    assert told.returncode == 1
    assert "serenade weights fetch" in told.stdout


def test_the_doctor_is_content_with_a_machine_that_is_set_up(tmp_path: Path) -> None:
    told = serenade("doctor", SERENADE_DATA_DIR=str(tmp_path))
    assert told.returncode == 0, told.stdout
    assert "missing" not in told.stdout


def test_the_doctor_names_the_queue_that_does_not_answer(tmp_path: Path) -> None:
    told = serenade(
        "doctor", SERENADE_DATA_DIR=str(tmp_path), REDIS_URL="redis://someone:secret@127.0.0.1:1/0", COLUMNS="200"
    )
    assert told.returncode == 1
    assert "REDIS_URL" in told.stdout
    assert "secret" not in told.stdout


def test_a_wrong_setting_is_named_without_its_value(tmp_path: Path) -> None:
    song = tmp_path / "song.wav"
    song.write_bytes(b"RIFF")
    told = serenade("sing", song, song, "-o", tmp_path / "out.mp4", SERENADE_QUEUE_CAPACITY="secret-value")
    assert told.returncode == 2
    assert "capacity" in told.stderr.lower()
    assert "secret-value" not in told.stderr


def test_a_background_is_a_word_a_colour_or_a_file(tmp_path: Path) -> None:
    from cli.main import background_of

    assert background_of("blur") == ("blur", None)
    assert background_of("#0aF09c") == ("#0aF09c", None)
    assert background_of("beach.jpg") == ("picture", Path("beach.jpg"))
    song = tmp_path / "song.wav"
    song.write_bytes(b"RIFF")
    for wrong, said in (("#12", "#rrggbb"), (str(tmp_path / "none.jpg"), "none.jpg")):
        told = serenade("sing", song, song, "-o", tmp_path / "out.mp4", "--background", wrong)
        assert told.returncode == 2
        assert said in told.stderr
