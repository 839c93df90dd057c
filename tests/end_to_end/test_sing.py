"""The command as a person runs it: real queue, real workers, real weights, and the finished file measured."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import pytest

from benchmarks.track import Track, frames, sound, track
from render_service.media.songs import PyAVSongReader
from shared.settings import IntakeLimits

EXAMPLES = Path(__file__).parents[2] / "examples"
SONG, PORTRAIT = EXAMPLES / "song.mp3", EXAMPLES / "portrait.jpg"
START_S, END_S, FPS, HEIGHT = 0.4, 2.4, 25, 320


def serenade(*arguments: object, home: Path, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli", *map(str, arguments)],
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def singing(home: Path, video: Path) -> "subprocess.Popen[str]":
    """The command, under way; its stderr is to be read."""
    command = [sys.executable, "-m", "cli", "sing", SONG, PORTRAIT, "-o", video, "--height", "720"]
    return subprocess.Popen(command, env=environment(home), stderr=subprocess.PIPE, text=True)


def until_rendering(job: "subprocess.Popen[str]") -> None:
    """Returns once a worker has said how far it is."""
    assert job.stderr is not None
    while "%" not in job.stderr.readline():
        assert job.poll() is None


def environment(home: Path) -> dict[str, str]:
    return {**os.environ, "SERENADE_DATA_DIR": str(home)}


def processes_of(home: Path) -> list[str]:
    """Command lines of every process whose environment or arguments name this data folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if str(home).encode() in words and int(entry.name) != os.getpid():
            found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


def left_behind(folder: Path) -> list[Path]:
    """Every file below the folder but the video and the workers' log, which holds nothing personal."""
    return [path for path in folder.rglob("*") if path.is_file() and path.name not in ("worker.log", "video.mp4")]


