"""Displacement fields of the skin, one for each puppet shape: where every landmark goes, in head centimetres.

Amounts were set by eye on some hundred portraits against what people do when they sing; each is the travel of the
vertex that moves most.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from render_service.animate.puppet.controls import SHAPES
from render_service.portrait.face import Points
from render_service.portrait.indices import (
    FACE_VERTICES,
    LEFT_BROW,
    LEFT_LIDS,
    LEFT_MOUTH_CORNER,
    LOWER_LIP_ROWS,
    OUTER_LOWER_LIP,
    OUTER_UPPER_LIP,
    RIGHT_BROW,
    RIGHT_LIDS,
    RIGHT_MOUTH_CORNER,
    UPPER_LIP_ROWS,
)

LIP_ROW_SHARES = (1.0, 0.95, 0.85, 0.7)
"""How much of the seam's travel each row of a lip follows, from the seam outwards."""
PRESS_ROWS_CM = (0.0, 0.05, 0.10, 0.13)
"""Travel towards the seam when lips are pressed, from the seam outwards."""
ROLL_ROWS_CM = (0.0, 0.08, 0.15, 0.20)
"""The same when one lip is rolled in over the teeth."""
ROUND_ROWS_CM = (-0.08, 0.0, 0.06, 0.10)
"""Travel away from the seam when lips are rounded: they pout over the teeth and grow thicker."""
SIDE_BLEND_CM = 0.8
"""Half width of the strip in the middle of the face where left and right fade into each other."""
RIGHT_NOSTRIL, LEFT_NOSTRIL = 129, 358


