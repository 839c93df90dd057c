"""The moments of a video worth looking at, chosen by what was measured, and cut out around the face."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from benchmarks.quality.signals import OPEN_SHARE
from benchmarks.quality.watching import Watched
from benchmarks.track import frames
from render_service.stages import Frame

MARGIN = 0.62
"""Half side of a cut-out, in heights of the box around the landmarks."""
APART = 3
"""Frames between two moments, so that no picture is shown twice."""


@dataclass(frozen=True)
class Moment:
    """A frame and why it was chosen."""

    name: str
    index: int


def moments(watched: Watched) -> list[Moment]:
    """One for each extreme, none of them nearer than `APART` frames to another; only the blink has its eyes shut."""
    opening, width, eyes, turn = watched.opening_cm, watched.width_cm, watched.eyes, watched.turn
    small = opening < np.nanpercentile(opening, 60)
    wanted = (
        ("open widest", opening),
        ("blink", -eyes),
        ("closed", -opening - 0.1 * np.abs(turn).sum(axis=1)),
        ("half open", -np.abs(opening - np.nanpercentile(opening, 75)) - 0.02 * np.abs(turn).sum(axis=1)),
        ("wide", width),
        ("round", np.where(small, -9, -width)),
        ("yaw left", -turn[:, 0]),
        ("yaw right", turn[:, 0]),
        ("nod", turn[:, 1]),
        ("chin up", -turn[:, 1]),
        ("tilt", np.abs(turn[:, 2])),
    )
    chosen: list[Moment] = []
    for name, score in wanted:
        free = np.array([all(abs(i - m.index) >= APART for m in chosen) for i in range(len(score))])
        free &= np.isfinite(score)
        if name != "blink":
            free &= eyes > OPEN_SHARE * np.nanpercentile(eyes, 75)
        if free.any():
            chosen.append(Moment(name, int(np.where(free, score, -np.inf).argmax())))
    return chosen


def cut_outs(video: Path, watched: Watched, chosen: list[Moment], side_px: int) -> list[Frame]:
    """[side_px, side_px, 3] each: the same place in every frame, around where the photo has its face."""
    wanted = {moment.index for moment in chosen}
    kept = {index: frame for index, frame in enumerate(frames(video)) if index in wanted}
    return [cut_out(kept[moment.index], watched, side_px) for moment in chosen]


def cut_out(frame: Frame, watched: Watched, side_px: int) -> Frame:
    """A square around the face, as far as the picture goes."""
    points = watched.photo.points
    centre = (points.min(axis=0) + points.max(axis=0)) / 2
    half = min(MARGIN * float(np.ptp(points, axis=0).max()), min(frame.shape[:2]) / 2)
    centre = np.clip(centre, half, [frame.shape[1] - half, frame.shape[0] - half])
    (x0, y0), (x1, y1) = np.round(centre - half).astype(int), np.round(centre + half).astype(int)
    piece = frame[max(0, y0) : y1, max(0, x0) : x1]
    way = cv2.INTER_AREA if piece.shape[0] > side_px else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(piece, (side_px, side_px), interpolation=way), np.uint8)
