"""Which vertex is what: rows of lips, lids, brows and the outline in MediaPipe's 468 + 10 landmark order.

Source: the connection lists of MediaPipe's face landmarker (Apache-2.0). "Right" and "left" are the person's own. Rows
of lips run from the person's right corner to the left one; rows of lids run from the outer corner to the inner one.
"""

from dataclasses import dataclass

FACE_VERTICES = 468
LANDMARKS = 478

INNER_UPPER_LIP = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
INNER_LOWER_LIP = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
OUTER_UPPER_LIP = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291)
OUTER_LOWER_LIP = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291)

UPPER_LIP_ROWS = (
    INNER_UPPER_LIP,
    (62, 183, 42, 41, 38, 12, 268, 271, 272, 407, 292),
    (76, 184, 74, 73, 72, 11, 302, 303, 304, 408, 306),
    OUTER_UPPER_LIP,
)
"""From the seam outwards."""
LOWER_LIP_ROWS = (
    INNER_LOWER_LIP,
    (62, 96, 89, 179, 86, 15, 316, 403, 319, 325, 292),
    (76, 77, 90, 180, 85, 16, 315, 404, 320, 307, 306),
    OUTER_LOWER_LIP,
)
"""From the seam outwards."""

MOUTH_LOOP = INNER_UPPER_LIP + INNER_LOWER_LIP[-2:0:-1]
RIGHT_EYE_LOOP = (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7)
LEFT_EYE_LOOP = (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249)
OVAL_LOOP = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
SHARP_CORNERS = (78, 308, 33, 133, 263, 362)
"""Ends of the mouth and of the eyes: a smooth boundary would round them off."""

RIGHT_BROW = (70, 63, 105, 66, 107, 46, 53, 52, 65, 55)
LEFT_BROW = (300, 293, 334, 296, 336, 276, 283, 282, 295, 285)

CHIN = 152
FOREHEAD_TOP = 10
NOSE_TIP = 1
RIGHT_CHEEK, LEFT_CHEEK = 234, 454
RIGHT_MOUTH_CORNER, LEFT_MOUTH_CORNER = 61, 291


@dataclass(frozen=True)
class Lids:
    """The vertex rows around one eye.

    outer, inner: the corners.
    upper, lower: 7 vertices on each rim between the corners, paired by position.
    upper2, upper3, lower2: rows further from the rim, paired the same way.
    iris: centre of the iris, followed by four points on its edge.
    """

    outer: int
    inner: int
    upper: tuple[int, ...]
    lower: tuple[int, ...]
    upper2: tuple[int, ...]
    upper3: tuple[int, ...]
    lower2: tuple[int, ...]
    iris: int


RIGHT_LIDS = Lids(
    outer=33,
    inner=133,
    upper=(246, 161, 160, 159, 158, 157, 173),
    lower=(7, 163, 144, 145, 153, 154, 155),
    upper2=(247, 30, 29, 27, 28, 56, 190),
    upper3=(113, 225, 224, 223, 222, 221, 189),
    lower2=(25, 110, 24, 23, 22, 26, 112),
    iris=468,
)
LEFT_LIDS = Lids(
    outer=263,
    inner=362,
    upper=(466, 388, 387, 386, 385, 384, 398),
    lower=(249, 390, 373, 374, 380, 381, 382),
    upper2=(467, 260, 259, 257, 258, 286, 414),
    upper3=(342, 445, 444, 443, 442, 441, 413),
    lower2=(255, 339, 254, 253, 252, 256, 341),
    iris=473,
)