@pytest.fixture(scope="module")
def sung(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    """Two seconds of the example, and what the command said about them."""
    folder = tmp_path_factory.mktemp("sung")
    video = folder / "video.mp4"
    options = ("--start", START_S, "--end", END_S, "--height", HEIGHT, "--seed", 7, "--json")
    done = serenade("sing", SONG, PORTRAIT, "-o", video, *options, home=folder / "home")
    assert done.returncode == 0, done.stderr
    assert processes_of(folder / "home") == []
    assert left_behind(folder / "home") == []
    [line] = done.stdout.splitlines()
    return video, json.loads(line)


@pytest.fixture(scope="module")
def measured(sung: tuple[Path, dict[str, object]]) -> Track:
    return track(sung[0])


def test_the_file_is_what_every_chat_plays(sung: tuple[Path, dict[str, object]]) -> None:
    with av.open(str(sung[0])) as container:
        pictures, music = container.streams.video[0], container.streams.audio[0]
        assert pictures.codec_context.name == "h264"
        assert pictures.codec_context.profile == "High"
        assert pictures.codec_context.pix_fmt == "yuv420p"
        assert pictures.codec_context.colorspace == 1  # bt709
        assert pictures.average_rate == FPS
        assert music.codec_context.name == "aac"
        assert music.rate == 44_100
        assert sum(packet.size > 0 for packet in container.demux(pictures)) == (END_S - START_S) * FPS
    head = sung[0].read_bytes()
    assert head.index(b"moov") < head.index(b"mdat"), "not ready to play while it loads"


def test_the_command_tells_what_it_made(sung: tuple[Path, dict[str, object]]) -> None:
    video, said = sung
    first = next(frames(video))
    assert said["video"] == str(video)
    assert (said["height"], said["width"]) == first.shape[:2]
    assert said["height"] == HEIGHT
    assert said["frames"] == (END_S - START_S) * FPS
    assert said["duration_s"] == END_S - START_S
    assert (said["fps"], said["seed"]) == (FPS, 7)
    stages = said["stages"]
    assert isinstance(stages, list)
    assert {stage["name"] for stage in stages} == {"separate", "perform", "rig", "animate", "finish"}
    assert all(stage["seconds"] > 0 for stage in stages)


def test_the_sound_is_the_songs_own_in_time(sung: tuple[Path, dict[str, object]]) -> None:
    rate = 16_000
    heard = sound(sung[0], rate)
    blocks = PyAVSongReader(IntakeLimits()).blocks(SONG, rate=rate, start_s=START_S, end_s=END_S)
    source = np.concatenate(list(blocks)).mean(axis=1)
    assert len(heard) == pytest.approx(len(source), abs=rate / FPS)
    size = min(len(heard), len(source))
    spectrum = np.fft.rfft(heard[:size], 2 * size) * np.conj(np.fft.rfft(source[:size], 2 * size))
    correlation = np.fft.irfft(spectrum)
    lag = int(np.argmax(correlation))
    lag = lag if lag < size else lag - 2 * size
    assert abs(lag) / rate < 0.002
    loudness = np.sqrt(np.sum(heard[:size] ** 2) * np.sum(source[:size] ** 2))
    assert correlation.max() / loudness > 0.98


def test_the_face_stays_a_face(measured: Track) -> None:
    assert measured.faces_lost == 0


def test_the_mouth_moves_with_the_voice_and_rests_without_it(measured: Track) -> None:
    truth = json.loads((EXAMPLES / "song.json").read_text())
    times = START_S + (np.arange(len(measured.opening)) + 0.5) / FPS
    sung_at = np.zeros(len(times), bool)
    near_voice = np.zeros(len(times), bool)
    for event in truth["events"]:
        sung_at |= (times >= event["start_s"]) & (times < event["end_s"])
        near_voice |= (times >= event["start_s"] - 0.5) & (times < event["end_s"] + 0.3)
    assert sung_at.any()
    assert (~near_voice).sum() >= 5, "the example begins with music alone"
    open_while_sung = np.percentile(measured.opening[sung_at], 80)
    open_without = np.percentile(measured.opening[~near_voice], 80)
    assert open_while_sung > 0.03
    assert open_without < 0.012


def test_same_command_same_frames_whatever_the_number_of_workers(
    sung: tuple[Path, dict[str, object]], tmp_path: Path
) -> None:
    again = tmp_path / "again.mp4"
    options = ("--start", START_S, "--end", END_S, "--height", HEIGHT, "--seed", 7, "--workers", 1)
    done = serenade("sing", SONG, PORTRAIT, "-o", again, *options, home=tmp_path / "home")
    assert done.returncode == 0, done.stderr
    pairs = zip(frames(sung[0]), frames(again), strict=True)
    assert all(np.array_equal(one, other) for one, other in pairs)


def test_a_worker_elsewhere_does_the_work_where_a_queue_is_configured(redis_url: str, tmp_path: Path) -> None:
    surroundings = environment(tmp_path / "home") | {"REDIS_URL": redis_url}
    video = tmp_path / "video.mp4"
    part = ("--start", str(START_S), "--end", str(END_S), "--height", "256")
    command = [sys.executable, "-m", "cli", "sing", SONG, PORTRAIT, "-o", video, *part]
    with subprocess.Popen([sys.executable, "-m", "cli", "worker"], env=surroundings, stderr=subprocess.PIPE) as worker:
        done = subprocess.run(command, env=surroundings, capture_output=True, text=True, timeout=60, check=False)
        worker.terminate()
        assert worker.wait(20) == 0
    assert done.returncode == 0, done.stderr
    assert len(list(frames(video))) == (END_S - START_S) * FPS
    assert not list((tmp_path / "home").rglob("*.mp4")), "a video lies in the clear"
    assert not (tmp_path / "home" / "worker.log").exists(), "it started workers of its own"


def test_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    home, video = tmp_path / "home", tmp_path / "video.mp4"
    job = singing(home, video)
    until_rendering(job)
    job.send_signal(signal.SIGINT)
    _, complaints = job.communicate(timeout=30)
    assert job.returncode == 130
    assert "Traceback" not in complaints
    assert processes_of(home) == []
    assert not video.exists()
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize("wish", [signal.SIGINT, signal.SIGTERM])
def test_signals_during_the_start_leave_nothing_behind(tmp_path: Path, wish: signal.Signals) -> None:
    home = tmp_path / "home"
    job = singing(home, tmp_path / "video.mp4")
    while not (home / "runs").exists():
        assert job.poll() is None
        time.sleep(0.005)
    for number in (wish, signal.SIGINT, signal.SIGTERM):
        job.send_signal(number)
        time.sleep(0.1)
    _, complaints = job.communicate(timeout=30)
    assert job.returncode == 130
    assert complaints.splitlines() == ["Cancelled."]
    assert processes_of(home) == []
    assert left_behind(tmp_path) == []


def test_kill_minus_nine_leaves_no_process_and_no_files_beyond_the_next_run(tmp_path: Path) -> None:
    home = tmp_path / "home"
    job = singing(home, tmp_path / "video.mp4")
    until_rendering(job)
    job.kill()
    job.communicate()
    deadline = time.monotonic() + 20
    while processes_of(home) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert processes_of(home) == []
    assert left_behind(home), "with nobody left to clean up"
    assert serenade("sing", SONG, SONG, "-o", tmp_path / "video.mp4", home=home).returncode == 2
    assert left_behind(home) == [], "the next run does"


@pytest.mark.parametrize(
    ("song", "picture", "options", "hint"),
    [
        ("missing.mp3", PORTRAIT, (), "can't find"),
        (PORTRAIT, PORTRAIT, (), "can't hear a song"),
        (SONG, SONG, (), "can't see a picture"),
        (SONG, PORTRAIT, ("--fps", 23), "--fps"),
        (SONG, PORTRAIT, ("--height", 100), "height"),
        (SONG, PORTRAIT, ("--start", 500), "within"),
        (SONG, PORTRAIT, ("--face", 9), "from the left"),
        (SONG, PORTRAIT, ("--max-bytes", 1000), "fit"),
    ],
)
def test_bad_input_is_told_in_one_sentence(
    song: object, picture: object, options: tuple[object, ...], hint: str, tmp_path: Path
) -> None:
    video = tmp_path / "video.mp4"
    done = serenade("sing", song, picture, "-o", video, *options, home=tmp_path / "home")
    assert done.returncode == 2
    last = done.stderr.strip().splitlines()[-1]
    assert hint in last
    assert "Traceback" not in done.stderr
    assert not video.exists()
    assert processes_of(tmp_path / "home") == []


def test_workers_that_cannot_start_end_the_wait(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cli", "sing", SONG, PORTRAIT, "-o", tmp_path / "video.mp4"]
    broken = environment(tmp_path / "home") | {"SERENADE_WORKER_GRACE_S": "not a number"}
    done = subprocess.run(command, env=broken, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode in (1, 2)
    missing = environment(tmp_path / "home") | {"SERENADE_WEIGHTS_DIR": str(tmp_path / "none")}
    done = subprocess.run(command, env=missing, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "worker.log" in done.stderr
    assert "serenade weights fetch" in (tmp_path / "home" / "worker.log").read_text()


def test_the_old_video_survives_a_failure(tmp_path: Path) -> None:
    video = tmp_path / "video.mp4"
    video.write_bytes(b"the old one")
    assert serenade("sing", SONG, PORTRAIT, "-o", video, "--face", 9, home=tmp_path / "home").returncode == 2
    assert video.read_bytes() == b"the old one"