def smoothstep(low: float, high: float, x: NDArray[np.floating]) -> Points:
    """0 below low, 1 above high (or the reverse when low > high), with flat ends."""
    t = np.clip((np.asarray(x, np.float64) - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def shape_fields(rest: Points) -> Points:
    """[len(SHAPES), 468, 3] cm. rest: [468, 3] cm, the landmarks in head coordinates."""
    face = _Lips(rest)
    fields = _lip_fields(face) | _jaw_fields(face) | _brow_fields(rest) | _cheek_fields(face) | _squint_fields(rest)
    return np.stack([fields[name] for name in SHAPES])


class _Lips:
    """Where vertices are relative to the mouth, and how much each belongs to either lip."""

    def __init__(self, rest: Points) -> None:
        corners = rest[[RIGHT_MOUTH_CORNER, LEFT_MOUTH_CORNER]]
        self.rest = rest
        self.width = float(corners[1, 0] - corners[0, 0])
        self.centre = corners.mean(axis=0)
        self.dx, self.dy = (rest[:, :2] - self.centre[:2]).T
        self.left = smoothstep(-SIDE_BLEND_CM, SIDE_BLEND_CM, self.dx)
        # nothing above the base of the nose belongs to the mouth
        self.near = np.exp(-((self.dx / 3.6) ** 2) - (self.dy / 2.3) ** 2) * (1 - smoothstep(0.5, 2.6, self.dy))
        below = lower_face(rest)
        self.upper = self._belonging(UPPER_LIP_ROWS, OUTER_UPPER_LIP, 0.8, ~below & (self.dy > -0.3))
        self.lower = self._belonging(LOWER_LIP_ROWS, OUTER_LOWER_LIP, 1.3, below)

    def _belonging(
        self, rows: Sequence[Sequence[int]], border: Sequence[int], reach_cm: float, side: NDArray[np.bool_]
    ) -> Points:
        """[468]: the rows by their share, the skin around by its distance from the lip's border; 0 at the corners."""
        column = np.sin(np.pi * np.arange(len(border)) / (len(border) - 1)) ** 0.7
        distance = np.linalg.norm(self.rest[:, None] - self.rest[list(border)][None], axis=2)
        nearest = distance.argmin(axis=1)
        share = LIP_ROW_SHARES[-1] * column[nearest] * np.exp(-((distance.min(axis=1) / reach_cm) ** 2)) * side
        share[[vertex for lip in (*UPPER_LIP_ROWS, *LOWER_LIP_ROWS) for vertex in lip]] = 0
        for row, weight in zip(rows, LIP_ROW_SHARES, strict=True):
            share[list(row)] = weight * column
        return np.asarray(share)


def lower_face(rest: Points) -> NDArray[np.bool_]:
    """[468]: below the line between the lips; the lips' own rows by name, whatever the photo does."""
    upper, lower = rest[list(UPPER_LIP_ROWS[0])], rest[list(LOWER_LIP_ROWS[0])]
    middle = (upper + lower) / 2
    below = np.asarray(rest[:, 1] < np.interp(rest[:, 0], middle[:, 0], middle[:, 1]))
    for row in UPPER_LIP_ROWS:
        below[list(row)] = False
    for row in LOWER_LIP_ROWS:
        below[list(row[1:-1])] = True
    return below


def _field(x: Points | float = 0.0, y: Points | float = 0.0, z: Points | float = 0.0) -> Points:
    return np.stack([np.broadcast_to(np.asarray(a, np.float64), (FACE_VERTICES,)) for a in (x, y, z)], axis=1)


def _both_sides(name: str, field: Points, left: Points) -> dict[str, Points]:
    return {f"{name}_left": field * left[:, None], f"{name}_right": field * (1 - left)[:, None]}


def _lip_fields(face: _Lips) -> dict[str, Points]:
    dx, dy, near, upper, lower = face.dx, face.dy, face.near, face.upper, face.lower
    corner = np.exp(-(((np.abs(dx) - face.width / 2) / 1.5) ** 2) - (dy / 1.5) ** 2)
    outward = corner * np.sign(dx)
    cheek = np.exp(-(((np.abs(dx) - 3.9) / 1.7) ** 2) - ((dy - 2.6) / 2.0) ** 2)
    wide = _field(0.16 * dx * near, z=-0.25 * near * np.abs(dx) / 2.4)
    press = _rows_to_seam(PRESS_ROWS_CM, upper=True) + _rows_to_seam(PRESS_ROWS_CM, upper=False) - 0.04 * wide
    smile = _field(0.42 * outward, 0.48 * corner + 0.28 * cheek, -0.2 * corner + 0.15 * cheek)
    chin = np.exp(-((dx / 1.8) ** 2) - ((dy + 3.6) / 1.4) ** 2)
    return {
        **_both_sides("wide", wide, face.left),
        **_both_sides("smile", smile, face.left),
        **_both_sides("frown", _field(0.08 * outward, -0.38 * corner), face.left),
        **_both_sides("upper", _field(y=0.34 * upper, z=0.05 * upper), face.left),
        **_both_sides("lower", _field(y=-0.34 * lower), face.left),
        **_both_sides("press", press, face.left),
        "round": _field(-0.44 * dx * near, -0.10 * dy * near, 0.55 * near)
        - _rows_to_seam(ROUND_ROWS_CM, upper=True)
        - _rows_to_seam(ROUND_ROWS_CM, upper=False),
        "roll_upper": _rows_to_seam(ROLL_ROWS_CM, upper=True) + _field(z=-0.12 * upper),
        "roll_lower": _rows_to_seam(ROLL_ROWS_CM, upper=False) + _field(z=-0.12 * lower),
        "shrug_upper": _field(y=0.14 * upper, z=0.10 * upper),
        "shrug_lower": _field(y=0.16 * lower + 0.22 * chin, z=0.12 * lower),
        "mouth_x": _field(0.45 * near),
    }


def _rows_to_seam(travel_cm: Sequence[float], *, upper: bool) -> Points:
    field = np.zeros((FACE_VERTICES, 3))
    rows, sign = (UPPER_LIP_ROWS, -1) if upper else (LOWER_LIP_ROWS, 1)
    for row, travel in zip(rows, travel_cm, strict=True):
        field[list(row), 1] = sign * travel * np.sin(np.pi * np.arange(len(row)) / (len(row) - 1))
    return field


def _jaw_fields(face: _Lips) -> dict[str, Points]:
    low = smoothstep(0.3, -2.0, face.dy) * smoothstep(6.5, 3.0, np.abs(face.dx)) + 0.5 * face.lower
    low = np.minimum(low, 1)
    return {"jaw_x": _field(0.35 * low), "jaw_z": _field(z=0.5 * low)}


def _brow_fields(rest: Points) -> dict[str, Points]:
    fields: dict[str, Points] = {"brow_inner": np.zeros((FACE_VERTICES, 3))}
    for side, brow in (("left", LEFT_BROW), ("right", RIGHT_BROW)):
        points = rest[list(brow)]
        dx = np.abs(rest[:, None, 0] - points[None, :, 0])
        dy = np.abs(rest[:, None, 1] - points[None, :, 1])
        # the forehead follows further than the lid below
        reach = np.where(rest[:, None, 1] > points[None, :, 1], 2.2, 0.9)
        near = np.exp(-((dx / 1.2) ** 2) - (dy / reach) ** 2).max(axis=1)
        inner = 1 - smoothstep(1.4, 4.2, np.abs(rest[:, 0]))
        fields["brow_inner"] += _field(y=0.42 * near * inner)
        fields[f"brow_outer_{side}"] = _field(y=0.40 * near * (1 - inner))
        inward = -np.sign(points[:, 0].mean())
        fields[f"brow_down_{side}"] = _field(0.10 * inward * near * inner, -0.26 * near)
    fields["brow_inner"] *= 0.8  # the middle of the forehead is near both brows
    return fields


def _cheek_fields(face: _Lips) -> dict[str, Points]:
    dx, dy, rest = face.dx, face.dy, face.rest
    apple = np.exp(-(((np.abs(dx) - 3.9) / 1.7) ** 2) - ((dy - 2.8) / 1.7) ** 2)
    balloon = np.exp(-(((np.abs(dx) - 3.7) / 1.8) ** 2) - ((dy - 0.2) / 2.0) ** 2)
    fields = _both_sides("cheek", _field(y=0.26 * apple, z=0.12 * apple), face.left)
    for side, nostril in (("left", LEFT_NOSTRIL), ("right", RIGHT_NOSTRIL)):
        wing = np.exp(-((np.linalg.norm(rest[:, :2] - rest[nostril, :2], axis=1) / 1.1) ** 2))
        fields[f"sneer_{side}"] = _field(y=0.20 * wing, z=0.05 * wing)
    fields["puff"] = _field(0.30 * np.sign(dx) * balloon, z=0.35 * balloon)
    return fields


def _squint_fields(rest: Points) -> dict[str, Points]:
    """The lower lid comes up by a quarter of the eye's opening, the skin below by less."""
    fields = {}
    for side, lids in (("left", LEFT_LIDS), ("right", RIGHT_LIDS)):
        field = np.zeros((FACE_VERTICES, 3))
        opening = rest[list(lids.upper)] - rest[list(lids.lower)]
        field[list(lids.lower)] = 0.25 * opening
        field[list(lids.lower2)] = 0.16 * opening
        field[list(lids.upper)] = -0.08 * opening
        fields[f"squint_{side}"] = field
    return fields
