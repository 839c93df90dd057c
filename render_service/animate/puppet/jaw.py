"""The jaw: how much of its turn each vertex follows, and the lips that close over it."""

import numpy as np
from numpy.typing import NDArray

from render_service.animate.puppet.shapes import lower_face, smoothstep
from render_service.portrait.face import Points
from render_service.portrait.indices import (
    FACE_VERTICES,
    LOWER_LIP_ROWS,
    OUTER_LOWER_LIP,
    OUTER_UPPER_LIP,
    UPPER_LIP_ROWS,
)

AXIS_Y_CM, AXIS_Z_CM = 0.2, -2.2
"""The hinge in head coordinates: just before the ears, where the mandible's condyle turns."""
LEVER_CM = 7.2
"""Aperture per radian: from the hinge to the lips, less what the lips' own give takes away."""
MOUTH_HALF_WIDTH_CM = 2.5
"""The ellipse along which the lower lip follows: steeper gives a trapezoid mouth, narrower a diamond."""
UPPER_SHARE, LOWER_SHARE = 0.45, 0.55
"""Who travels how far when lips meet over an open jaw."""
SEAL_ROW_SHARES = (1.0, 0.9, 0.75, 0.55)
"""How much of the seam's travel each row follows when lips are sealed, from the seam outwards."""
SEAL_COLUMNS = tuple(range(1, len(OUTER_UPPER_LIP) - 1))
"""The columns of the lips between the corners."""


def jaw_weights(canonical: Points) -> Points:
    """[468]: share of the jaw's turn, from the canonical face, so that a smiling photo gets the same jaw."""
    x, y, z = canonical.T
    below = lower_face(canonical).astype(np.float64)
    for row in (*UPPER_LIP_ROWS, *LOWER_LIP_ROWS):
        below[[row[0], row[-1]]] = 0.5
    lateral = 1 - np.sqrt(np.clip(1 - (np.abs(x) / MOUTH_HALF_WIDTH_CM) ** 2, 0, 1))
    # depth below the line from the mouth's corner to the ear
    line = (z + 2.2) * (-4.3 / 6.2)
    cheek = smoothstep(-2.4, 2.6, line - y)
    weight = below * (1 - lateral) + cheek * lateral
    return np.asarray(weight * (0.25 + 0.75 * smoothstep(-2.4, 1.0, z)))


def turn_about_hinge(head: Points, weight: NDArray[np.floating], angle: float) -> Points:
    """Displacement [n, 3] cm of points [n, 3] when the jaw opens by `angle` radians and they follow by `weight`."""
    cosine, sine = np.cos(angle * weight), np.sin(angle * weight)
    y, z = head[:, 1] - AXIS_Y_CM, head[:, 2] - AXIS_Z_CM
    return np.stack([np.zeros(len(head)), cosine * y - sine * z - y, sine * y + cosine * z - z], axis=1)


def seal_weights(rest: Points) -> Points:
    """[468, 9]: by how much of each column's gap (upper to lower lip) a landmark moves when the lips meet."""
    below = lower_face(rest)
    weights = np.zeros((FACE_VERTICES, len(SEAL_COLUMNS)))
    middle = (rest[OUTER_UPPER_LIP[0]] + rest[OUTER_UPPER_LIP[-1]]) / 2
    for border, side, reach_cm, share in (
        (OUTER_UPPER_LIP, ~below & (rest[:, 1] > middle[1] - 0.3), 0.9, UPPER_SHARE),
        (OUTER_LOWER_LIP, below, 1.3, -LOWER_SHARE),
    ):
        distance = np.linalg.norm(rest[:, None] - rest[list(border)][None], axis=2)
        nearest = np.clip(distance.argmin(axis=1), SEAL_COLUMNS[0], SEAL_COLUMNS[-1]) - SEAL_COLUMNS[0]
        skin = SEAL_ROW_SHARES[-1] * np.exp(-((distance.min(axis=1) / reach_cm) ** 2)) * share * side
        chosen = np.flatnonzero(side)
        weights[chosen, nearest[chosen]] = skin[chosen]
    for rows, share in ((UPPER_LIP_ROWS, UPPER_SHARE), (LOWER_LIP_ROWS, -LOWER_SHARE)):
        for row, row_share in zip(rows, SEAL_ROW_SHARES, strict=True):
            weights[list(row)] = 0
            for column in SEAL_COLUMNS:
                weights[row[column], column - SEAL_COLUMNS[0]] = row_share * share
    return weights
