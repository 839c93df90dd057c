"""Toothy smiles that the landmarker calls closed: the inner lips are refitted around the bright band between them."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from render_service.portrait.face import Points
from render_service.portrait.indices import LOWER_LIP_ROWS, OUTER_LOWER_LIP, OUTER_UPPER_LIP, UPPER_LIP_ROWS
from render_service.stages import Frame

COLUMNS, ROWS = 61, 60
"""Grid the mouth is unrolled on: along it, and from the outer edge of the upper lip to that of the lower one."""
BLUR_CM, MIN_BLUR_PX = 0.04, 0.5
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
RIM_ROWS = np.r_[3:11, ROWS - 11 : ROWS - 3]
"""Rows that are lip whatever the mouth does."""
MARGIN_ROWS = 6
CORE_COLUMNS = slice(9, 52)
SKIN_VERTICES = (50, 280, 205, 425, 199)
"""On the cheeks and the chin."""

BRIGHTER, BRIGHTER_LEVELS = 1.30, 22.0
"""Teeth outshine the lips by this factor and by this many grey levels."""
LESS_SATURATED = 0.62
GREY_SATURATION = 0.08
"""Median saturation of lips under which a picture is black and white, and colour tells nothing."""
BRIGHT_LIPS = 0.80
"""Lips this bright next to the skin are marble or paper: light between them is not teeth."""
MIN_WIDTH_SHARE, MIN_THICKNESS_CM, LOWEST_TOP = 0.50, 0.14, 0.60
"""A band of teeth spans half the mouth, is this thick, and starts in the upper part; else it is a highlight."""
DARK_LINE, DARK_LINE_ROWS = 0.62, 6
"""A line this dark next to the lips, this many rows above the band, is the seam: the band is shine on the lower lip."""
EDGE_SMOOTHING = 3.0
TAPER_BEFORE, TAPER_WITHIN = 8, 3
"""Columns over which the opening closes towards the ends of the band."""


@dataclass(frozen=True)
class Band:
    """The teeth in the unrolled mouth.

    columns: those the band covers; top, bottom: its first and last row in each of them.
    """

    columns: NDArray[np.intp]
    top: NDArray[np.float64]
    bottom: NDArray[np.float64]


def refit_around_teeth(image: Frame, landmarks: Points, px_per_cm: float) -> Points | None:
    """landmarks: [478, 3] px -> the same with the inner lips around the teeth, or None where there are none to see."""
    upper, lower = (_resampled(landmarks[list(row), :2]) for row in (OUTER_UPPER_LIP, OUTER_LOWER_LIP))
    unrolled = _unroll(image, upper, lower, px_per_cm)
    light, saturation = unrolled @ LUMA, np.ptp(unrolled, axis=2) / np.maximum(unrolled.max(2), 1)
    lip_light = float(np.median(light[RIM_ROWS, CORE_COLUMNS]))
    if lip_light > BRIGHT_LIPS * _skin_light(image, landmarks):
        return None
    lip_saturation = float(np.median(saturation[RIM_ROWS, CORE_COLUMNS]))
    bright = light > max(BRIGHTER * lip_light, lip_light + BRIGHTER_LEVELS)
    if lip_saturation >= GREY_SATURATION:
        bright &= saturation < LESS_SATURATED * lip_saturation
    band = _largest_band(bright)
    if band is None or not _is_teeth(band, light, lip_light, np.linalg.norm(lower - upper, axis=1) / px_per_cm):
        return None
    return _refitted(landmarks, band, upper, lower)


def _resampled(row: Points) -> Points:
    at = np.linspace(0, len(row) - 1, COLUMNS)
    return np.stack([np.interp(at, np.arange(len(row)), row[:, axis]) for axis in (0, 1)], axis=1)


def _unroll(image: Frame, upper: Points, lower: Points, px_per_cm: float) -> NDArray[np.float32]:
    share = np.linspace(0, 1, ROWS)[:, None, None]
    grid = (upper * (1 - share) + lower * share).astype(np.float32)
    soft = cv2.GaussianBlur(image, (0, 0), max(MIN_BLUR_PX, BLUR_CM * px_per_cm))
    return np.asarray(cv2.remap(soft, grid[..., 0], grid[..., 1], cv2.INTER_LINEAR), np.float32)


def _skin_light(image: Frame, landmarks: Points) -> float:
    patches = []
    for x, y in landmarks[list(SKIN_VERTICES), :2].astype(int):
        patches.append(image[max(0, y - 2) : y + 3, max(0, x - 2) : x + 3].reshape(-1, 3))
    return float(np.median(np.concatenate(patches) @ LUMA))


def _largest_band(bright: NDArray[np.bool_]) -> Band | None:
    mask = bright.astype(np.uint8)
    mask[:MARGIN_ROWS] = mask[-MARGIN_ROWS:] = 0
    mask = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((4, 3), np.uint8)))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    if count < 2:
        return None
    band = labels == 1 + stats[1:, cv2.CC_STAT_AREA].argmax()
    columns = np.flatnonzero(band.any(0))
    top = band[:, columns].argmax(0).astype(np.float64)
    bottom = ROWS - 1 - band[::-1, columns].argmax(0).astype(np.float64)
    return Band(columns, top, bottom)


def _is_teeth(band: Band, light: NDArray[np.float32], lip_light: float, height_cm: Points) -> bool:
    wide = np.ptp(band.columns) + 1 >= MIN_WIDTH_SHARE * COLUMNS
    thick = np.median((band.bottom - band.top + 1) / ROWS * height_cm[band.columns]) >= MIN_THICKNESS_CM
    high = np.median(band.top) / ROWS <= LOWEST_TOP
    across = light[8:-8, band.columns].mean(1)
    below_a_line = across.argmin() + 8 < np.median(band.top) - DARK_LINE_ROWS and across.min() < DARK_LINE * lip_light
    return bool(wide and thick and high and not below_a_line)


def _refitted(landmarks: Points, band: Band, upper: Points, lower: Points) -> Points:
    """Inner rows on the band's edges, one row outside it, the rows between spread evenly to the outer edge."""
    top, bottom = _edge(band, band.top), _edge(band, band.bottom)
    taper = _taper(band)
    centre = (top + bottom) / 2
    refitted = landmarks.copy()
    for edge, rows, outer in (
        (centre + (top - 1 - centre) * taper, UPPER_LIP_ROWS, upper),
        (centre + (bottom + 1 - centre) * taper, LOWER_LIP_ROWS, lower),
    ):
        for column, vertices in zip(range(6, COLUMNS - 1, 6), list(zip(*rows, strict=True))[1:-1], strict=True):
            share = edge[column] / (ROWS - 1)
            inner = upper[column] * (1 - share) + lower[column] * share
            for step, vertex in zip((0.0, 1 / 3, 2 / 3), vertices[:-1], strict=True):
                refitted[vertex, :2] = inner * (1 - step) + outer[column] * step
    return refitted


def _edge(band: Band, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    smooth = cv2.GaussianBlur(rows.reshape(1, -1), (0, 0), EDGE_SMOOTHING, borderType=cv2.BORDER_REPLICATE).ravel()
    return np.asarray(np.interp(np.arange(COLUMNS), band.columns, smooth))


def _taper(band: Band) -> NDArray[np.float64]:
    """1 over the band, 0 a little beyond its ends."""
    at = np.arange(COLUMNS)
    first, last = band.columns[[0, -1]]
    rise = np.clip((at - first + TAPER_BEFORE) / (TAPER_BEFORE + TAPER_WITHIN), 0, 1)
    fall = np.clip((last + TAPER_BEFORE - at) / (TAPER_BEFORE + TAPER_WITHIN), 0, 1)
    return np.asarray(rise**2 * (3 - 2 * rise) * fall**2 * (3 - 2 * fall))
