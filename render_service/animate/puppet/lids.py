"""The lids: how skin between brow and cheek moves when an eye shuts."""

import numpy as np

from render_service.animate.puppet.mesh import with_centres
from render_service.animate.puppet.shapes import smoothstep
from render_service.portrait.face import Points
from render_service.portrait.indices import FACE_VERTICES, LEFT_LIDS, RIGHT_LIDS, Lids
from render_service.portrait.topology import topology

RIM_ROWS = (0.0, 0.3, 1.0, 1.6, 2.2, 3.0)
FOLLOW = (1.0, 0.97, 0.52, 0.25, 0.10, 0.0)
"""Share of the upper rim's travel at row 0 (the rim), 1, 2 and between: the lid unrolls, the brow stays."""
UPPER_TRAVEL, LOWER_TRAVEL = 0.90, 0.10
"""Who travels how far when the eye shuts."""
LOWER_SECOND_ROW = 0.45
BROW_ROW = 3.0
HALF_CLOSED, OPEN = 0.05, 0.16
"""Eye aspect ratios (height over width) between which a photo's eye goes from not blinking to blinking fully: lids
that hang already have no way to travel."""


def blink_fields(rest: Points) -> Points:
    """[2, f, 3] cm for the left and the right eye; 1 shuts it. rest: [468, 3] cm."""
    return np.stack([_blink_field(rest, lids) for lids in (LEFT_LIDS, RIGHT_LIDS)])


def _blink_field(rest: Points, lids: Lids) -> Points:
    opening = rest[list(lids.lower)] - rest[list(lids.upper)]
    upper, row = np.zeros((FACE_VERTICES, 3)), np.full(FACE_VERTICES, BROW_ROW)
    for number, vertices in enumerate((lids.upper, lids.upper2, lids.upper3)):
        upper[list(vertices)] = opening
        row[list(vertices)] = number
    lower = np.zeros((FACE_VERTICES, 3))
    lower[list(lids.lower)] = -opening
    lower[list(lids.lower2)] = -LOWER_SECOND_ROW * opening
    smooth = topology().smooth
    follow = np.interp(smooth @ row, RIM_ROWS, FOLLOW)[:, None]
    return with_centres(UPPER_TRAVEL * follow * (smooth @ upper) + LOWER_TRAVEL * (smooth @ lower))


def blink_gains(landmarks: Points) -> Points:
    """[2] left and right: how much of a blink this photo's eyes can show. landmarks: [478, 3] px."""
    return np.array(
        [float(smoothstep(HALF_CLOSED, OPEN, np.array(_aspect(landmarks, e)))) for e in (LEFT_LIDS, RIGHT_LIDS)]
    )


def _aspect(landmarks: Points, lids: Lids) -> float:
    """Height over width of an eye in the picture (Soukupova & Cech 2016)."""
    middle = len(lids.upper) // 2
    height = np.linalg.norm(landmarks[lids.upper[middle], :2] - landmarks[lids.lower[middle], :2])
    return float(height / np.linalg.norm(landmarks[lids.outer, :2] - landmarks[lids.inner, :2]))
