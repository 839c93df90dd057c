"""Frames to encode, and what is found in a file afterwards."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from render_service.media.encode import FfmpegEncoder
from render_service.stages import Frame, FrameSize, VideoRate

SMALL = FrameSize(96, 64)
RATE = VideoRate(crf=19)


def moving(count: int, size: FrameSize = SMALL, first: int = 0) -> Iterator[Frame]:
    """A bright square that wanders over a gradient; frame i is the same whichever segment holds it."""
    y, x = np.mgrid[: size.height, : size.width]
    ground = np.stack([40 + x % 128, 30 + y % 128, 90 + (x + y) % 64], axis=-1).astype(np.uint8)
    for i in range(first, first + count):
        frame = ground.copy()
        left, top = 3 * i % (size.width - 16), i % (size.height - 16)
        frame[top : top + 16, left : left + 16] = (240, 200, 30)
        yield frame


def noise(count: int, size: FrameSize, seed: int = 1) -> Iterator[Frame]:
    """What no encoder can compress."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield rng.integers(0, 256, (size.height, size.width, 3), np.uint8)


def make_segments(folder: Path, counts: tuple[int, ...], fps: int = 25, size: FrameSize = SMALL) -> list[Path]:
    """Segments of `moving`, one after the other."""
    paths, first = [], 0
    for index, count in enumerate(counts):
        paths.append(folder / f"{index}.seg")
        FfmpegEncoder().segment(moving(count, size, first), paths[-1], size=size, fps=fps, rate=RATE)
        first += count
    return paths


def decoded(path: Path) -> list[tuple[float, NDArray[np.uint8]]]:
    """Times and planes (Y, U, V below each other) of every frame."""
    with av.open(str(path), format="mp4") as container:
        return [(float(frame.time or 0), frame.to_ndarray(format="yuv420p")) for frame in container.decode(video=0)]


def packets(path: Path, kind: str) -> list[bytes]:
    """The payloads of one stream, untouched. kind: "audio" or "video"."""
    with av.open(str(path)) as container:
        stream = getattr(container.streams, kind)[0]
        return [bytes(packet) for packet in container.demux(stream) if packet.size]
