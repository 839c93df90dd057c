"""The photo's own teeth, when it smiles: lifted out of the mouth so that lips can open and close in front of them."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from render_service.animate.puppet.boxes import Box
from render_service.animate.puppet.colours import LUMA, Colours
from render_service.animate.puppet.masks import polygon_mask
from render_service.animate.puppet.mesh import Mesh
from render_service.animate.puppet.shapes import smoothstep
from render_service.portrait.face import Points, Portrait

MIN_GAP_CM = 0.28
"""A narrower opening shows too little of the teeth to use."""
BRIGHT, PALE = 0.55, 110
"""A tooth is brighter than this share of the skin and less saturated than this (of 255)."""
MIN_BRIGHT_SHARE = 0.25
"""Share of the opening that must be teeth."""
BOTH_ROWS_CM = 1.15
"""A wider opening shows lower teeth or the tongue too: its lower half moves with the jaw, whatever there is in it."""
MARGIN_CM = 1.0
"""How far the picture is continued behind the lips."""


@dataclass(frozen=True)
class OwnTeeth:
    """A piece of the photo around its mouth, continued outwards from what shows between the lips.

    picture: [h, w, 3] RGB. upper, lower: [h, w] uint8 alpha of what is fixed to the skull and to the jaw.
    corner:  [2] x, y px of the piece's corner in the padded picture.
    """

    picture: NDArray[np.uint8]
    upper: NDArray[np.uint8]
    lower: NDArray[np.uint8]
    corner: NDArray[np.int32]


def own_teeth(portrait: Portrait, mesh: Mesh, colours: Colours) -> OwnTeeth | None:
    """The photo's teeth, or None where it shows none."""
    scale = portrait.head.px_per_cm
    if portrait.mouth.closed or portrait.mouth.gap_cm <= MIN_GAP_CM:
        return None
    loop = mesh.source[mesh.mouth].astype(np.float64)
    margin = int(MARGIN_CM * scale) + 3
    left, top = np.floor(loop.min(axis=0)).astype(int) - margin
    right, bottom = np.ceil(loop.max(axis=0)).astype(int) + margin
    picture = _cut(portrait, left, top, right, bottom)
    height, width = picture.shape[:2]
    inside = polygon_mask(loop, Box(left, top, width, height), 0.0)
    gaping = portrait.mouth.gap_cm > BOTH_ROWS_CM
    if not gaping and not _shows_teeth(picture, inside > 0.9, colours.skin_luma):
        return None
    sure = cv2.erode((inside > 0.95).astype(np.uint8), np.ones((3, 3), np.uint8))
    if not sure.any():
        return None
    nearest = distance_transform_edt(sure == 0, return_distances=False, return_indices=True)
    continued = picture[nearest[0], nearest[1]]
    upper, lower = _rows(continued, loop - [left, top], portrait.mouth.gap_cm, scale, colours.skin_luma)
    return OwnTeeth(
        continued,
        np.round(255 * upper).astype(np.uint8),
        np.round(255 * lower).astype(np.uint8),
        np.array([left, top], np.int32),
    )


def _cut(portrait: Portrait, left: int, top: int, right: int, bottom: int) -> NDArray[np.uint8]:
    """A piece of the padded picture; beyond its border the border goes on."""
    height, width = portrait.image.shape[:2]
    rows, columns = np.clip(np.arange(top, bottom), 0, height - 1), np.clip(np.arange(left, right), 0, width - 1)
    return np.asarray(portrait.image[np.ix_(rows, columns)])


def _shows_teeth(picture: NDArray[np.uint8], inside: NDArray[np.bool_], skin_luma: float) -> bool:
    luma = picture.astype(np.float32) @ LUMA
    saturation = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV)[..., 1]
    teeth = (luma > BRIGHT * skin_luma) & (saturation < PALE) & inside
    return bool(teeth.sum() > MIN_BRIGHT_SHARE * max(1, int(inside.sum())))


def _rows(
    picture: NDArray[np.uint8], loop: Points, gap_cm: float, scale: float, skin_luma: float
) -> tuple[Points, Points]:
    """Alpha of the part on the skull and of the part on the jaw."""
    height, width = picture.shape[:2]
    half = len(loop) // 2
    columns, y = np.arange(width), np.arange(height)[:, None]
    upper_rim, lower_rim = (_height_at(columns, rim)[None] for rim in (loop[: half + 1], loop[half:]))
    if gap_cm > BOTH_ROWS_CM:
        down = (y - upper_rim) / np.maximum(1, lower_rim - upper_rim)
        divide = smoothstep(0.42, 0.60, down)
        below = 1 - smoothstep(0.15 * scale, 0.35 * scale, y - lower_rim)
        return 1 - divide, divide * below
    bright = cv2.GaussianBlur(picture, (0, 0), 0.05 * scale).astype(np.float32) @ LUMA
    ends = 1 - smoothstep(-0.10 * scale, 0.04 * scale, y - lower_rim)
    return ends * smoothstep(0.30, 0.50, bright / skin_luma), np.zeros((height, width))


def _height_at(columns: NDArray[np.int_], rim: Points) -> Points:
    order = np.argsort(rim[:, 0])
    return np.asarray(np.interp(columns, rim[order, 0], rim[order, 1]))
