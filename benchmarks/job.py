"""The whole job, as a person starts it: `serenade sing` on the bundled example, timed against the song's length.

Encoding the finished frames alone, with the same encoder settings in the same run, is the yardstick. Memory is the
highest of any worker, as the kernel counts it.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from benchmarks.track import frames
from examples.synth import long_song, sing
from render_service.media.encode import FfmpegEncoder
from render_service.stages import FrameSize

PORTRAIT = Path(__file__).parent.parent / "examples" / "portrait.jpg"
FPS = 25
SONG_S, LONG_SONG_S = 30.0, 300.0
HEIGHTS = (512, 720)
STAGES = ("separate", "perform", "rig", "animate", "finish")
LOOK_EVERY_S = 0.05


@dataclass(frozen=True)
class Run:
    """One `serenade sing`: what it said, and the most memory a worker took."""

    said: dict[str, float]
    stages: dict[str, float]
    first_frame_s: float
    peak_bytes: int
    encode_s: float


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        song, long_song = (make_song(Path(folder), seconds) for seconds in (SONG_S, LONG_SONG_S))
        runs = [(SONG_S, height, run(song, height, Path(folder))) for height in HEIGHTS]
        runs.append((LONG_SONG_S, 512, run(long_song, 512, Path(folder), encode=False)))
    print(table(runs))


def make_song(folder: Path, seconds: float) -> Path:
    """The example tune, sung again and again until it is long enough."""
    sung = sing(long_song(seconds), duration_s=seconds)
    path = folder / f"song-{seconds:.0f}.flac"
    soundfile.write(path, sung.mix[: round(seconds * sung.sample_rate)], sung.sample_rate)
    return path


def run(song: Path, height: int, folder: Path, *, encode: bool = True) -> Run:
    video = folder / "video.mp4"
    command = [sys.executable, "-m", "cli", "sing", str(song), str(PORTRAIT), "-o", str(video)]
    began = time.perf_counter()
    job = subprocess.Popen(
        [*command, "--height", str(height), "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    watch = _Watch(job.pid, began)
    watch.start()
    said, complaints = job.communicate()
    watch.join()
    if job.returncode:
        raise RuntimeError(complaints)
    facts = json.loads(said.splitlines()[-1])
    stages = {stage["name"]: stage["seconds"] for stage in facts["stages"]}
    return Run(facts, stages, watch.first_frame_s, watch.peak_bytes, encode_alone(video, folder) if encode else np.nan)


def encode_alone(video: Path, folder: Path) -> float:
    """Seconds the encoder takes for the same frames when they cost nothing."""
    drawn = list(frames(video))
    size = FrameSize(drawn[0].shape[1], drawn[0].shape[0])
    encoder = FfmpegEncoder()
    _, rate = encoder.plan(size, fps=FPS, duration_s=len(drawn) / FPS, max_bytes=None)
    began = time.perf_counter()
    encoder.segment(drawn, folder / "alone.mp4", size=size, fps=FPS, rate=rate)
    return time.perf_counter() - began


class _Watch(threading.Thread):
    """Follows the processes below one: the peak memory of any Python among them, and when a first encoder began."""

    def __init__(self, pid: int, began: float) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._began = began
        self.first_frame_s = np.nan
        self.peak_bytes = 0

    def run(self) -> None:
        while Path(f"/proc/{self._pid}/stat").exists() and _state(self._pid) != "Z":
            for pid in _below(self._pid):
                self._look(pid)
            time.sleep(LOOK_EVERY_S)

    def _look(self, pid: int) -> None:
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            return
        if b"render_service" in command:
            peak = next((line for line in status.splitlines() if line.startswith("VmHWM")), "VmHWM: 0")
            self.peak_bytes = max(self.peak_bytes, int(peak.split()[1]) * 1024)
        if b"rawvideo" in command and np.isnan(self.first_frame_s):
            self.first_frame_s = time.perf_counter() - self._began


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


def _below(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(child) for child in task.read_text().split()]
        except OSError:
            continue
        for child in children:
            found += [child, *_below(child)]
    return found


def table(runs: list[tuple[float, int, Run]]) -> str:
    """A row a run."""
    head = "| song | height | wall | wall / song | wall / encoding alone | first frame | worker peak |"
    rows = [head, "|" + "---|" * 7]
    for seconds, height, result in runs:
        wall = float(result.said["wall_s"])
        rows.append(
            f"| {seconds:.0f} s | {height} | {wall:.1f} s | {wall / seconds:.2f} | {wall / result.encode_s:.1f} "
            f"| {result.first_frame_s:.1f} s | {result.peak_bytes / 1024**2:.0f} MB |".replace("nan", "-")
        )
    rows += ["", "Worker seconds by stage (two workers share `animate`; the halves of prepare overlap):", ""]
    rows += ["| song | height | " + " | ".join(STAGES) + " |", "|" + "---|" * (2 + len(STAGES))]
    for seconds, height, result in runs:
        spent = " | ".join(f"{result.stages.get(stage, 0):.1f}" for stage in STAGES)
        rows.append(f"| {seconds:.0f} s | {height} | {spent} |")
    rows += ["", f"{FPS} fps, {os.cpu_count()} workers, embedded Valkey, everything included but installation."]
    return "\n".join(rows)


if __name__ == "__main__":
    main()
