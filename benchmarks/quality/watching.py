"""The finished file, watched frame by frame: where the landmarks of the face are, and what follows from them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.rendering import DRAWN_EVERY
from benchmarks.track import CHIN, EYES, FACE_TOP, LOWER_LIP, MOUTH_CORNERS, UPPER_LIP, frames
from render_service.portrait.face import Face, Points
from render_service.portrait.finder import FaceFinder, size_px
from render_service.portrait.head import head_frame
from render_service.stages import Frame


@dataclass(frozen=True)
class Watched:
    """One row a frame; NaN where there is no face. The photo's own row is `at_rest`.

    points:         [T, 478, 2] px.
    opening_cm:     [T] gap between the inner lips; opening: the same in face heights (forehead to chin).
    width_cm:       [T] between the corners of the mouth, turns of the head taken out.
    eyes:           [T] lid gap over eye width, mean of both.
    turn:           [T, 3] yaw, pitch, roll in degrees, against the photo.
    frames:         index -> decoded frame, the same ones of which the raw frame was kept.
    """

    points: NDArray[np.float64]
    opening_cm: NDArray[np.float64]
    opening: NDArray[np.float64]
    width_cm: NDArray[np.float64]
    eyes: NDArray[np.float64]
    turn: NDArray[np.float64]
    photo: "Look"
    frames: dict[int, Frame]

    @property
    def lost(self) -> int:
        """Frames without a face."""
        return int(np.isnan(self.opening).sum())


@dataclass(frozen=True)
class Look:
    """One face measured."""

    points: Points
    opening_cm: float
    opening: float
    width_cm: float
    eyes: float
    rotation: Points

    @classmethod
    def at(cls, landmarks: Points) -> "Look":
        """landmarks: [478, 3] px."""
        frame = head_frame(landmarks)

        def apart(a: int, b: int) -> float:
            return float(np.linalg.norm(landmarks[a, :2] - landmarks[b, :2]))

        return cls(
            points=landmarks[:, :2],
            opening_cm=apart(UPPER_LIP, LOWER_LIP) / frame.px_per_cm,
            opening=apart(UPPER_LIP, LOWER_LIP) / apart(FACE_TOP, CHIN),
            width_cm=apart(*MOUTH_CORNERS) / (frame.px_per_cm * float(np.linalg.norm(frame.rotation[:2, 0]))),
            eyes=float(np.mean([apart(top, low) / apart(a, b) for top, low, a, b in EYES])),
            rotation=frame.rotation,
        )


def watch(video: Path, photo: Frame, finder: FaceFinder) -> Watched:
    """Follows the face that is the largest of the photo, starting from where the photo has it."""
    start = max(finder.find(photo), key=size_px)
    own = Look.at(finder.refine(photo, start).landmarks)
    looks: list[Look | None] = []
    face: Face = start
    kept: dict[int, Frame] = {}
    for index, frame in enumerate(frames(video)):
        if index % DRAWN_EVERY == 0:
            kept[index] = frame
        found = finder.track(frame, face)
        looks.append(Look.at(found.landmarks) if found else None)
        face = found or start
    return _watched(looks, own, kept)


def _watched(looks: list[Look | None], own: Look, kept: dict[int, Frame]) -> Watched:
    def curve(name: str) -> NDArray[np.float64]:
        return np.array([getattr(look, name) if look else np.nan for look in looks], np.float64)

    nowhere = np.full_like(own.points, np.nan)
    return Watched(
        points=np.stack([look.points if look else nowhere for look in looks]),
        opening_cm=curve("opening_cm"),
        opening=curve("opening"),
        width_cm=curve("width_cm"),
        eyes=curve("eyes"),
        turn=np.array([turn_deg(look.rotation @ own.rotation.T) if look else (np.nan,) * 3 for look in looks]),
        photo=own,
        frames=kept,
    )


def turn_deg(rotation: Points) -> tuple[float, float, float]:
    """Yaw, pitch, roll of a turn in camera axes, with the signs of `Performance.head`: about x, then y, then z."""
    yaw = -np.arcsin(np.clip(rotation[2, 0], -1, 1))
    pitch = np.arctan2(rotation[2, 1], rotation[2, 2])
    roll = -np.arctan2(rotation[1, 0], rotation[0, 0])
    return float(np.rad2deg(yaw)), float(np.rad2deg(pitch)), float(np.rad2deg(roll))
