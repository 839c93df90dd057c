"""Finds the faces in a picture, follows one through a video, and measures its expression."""

import numpy as np
from numpy.typing import NDArray

from render_service.portrait.detector import Detector, intersection_over_smaller
from render_service.portrait.expressions import Expressions
from render_service.portrait.face import Face, Points
from render_service.portrait.landmarker import Crop, Landmarker
from render_service.stages import Frame

MIN_SCORE = 0.5
"""Landmarker's score of a face that is one."""
USUAL_LEVELS, DEEPEST_LEVELS = 2, 4
"""How far the detector looks for smaller faces: always, and where nothing was found (full figures)."""
SAME_FACE_OVERLAP = 0.3
"""Of the smaller box: two hits on one face, or a face seen in an ear."""
JITTERS = ((0.0, 0.0, 1.0), (0.012, 0.008, 1.0), (-0.010, 0.006, 0.95), (0.006, -0.012, 1.06))
"""Shifts, in crop sides, and scales of the crops whose median steadies the landmarks."""


class FaceFinder:
    """Loads once, finds often. Raises Fault (WEIGHTS_MISSING)."""

    def __init__(self) -> None:
        self._detector = Detector()
        self._landmarker = Landmarker()
        self._expressions = Expressions()

    def find(self, picture: Frame) -> list[Face]:
        """All faces, left to right."""
        for levels in range(USUAL_LEVELS, DEEPEST_LEVELS + 1):
            if faces := self._find(picture, levels):
                return sorted(faces, key=lambda face: float(face.landmarks[:, 0].mean()))
        return []

    def _find(self, picture: Frame, levels: int) -> list[Face]:
        faces: list[Face] = []
        for detection in self._detector.detect(picture, levels=levels):
            face = self._landmarker.landmarks(picture, Crop.of_detection(detection))
            if face.score >= MIN_SCORE and not any(_same(face, other) for other in faces):
                faces.append(face)
        return faces

    def track(self, frame: Frame, previous: Face | None) -> Face | None:
        """The same face in the next frame of a video, or the largest where there was none; None where it is gone."""
        if previous is not None:
            face = self._landmarker.landmarks(frame, Crop.of_face(previous))
            if face.score >= MIN_SCORE:
                return face
        return max(self._find(frame, levels=1), key=size_px, default=None)

    def refine(self, picture: Frame, face: Face) -> Face:
        """The same face, its landmarks the median over slightly different crops: single ones jitter by a pixel."""
        crop = Crop.of_face(self._landmarker.landmarks(picture, Crop.of_face(face)))
        views = [self._landmarker.landmarks(picture, crop.jittered(*jitter)) for jitter in JITTERS]
        return Face(np.median([view.landmarks for view in views], axis=0), float(np.median([v.score for v in views])))

    def measure(self, face: Face) -> NDArray[np.float32]:
        """[52] float32 in 0..1: the expression, in the order of `ARKIT_NAMES`."""
        return self._expressions.measure(face)


def size_px(face: Face) -> float:
    """Longer side of the box around the landmarks."""
    return float(np.ptp(face.landmarks[:, :2], axis=0).max())


def _same(a: Face, b: Face) -> bool:
    return intersection_over_smaller(_box(a), _box(b)) > SAME_FACE_OVERLAP


def _box(face: Face) -> Points:
    flat = face.landmarks[:, :2]
    return np.concatenate([flat.min(0), flat.max(0)])
