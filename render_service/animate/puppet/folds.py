"""Shade that a resting face doesn't show: folds of smiling and pouting lips, what a dropped jaw leaves in shadow."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from render_service.animate.puppet import raster
from render_service.animate.puppet.boxes import Box, whole
from render_service.animate.puppet.controls import SHAPES, Pose
from render_service.animate.puppet.deform import Drawn
from render_service.animate.puppet.masks import line_mask
from render_service.stages import Frame

JAW = "jaw"


@dataclass(frozen=True)
class Fold:
    """shape: what presses it, one of `SHAPES` or the jaw. line: landmarks it runs along. depth: its shade at 1.

    width_cm, soft_cm: of its bottom, and how softly it rises. below_cm: how far below the landmarks it lies.
    """

    shape: str
    line: tuple[int, ...]
    depth: float
    width_cm: float = 0.16
    soft_cm: float = 0.17
    below_cm: float = 0.0


FOLDS = (
    Fold("smile_right", (129, 203, 206, 216, 212), 0.19),
    Fold("smile_left", (358, 423, 426, 436, 432), 0.19),
    Fold("round", (194, 201, 200, 421, 418), 0.14),
    Fold(JAW, (202, 204, 194, 201, 200, 421, 418, 424, 422), 0.24, width_cm=0.2, soft_cm=0.28),
    Fold(JAW, (150, 149, 176, 148, 152, 377, 400, 378, 379), 0.42, width_cm=0.5, soft_cm=0.45, below_cm=0.55),
)
"""Nasolabial right and left, under the lower lip when it pouts and when it drops, and the chin's shadow on the neck."""
FAINTEST = 0.02
JAW_FULL_CM = 1.8
"""Opening past the photo's own at which the jaw's shadows are full."""


class FoldPainter:
    """Darkens folds over a warped photo. Stateless between frames."""

    def __init__(self, shade: NDArray[np.float32], px_per_cm: float, gap_cm: float) -> None:
        """shade: [3] RGB. A photo that smiles openly already shows its folds: they get no second shade."""
        self._colour, self._scale, self._gap_cm = shade, px_per_cm, gap_cm
        self._share = float(np.clip(1 - gap_cm / 0.6, 0, 1))

    def paint(self, canvas: Frame, drawn: Drawn, pose: Pose) -> None:
        """Over the warped photo, under eyes and mouth."""
        for fold in FOLDS:
            strength = fold.depth * self._pressed(fold, pose)
            if strength > FAINTEST:
                self._shade(canvas, drawn.positions[list(fold.line)], fold, strength)

    def _pressed(self, fold: Fold, pose: Pose) -> float:
        if fold.shape == JAW:
            return float(np.clip((pose.jaw_cm - self._gap_cm) / JAW_FULL_CM, 0, 1))
        return self._share * max(0.0, float(pose.shapes[SHAPES.index(fold.shape)]))

    def _shade(self, canvas: Frame, line: NDArray[np.float32], fold: Fold, strength: float) -> None:
        soft = max(0.7, fold.soft_cm * self._scale)
        margin = 3 * soft + fold.width_cm * self._scale + 2
        line = line + np.array([0, fold.below_cm * self._scale], np.float32)
        box = Box.around(line, whole(canvas), side=margin, above=margin, below=margin)
        if box is None:
            return
        mask = line_mask(line, box, fold.width_cm * self._scale, soft)
        colour = np.ascontiguousarray(np.broadcast_to(self._colour, (box.height, box.width, 3)))
        raster.paint(canvas, colour, mask * np.float32(strength), *box.corner)
