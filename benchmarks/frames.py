"""Milliseconds of CPU that one frame costs: drawn by the puppet, and encoded by x264, in one run: a markdown table."""

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from render_service.animate.puppet.puppet import PuppetAnimator
from render_service.media.encode import FfmpegEncoder
from render_service.pipeline import frame_size
from render_service.stages import ARKIT_NAMES, Performance, VideoRate

EXAMPLE = Path(__file__).parents[1] / "examples" / "portrait.jpg"
PORTRAITS = Path(__file__).parents[2] / "shared" / "media" / "portraits"
PHOTOS = (EXAMPLE, *(PORTRAITS / name for name in ("people_0.png", "happy1.png", "full3.png")))
HEIGHTS = (512, 720)
FPS, COUNT = 25, 100
RATE = VideoRate(crf=21)
NOTE = f"""\
CPU milliseconds a frame over {COUNT} frames of a lively performance; x264 spreads its own over all cores.
"First" is the wall time from a stored rig to the first frame.
"""


def main(photos: list[Path]) -> None:
    """Prints one row for each photo and height."""
    animator, encoder = PuppetAnimator(), FfmpegEncoder()
    animator.warm_up()
    print(NOTE)
    print("| photo | size | rig MB | first ms | drawn ms | x264 ms | drawn / x264 |")
    print("|---|---|---|---|---|---|---|")
    for photo in photos:
        picture = np.array(Image.open(photo).convert("RGB"))
        for height in HEIGHTS:
            size = frame_size(picture, height)
            rig = animator.rig(picture, size, face=None)
            started = time.perf_counter()
            next(animator.animate(rig, lively(COUNT), range(1)))
            first_ms = 1000 * (time.perf_counter() - started)
            before = time.process_time()
            frames = [frame.copy() for frame in animator.animate(rig, lively(COUNT), range(COUNT))]
            drawn_ms = 1000 * (time.process_time() - before) / COUNT
            with tempfile.TemporaryDirectory() as folder:
                before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
                encoder.segment(frames, Path(folder, "frames.mp4"), size=size, fps=FPS, rate=RATE)
                encoded_ms = 1000 * (resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before) / COUNT
            megabytes = sum(np.asarray(array).nbytes for array in rig.values()) / 1e6
            print(
                f"| {photo.stem} | {size.width} x {size.height} | {megabytes:.1f} | {first_ms:.0f} "
                f"| {drawn_ms:.1f} | {encoded_ms:.1f} | {drawn_ms / encoded_ms:.2f} |"
            )


def lively(count: int) -> Performance:
    """Sings, nods and blinks all the time."""
    t = np.arange(count) / FPS
    blendshapes, head = np.zeros((count, len(ARKIT_NAMES)), np.float32), np.zeros((count, 6), np.float32)
    for name, curve in {
        "jawOpen": 0.6 * np.abs(np.sin(7 * t)),
        "mouthPucker": 0.5 * np.abs(np.sin(3 * t)),
        "eyeBlinkLeft": (t % 2 < 0.2).astype(float),
        "eyeBlinkRight": (t % 2 < 0.2).astype(float),
        "eyeLookOutLeft": 0.3 * np.abs(np.sin(t)),
    }.items():
        blendshapes[:, ARKIT_NAMES.index(name)] = curve
    head[:, :3] = np.stack([5 * np.sin(2 * t), 4 * np.sin(3 * t), 3 * np.sin(1.5 * t)], axis=1)
    return Performance(FPS, blendshapes, head, np.sin(1.5 * t).astype(np.float32))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", nargs="*", type=Path)
    chosen = parser.parse_args().photos or [photo for photo in PHOTOS if photo.exists()]
    main(chosen)
