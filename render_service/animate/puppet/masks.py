"""Antialiased polygons and lines as alpha masks."""

import cv2
import numpy as np
from numpy.typing import NDArray

from render_service.animate.puppet.boxes import Box

Mask = NDArray[np.float32]

OVERSAMPLING = 4
_SHIFT = 4
"""OpenCV's drawing coordinates carry this many binary digits of a fraction."""


def polygon_mask(points: NDArray[np.floating], box: Box, soften_px: float) -> Mask:
    """[box.height, box.width] 0..1: the share of each pixel inside the loop [n, 2] px, then blurred a little."""
    fine = _blank(box)
    cv2.fillPoly(fine, [_fine_points(points, box)], 255, cv2.LINE_8, _SHIFT)
    return _coarse(fine, box, soften_px)


def line_mask(points: NDArray[np.floating], box: Box, thickness_px: float, soften_px: float) -> Mask:
    """The same for a line through the points."""
    fine = _blank(box)
    thickness = max(2, round(thickness_px * OVERSAMPLING))
    cv2.polylines(fine, [_fine_points(points, box)], False, 255, thickness, cv2.LINE_AA, _SHIFT)
    return _coarse(fine, box, soften_px)


def _blank(box: Box) -> NDArray[np.uint8]:
    return np.zeros((box.height * OVERSAMPLING, box.width * OVERSAMPLING), np.uint8)


def _fine_points(points: NDArray[np.floating], box: Box) -> NDArray[np.int32]:
    at = (np.asarray(points, np.float64) - box.corner + 0.5) * OVERSAMPLING - 0.5
    return np.asarray(np.round(at * 2**_SHIFT), np.int32)


def _coarse(fine: NDArray[np.uint8], box: Box, soften_px: float) -> Mask:
    mask = cv2.resize(fine, box.size, interpolation=cv2.INTER_AREA)
    if soften_px > 0:
        mask = cv2.GaussianBlur(mask, (0, 0), soften_px)
    return np.asarray(mask.astype(np.float32) / 255)
