"""What `serenade sing` does around a render: where the video may go, and what happens when nobody makes it."""

import asyncio
import io
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from cli import sing as module
from cli.sing import House, check_output, ended_badly, opened_house, sing
from cli.terminal import TerminalReplier
from cli.workers import Crew
from shared.errors import BadInput, BadOption, ErrorCode, Fault
from shared.models import JobStatus, ProgressEvent, RenderOptions, Stage
from shared.queue import JobQueue
from shared.settings import load_settings


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A song and a picture, as far as their first bytes go."""
    song, picture = tmp_path / "song", tmp_path / "picture"
    song.write_bytes(b"RIFF\x24\0\0\0WAVEfmt ")
    picture.write_bytes(b"\x89PNG\r\n\x1a\n")
    return song, picture


@pytest.fixture
def terminal(tmp_path: Path) -> TerminalReplier:
    return TerminalReplier(tmp_path / "video.mp4", Console(file=io.StringIO()))


@pytest.fixture
def ended() -> "subprocess.Popen[bytes]":
    """A process that is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process


def test_the_output_may_be_new_or_an_older_video(files: tuple[Path, Path], tmp_path: Path) -> None:
    check_output(tmp_path / "new.mp4", *files)
    (tmp_path / "old.mp4").write_bytes(b"old")
    check_output(tmp_path / "old.mp4", *files)
    assert (tmp_path / "old.mp4").read_bytes() == b"old"
    assert {path.name for path in tmp_path.iterdir()} == {"old.mp4", "song", "picture"}


@pytest.mark.parametrize("name", ["song", "picture", ".", "none/video.mp4", "/dev/null", "/proc/video.mp4", "x" * 300])
def test_an_output_that_can_not_be_is_told_before_the_work(name: str, files: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(BadOption) as told:
        check_output(tmp_path / name, *files)
    assert told.value.params["name"] == "--output"


def test_a_file_that_is_not_there_is_named(files: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(BadInput) as told:
        check_output(tmp_path / "video.mp4", files[0], tmp_path / "none.jpg")
    assert told.value.code is ErrorCode.FILE_MISSING


async def test_a_video_without_room_is_told_as_such(tmp_path: Path) -> None:
    terminal = TerminalReplier(tmp_path / "gone" / "video.mp4", Console(file=io.StringIO()))
    video = tmp_path / "made.mp4"
    video.write_bytes(b"video")
    await terminal.deliver(ProgressEvent(job_id="1", status=JobStatus.SUCCEEDED), video)
    assert terminal.unplaced is not None
    error = ended_badly(terminal, None)
    assert isinstance(error, BadOption)
    assert "No such file" in str(error.params["allowed"])


async def test_the_bar_never_goes_back_and_shows_the_queues_own_eta(tmp_path: Path) -> None:
    screen = io.StringIO()
    terminal = TerminalReplier(tmp_path / "video.mp4", Console(file=screen, force_terminal=True, width=120))
    shown = []
    with terminal:
        for stage, done in ((Stage.SEPARATE, 50), (Stage.RIG, 10), (Stage.ANIMATE, 50)):
            running = ProgressEvent(job_id="1", status=JobStatus.RUNNING, stage=stage, done=done, total=100, eta_s=83.4)
            await terminal.progress(running)
            shown.append(terminal.share)
    assert shown == sorted(shown)
    assert shown[-1] == pytest.approx(0.71)
    assert "ETA 0:01:23" in screen.getvalue()


@pytest.mark.parametrize("dead", [False, True])
async def test_when_nobody_works_the_job_is_withdrawn_and_the_wait_ends(
    files: tuple[Path, Path],
    terminal: TerminalReplier,
    redis_url: str,
    ended: "subprocess.Popen[bytes]",
    monkeypatch: pytest.MonkeyPatch,
    dead: bool,
) -> None:
    """With workers of its own that have all died, it does not even wait to be sure."""
    monkeypatch.setattr(module, "LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(module, "NOBODY_S", 60 if dead else 0.2)
    house = House(redis_url, load_settings(), Crew([ended]) if dead else None)
    with pytest.raises(Fault) as told:
        await sing(house, *files, RenderOptions(), terminal)
    assert told.value.code is ErrorCode.WORKER_LOST
    assert ("ended" if dead else "serenade worker") in told.value.detail
    async with JobQueue(redis_url) as queue:
        assert await queue.running() == []


async def test_a_worker_that_is_heard_of_is_waited_for(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(module, "NOBODY_S", 0.2)
    async with JobQueue(redis_url) as queue:
        await queue.desk("worker").beat(None, reap=False)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await module.until_lost(queue, House(redis_url, load_settings()))
        await queue.desk("worker").leave()
        assert "serenade worker" in await module.until_lost(queue, House(redis_url, load_settings()))


async def test_workers_asked_for_work_at_the_configured_queue(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", redis_url)
    with opened_house(1) as house:
        assert house.url == redis_url
        async with JobQueue(redis_url) as queue, asyncio.timeout(30):
            while not await queue.workers():  # noqa: ASYNC110 - another process sends no event
                await asyncio.sleep(0.05)


def test_a_data_folder_that_can_not_be_written_is_a_wrong_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERENADE_DATA_DIR", "/proc/serenade")
    with pytest.raises(BadOption) as told, opened_house(None):
        pass
    assert told.value.params["name"] == "SERENADE_DATA_DIR"
