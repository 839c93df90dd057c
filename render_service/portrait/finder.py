"""Finds the faces in a picture, follows one through a video, and measures its expression."""

import cv2
import numpy as np
from numpy.typing import NDArray

from render_service.portrait.detector import Detector, intersection_over_smaller
from render_service.portrait.expressions import Expressions
from render_service.portrait.face import Face, Points
from render_service.portrait.head import misfit_cm
from render_service.portrait.landmarker import Crop, Landmarker
from render_service.stages import Frame

MIN_SCORE = 0.5
"""Landmarker's score of a face that is one."""
MAX_MISFIT_CM = 0.45
"""Faces in tiles may differ this much from the canonical one: most real ones stay under 0.3, folds of cloth don't."""
DEEPEST_LEVEL = 3
MAX_SIDE_PX = 2048
"""Larger pictures are searched in a smaller copy."""
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
        """All faces, left to right. Looks ever closer until something is found, then until nothing new is."""
        picture, scale = _bounded(picture)
        faces: list[Face] = []
        for level in range(DEEPEST_LEVEL + 1):
            new = self._find(picture, level, faces)
            if level and faces and not new:
                break
            faces += new
        faces.sort(key=lambda face: float(face.landmarks[:, 0].mean()))
        return [face.resized(scale, scale) for face in faces]

    def _find(self, picture: Frame, level: int, known: list[Face]) -> list[Face]:
        faces: list[Face] = []
        for detection in self._detector.detect(picture, level=level):
            rough = self._landmarker.landmarks(picture, Crop.of_detection(detection))
            if rough.score < MIN_SCORE or any(_same(rough, other) for other in known + faces):
                continue
            face = self._landmarker.landmarks(picture, Crop.of_face(rough))
            if face.score >= MIN_SCORE and (level == 0 or misfit_cm(face.landmarks) < MAX_MISFIT_CM):
                faces.append(face)
        return faces

    def track(self, frame: Frame, previous: Face | None) -> Face | None:
        """The same face in the next frame of a video, or the largest where there was none; None where it is gone."""
        if previous is not None:
            face = self._landmarker.landmarks(frame, Crop.of_face(previous))
            if face.score >= MIN_SCORE:
                return face
        return max(self._find(frame, 0, []), key=size_px, default=None)

    def refine(self, picture: Frame, face: Face) -> Face:
        """The same face, its landmarks the median over slightly different crops: single ones jitter by a pixel."""
        crop = Crop.of_face(face)
        views = [self._landmarker.landmarks(picture, crop.jittered(*jitter)) for jitter in JITTERS]
        return Face(np.median([view.landmarks for view in views], axis=0), float(np.median([v.score for v in views])))

    def measure(self, face: Face) -> NDArray[np.float32]:
        """[52] float32 in 0..1: the expression, in the order of `ARKIT_NAMES`."""
        return self._expressions.measure(face)


def _bounded(picture: Frame) -> tuple[Frame, float]:
    """The picture at `MAX_SIDE_PX` at most, and the factor back."""
    height, width = picture.shape[:2]
    scale = max(height, width) / MAX_SIDE_PX
    if scale <= 1:
        return picture, 1.0
    size = max(1, round(width / scale)), max(1, round(height / scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA)), scale


def size_px(face: Face) -> float:
    """Longer side of the box around the landmarks."""
    return float(np.ptp(face.landmarks[:, :2], axis=0).max())


def _same(a: Face, b: Face) -> bool:
    return intersection_over_smaller(_box(a), _box(b)) > SAME_FACE_OVERLAP


def _box(face: Face) -> Points:
    flat = face.landmarks[:, :2]
    return np.concatenate([flat.min(0), flat.max(0)])
