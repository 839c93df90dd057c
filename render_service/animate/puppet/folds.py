"""Shade in the folds that smiling and pouting lips press into the skin, which a resting face doesn't show."""

import numpy as np
from numpy.typing import NDArray

from render_service.animate.puppet import raster
from render_service.animate.puppet.boxes import Box, whole
from render_service.animate.puppet.controls import SHAPES, Pose
from render_service.animate.puppet.deform import Drawn
from render_service.animate.puppet.masks import line_mask
from render_service.stages import Frame

FOLDS: tuple[tuple[str, tuple[int, ...], float], ...] = (
    ("smile_right", (129, 203, 206, 216, 212), 0.19),
    ("smile_left", (358, 423, 426, 436, 432), 0.19),
    ("round", (194, 201, 200, 421, 418), 0.14),
)
"""A shape, the landmarks its fold runs along (nasolabial left and right, under the lower lip), and its depth at 1."""
FAINTEST = 0.02
FOLD_CM, SOFT_CM = 0.16, 0.17
"""Width of a fold's bottom and how softly it rises."""


class FoldPainter:
    """Darkens folds over a warped photo. Stateless between frames."""

    def __init__(self, shade: NDArray[np.float32], px_per_cm: float, gap_cm: float) -> None:
        """shade: [3] RGB. A photo that smiles openly already shows its folds: they get no second shade."""
        self._colour, self._scale = shade, px_per_cm
        self._share = float(np.clip(1 - gap_cm / 0.6, 0, 1))

    def paint(self, canvas: Frame, drawn: Drawn, pose: Pose) -> None:
        """Over the warped photo, under eyes and mouth."""
        for shape, landmarks, depth in FOLDS:
            strength = depth * self._share * max(0.0, float(pose.shapes[SHAPES.index(shape)]))
            if strength > FAINTEST:
                self._shade(canvas, drawn.positions[list(landmarks)], strength)

    def _shade(self, canvas: Frame, line: NDArray[np.float32], strength: float) -> None:
        margin = 3 * SOFT_CM * self._scale + 2
        box = Box.around(line, whole(canvas), side=margin, above=margin, below=margin)
        if box is None:
            return
        mask = line_mask(line, box, FOLD_CM * self._scale, max(0.7, SOFT_CM * self._scale))
        colour = np.ascontiguousarray(np.broadcast_to(self._colour, (box.height, box.width, 3)))
        raster.paint(canvas, colour, mask * np.float32(strength), *box.corner)
