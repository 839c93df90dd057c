"""BlazeFace: boxes around faces, near and far (Bazarevsky et al. 2019, "BlazeFace", short-range model of MediaPipe)."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from render_service.portrait.face import Points
from render_service.portrait.networks import Tensor, network, sigmoid
from render_service.stages import Frame

INPUT_PX = 128
ANCHOR_GRIDS = ((16, 2), (8, 6))
"""Cells a side and anchors a cell: the SSD layers of the short-range model, 896 anchors."""
MIN_SCORE, MIN_TILE_SCORE = 0.5, 0.6
"""The model's own threshold, and a stricter one for tiles, which show many things out of context."""
SAME_FACE_IOU = 0.3
TILE_OVERLAP = 0.5


@dataclass(frozen=True)
class Detection:
    """One face, roughly.

    box:    x0, y0, x1, y1 px.
    eyes:   [2, 2] px, the person's right eye first.
    score:  0..1.
    """

    box: Points
    eyes: Points
    score: float


@dataclass(frozen=True)
class Tile:
    """A part of a picture, px."""

    x: int
    y: int
    width: int
    height: int

    def cut(self, picture: Frame) -> Frame:
        return picture[self.y : self.y + self.height, self.x : self.x + self.width]


def _anchors() -> NDArray[np.float32]:
    """[896, 2] centres in 0..1; every anchor has the size of the input."""
    layers = []
    for cells, per_cell in ANCHOR_GRIDS:
        y, x = np.mgrid[0:cells, 0:cells]
        layers.append(np.repeat(np.stack([x.ravel(), y.ravel()], 1) + 0.5, per_cell, axis=0) / cells)
    return np.concatenate(layers).astype(np.float32)


ANCHORS = _anchors()


class Detector:
    """Loads once. Raises Fault (WEIGHTS_MISSING)."""

    def __init__(self) -> None:
        self._network = network("face_landmarker.task", "face_detector.tflite")

    def detect(self, picture: Frame, *, level: int = 0) -> list[Detection]:
        """Faces in the picture, surest first.

        level: 0 looks at the whole picture, n at overlapping tiles of 1 / 2^n its longer side: smaller faces.
        """
        found = [found for tile in _tiles(picture, level) for found in self._detect_tile(picture, tile)]
        return _merge([detection for detection in found if detection.score >= (MIN_TILE_SCORE if level else MIN_SCORE)])

    def _detect_tile(self, picture: Frame, tile: Tile) -> list[Detection]:
        scale = INPUT_PX / max(tile.width, tile.height)
        size = max(1, round(tile.width * scale)), max(1, round(tile.height * scale))
        small = cv2.resize(tile.cut(picture), size, interpolation=cv2.INTER_AREA)
        left, top = (INPUT_PX - size[0]) // 2, (INPUT_PX - size[1]) // 2
        tensor = np.full((1, INPUT_PX, INPUT_PX, 3), -1, np.float32)
        tensor[0, top : top + size[1], left : left + size[0]] = small / np.float32(127.5) - 1
        regressors, logits = self._network.run(tensor)
        offset = np.array([tile.x - left / scale, tile.y - top / scale])
        return [_moved(found, scale, offset) for found in _decode(regressors[0], logits[0, :, 0])]


def _tiles(picture: Frame, level: int) -> list[Tile]:
    height, width = picture.shape[:2]
    side = max(1, max(height, width) >> level)
    xs, ys = (_starts(extent, side) for extent in (width, height))
    return [Tile(x, y, min(side, width), min(side, height)) for y in ys for x in xs]


def _starts(extent: int, side: int) -> list[int]:
    if extent <= side:
        return [0]
    count = int(np.ceil((extent - side) / (side * TILE_OVERLAP))) + 1
    return [int(start) for start in np.linspace(0, extent - side, count).round()]


def _decode(regressors: Tensor, logits: Tensor) -> list[Detection]:
    """Raw outputs to detections in pixels of the network's input: x, y, w, h, then six key points, eyes first."""
    scores = sigmoid(logits)
    detections = []
    for index in np.flatnonzero(scores >= MIN_SCORE):
        pairs = regressors[index].reshape(8, 2).astype(np.float64)
        centre = pairs[0] + ANCHORS[index] * INPUT_PX
        box = np.concatenate([centre - pairs[1] / 2, centre + pairs[1] / 2])
        detections.append(Detection(box, pairs[2:4] + ANCHORS[index] * INPUT_PX, float(scores[index])))
    return detections


def _moved(detection: Detection, scale: float, offset: Points) -> Detection:
    box = (detection.box.reshape(2, 2) / scale + offset).ravel()
    return Detection(box, detection.eyes / scale + offset, detection.score)


def _merge(found: list[Detection]) -> list[Detection]:
    """Weighted non-maximum suppression: a cluster becomes its score-weighted mean."""
    rest = sorted(found, key=lambda detection: -detection.score)
    merged = []
    while rest:
        best = rest[0]
        overlaps = [intersection_over_union(best.box, other.box) > SAME_FACE_IOU for other in rest]
        cluster = [other for other, same in zip(rest, overlaps, strict=True) if same] or [best]
        rest = [other for other, same in zip(rest[1:], overlaps[1:], strict=True) if not same]
        weights = np.array([member.score for member in cluster])
        weights /= weights.sum()
        box = np.tensordot(weights, np.stack([member.box for member in cluster]), 1)
        eyes = np.tensordot(weights, np.stack([member.eyes for member in cluster]), 1)
        merged.append(Detection(box, eyes, best.score))
    return merged


def intersection_over_union(a: Points, b: Points) -> float:
    """Of two boxes x0, y0, x1, y1."""
    shared = _shared(a, b)
    union = _area(a) + _area(b) - shared
    return shared / union if union > 0 else 0.0


def intersection_over_smaller(a: Points, b: Points) -> float:
    """Share of the smaller of two boxes x0, y0, x1, y1 that the other one covers."""
    smaller = min(_area(a), _area(b))
    return _shared(a, b) / smaller if smaller > 0 else 0.0


def _shared(a: Points, b: Points) -> float:
    return float(np.prod(np.maximum(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0)))


def _area(box: Points) -> float:
    return float(np.prod(box[2:] - box[:2]))
