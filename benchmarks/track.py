"""Measures a finished video as a viewer would: landmarks on its frames, loudness of its sound."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from render_service.portrait.face import Face
from render_service.portrait.finder import FaceFinder
from render_service.portrait.head import head_frame
from render_service.stages import Frame

FACE_TOP, CHIN = 10, 152
UPPER_LIP, LOWER_LIP = 13, 14
MOUTH_CORNERS = 61, 291
EYES = ((159, 145, 33, 133), (386, 374, 362, 263))
"""Upper lid, lower lid, corners of each eye (MediaPipe's numbering)."""


@dataclass(frozen=True)
class Track:
    """One row a frame; NaN where no face was found.

    opening, width: inner lips and mouth corners, in face heights (forehead to chin).
    eyes:           lid gap over eye width, mean of both.
    pose:           [T, 3] yaw, pitch, roll in degrees.
    loudness:       RMS of the sound while the frame is shown.
    """

    fps: float
    opening: NDArray[np.float64]
    width: NDArray[np.float64]
    eyes: NDArray[np.float64]
    pose: NDArray[np.float64]
    loudness: NDArray[np.float64]

    @property
    def faces_lost(self) -> int:
        return int(np.isnan(self.opening).sum())


def frames(video: Path) -> Iterator[Frame]:
    """Decoded pictures, [H, W, 3] uint8 RGB, with the matrix the file is tagged with."""
    with av.open(str(video)) as container:
        for frame in container.decode(video=0):
            yield np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)


def sound(video: Path, rate: int = 16_000) -> NDArray[np.float32]:
    """[n] mono float32 at `rate`."""
    with av.open(str(video)) as container:
        resampler = av.AudioResampler("flt", "mono", rate)
        blocks = [block.to_ndarray()[0] for frame in container.decode(audio=0) for block in resampler.resample(frame)]
    return np.asarray(np.concatenate(blocks), np.float32)


def track(video: Path, finder: FaceFinder | None = None) -> Track:
    """Follows the largest face through the whole video."""
    finder = finder or FaceFinder()
    face: Face | None = None
    rows: list[tuple[float, ...]] = []
    for frame in frames(video):
        face = finder.track(frame, face)
        rows.append(_measure(face) if face else (np.nan,) * 6)
    table = np.array(rows)
    fps = _rate(video)
    return Track(fps, table[:, 0], table[:, 1], table[:, 2], table[:, 3:6], _loudness(sound(video), len(rows), fps))


def _measure(face: Face) -> tuple[float, ...]:
    points = face.landmarks
    height = float(np.linalg.norm(points[FACE_TOP, :2] - points[CHIN, :2]))

    def apart(a: int, b: int) -> float:
        return float(np.linalg.norm(points[a, :2] - points[b, :2]))

    eyes = float(np.mean([apart(top, low) / apart(a, b) for top, low, a, b in EYES]))
    pose = head_frame(points).yaw_pitch_roll
    return apart(UPPER_LIP, LOWER_LIP) / height, apart(*MOUTH_CORNERS) / height, eyes, *pose


def _rate(video: Path) -> float:
    with av.open(str(video)) as container:
        return float(container.streams.video[0].average_rate or 25)


def _loudness(samples: NDArray[np.float32], count: int, fps: float, rate: int = 16_000) -> NDArray[np.float64]:
    borders = np.round(np.arange(count + 1) * rate / fps).astype(int)
    parts = [samples[begin:end] for begin, end in pairwise(borders)]
    return np.array([float(np.sqrt(np.mean(part**2))) if len(part) else 0.0 for part in parts])
