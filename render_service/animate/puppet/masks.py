"""Antialiased polygons and lines as alpha masks."""

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.float32]

OVERSAMPLING = 4
_SHIFT = 4
"""OpenCV's drawing coordinates carry this many binary digits of a fraction."""


def polygon_mask(points: NDArray[np.floating], left: int, top: int, width: int, height: int, soften_px: float) -> Mask:
    """[height, width] 0..1, the share of each pixel inside the loop of points [n, 2] px, then blurred a little."""
    fine = np.zeros((height * OVERSAMPLING, width * OVERSAMPLING), np.uint8)
    cv2.fillPoly(fine, [_fine_points(points, left, top)], 255, cv2.LINE_8, _SHIFT)
    return _coarse(fine, width, height, soften_px)


def line_mask(
    points: NDArray[np.floating], left: int, top: int, width: int, height: int, thickness_px: float, soften_px: float
) -> Mask:
    """The same for a line through the points."""
    fine = np.zeros((height * OVERSAMPLING, width * OVERSAMPLING), np.uint8)
    thickness = max(2, round(thickness_px * OVERSAMPLING))
    cv2.polylines(fine, [_fine_points(points, left, top)], False, 255, thickness, cv2.LINE_AA, _SHIFT)
    return _coarse(fine, width, height, soften_px)


def _fine_points(points: NDArray[np.floating], left: int, top: int) -> NDArray[np.int32]:
    at = (np.asarray(points, np.float64) - [left, top] + 0.5) * OVERSAMPLING - 0.5
    return np.asarray(np.round(at * 2**_SHIFT), np.int32)


def _coarse(fine: NDArray[np.uint8], width: int, height: int, soften_px: float) -> Mask:
    mask = cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA)
    if soften_px > 0:
        mask = cv2.GaussianBlur(mask, (0, 0), soften_px)
    return np.asarray(mask.astype(np.float32) / 255)
