"""What each ARKit coefficient means to the puppet, and how far one photo may be taken."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from render_service.animate.puppet.sway import Sway, sway
from render_service.stages import ARKIT_NAMES, JAW_OPEN_CM

FACE_HEIGHT_CM = 18.0
"""Unit of head translations in a Performance."""

SHAPES: tuple[str, ...] = (
    "wide_left", "wide_right", "round", "smile_left", "smile_right", "frown_left", "frown_right",
    "upper_left", "upper_right", "lower_left", "lower_right", "press_left", "press_right",
    "roll_upper", "roll_lower", "shrug_upper", "shrug_lower", "mouth_x", "jaw_x", "jaw_z",
    "brow_inner", "brow_outer_left", "brow_outer_right", "brow_down_left", "brow_down_right",
    "cheek_left", "cheek_right", "puff", "sneer_left", "sneer_right", "squint_left", "squint_right",
)  # fmt: skip
"""The puppet's own displacement fields, one coefficient each; left and right are the singer's."""

SHAPE_EFFECTS: dict[str, tuple[tuple[str, float], ...]] = {
    "eyeSquintLeft": (("squint_left", 1.0), ("cheek_left", 0.2)),
    "eyeSquintRight": (("squint_right", 1.0), ("cheek_right", 0.2)),
    "jawForward": (("jaw_z", 1.0),),
    "jawLeft": (("jaw_x", 1.0),),
    "jawRight": (("jaw_x", -1.0),),
    "mouthFunnel": (
        ("round", 0.75),
        *((f"{lip}_{side}", 0.35) for lip in ("upper", "lower") for side in ("left", "right")),
    ),
    "mouthPucker": (("round", 1.0),),
    "mouthLeft": (("mouth_x", 1.0),),
    "mouthRight": (("mouth_x", -1.0),),
    "mouthSmileLeft": (("smile_left", 1.0), ("wide_left", 0.15)),
    "mouthSmileRight": (("smile_right", 1.0), ("wide_right", 0.15)),
    "mouthFrownLeft": (("frown_left", 1.0),),
    "mouthFrownRight": (("frown_right", 1.0),),
    "mouthDimpleLeft": (("wide_left", 0.4), ("press_left", 0.2)),
    "mouthDimpleRight": (("wide_right", 0.4), ("press_right", 0.2)),
    "mouthStretchLeft": (("wide_left", 1.0), ("frown_left", 0.1)),
    "mouthStretchRight": (("wide_right", 1.0), ("frown_right", 0.1)),
    "mouthRollLower": (("roll_lower", 1.0),),
    "mouthRollUpper": (("roll_upper", 1.0),),
    "mouthShrugLower": (("shrug_lower", 1.0),),
    "mouthShrugUpper": (("shrug_upper", 1.0),),
    "mouthPressLeft": (("press_left", 1.0),),
    "mouthPressRight": (("press_right", 1.0),),
    "mouthLowerDownLeft": (("lower_left", 1.0),),
    "mouthLowerDownRight": (("lower_right", 1.0),),
    "mouthUpperUpLeft": (("upper_left", 1.0),),
    "mouthUpperUpRight": (("upper_right", 1.0),),
    "browDownLeft": (("brow_down_left", 1.0),),
    "browDownRight": (("brow_down_right", 1.0),),
    "browInnerUp": (("brow_inner", 1.0),),
    "browOuterUpLeft": (("brow_outer_left", 1.0),),
    "browOuterUpRight": (("brow_outer_right", 1.0),),
    "cheekPuff": (("puff", 1.0),),
    "cheekSquintLeft": (("cheek_left", 1.0), ("squint_left", 0.3)),
    "cheekSquintRight": (("cheek_right", 1.0), ("squint_right", 0.3)),
    "noseSneerLeft": (("sneer_left", 1.0), ("upper_left", 0.2)),
    "noseSneerRight": (("sneer_right", 1.0), ("upper_right", 0.2)),
}  # fmt: skip
"""Coefficients that move skin in a straight line: which fields, how much of each."""

DIRECT_EFFECTS: frozenset[str] = frozenset(
    {"jawOpen", "mouthClose"}
    | {f"eyeBlink{side}" for side in ("Left", "Right")}
    | {f"eyeWide{side}" for side in ("Left", "Right")}
    | {f"eyeLook{way}{side}" for way in ("Up", "Down", "In", "Out") for side in ("Left", "Right")}
)
"""Coefficients that turn, seal or close something instead; `pose_at` reads them by name."""

NOT_DRAWN: frozenset[str] = frozenset({"tongueOut"})
"""Nothing in one photo shows a tongue."""

SHAPE_LIMIT = 1.25
"""Largest sum of one field: two coefficients may agree, but past this lips fold."""

JAW_KNEE_CM, JAW_LIMIT_CM = 1.5, 2.2
"""Apertures are kept as they are up to the knee and eased towards the limit; wider, skin smears over the chin."""

GAZE_CM, GAZE_LIMIT_CM = 0.35, 0.2
"""What looking fully to a side asks for, and where the iris would reach the lid's corner."""
WIDE_EYE = 0.22
"""Share of a blink by which eyeWide = 1 lifts the lid above the photo's."""
LOOK_DOWN_LID = 0.3
"""Share of a blink by which the lid follows the eye down (Becker & Fuchs 1988: lid and eye move together)."""

HEAD_KNEE = 0.6
"""Share of an angle's limit up to which it is followed exactly."""
YAW_PITCH_ROLL_DEG = (8.0, 8.0, 8.0)
"""Limits for a near-frontal photo: further, the side that the photo never showed would be missing."""
SHIFT_LIMIT_CM = 1.0
"""Largest translation of the head: the neck has to follow."""
BREATH_CM = 0.22
"""Rise of the shoulders from the photo to breathed in."""

_SHAPE_GAINS = np.zeros((len(ARKIT_NAMES), len(SHAPES)), np.float32)
for _name, _effects in SHAPE_EFFECTS.items():
    for _shape, _gain in _effects:
        _SHAPE_GAINS[ARKIT_NAMES.index(_name), SHAPES.index(_shape)] += _gain
_Value = Callable[[str], float]
_INDEX = {name: i for i, name in enumerate(ARKIT_NAMES)}


@dataclass(frozen=True)
class Pose:
    """One frame's command, after all limits.

    jaw_cm:  aperture the jaw alone would give; lips_cm: aperture wanted between the lips, at most jaw_cm.
    shapes:  [len(SHAPES)] float32.
    blink:   left, right; 1 is shut, below 0 wider than the photo.
    gaze_cm: [2, 2] left and right eye; x to the picture's right, y up.
    turn:    yaw, pitch, roll in degrees, as in `Performance.head`. shift_cm: x, y, z in camera axes, y up.
    sway: amounts of `sway.MOTIONS`.
    """

    jaw_cm: float
    lips_cm: float
    shapes: NDArray[np.float32]
    blink: tuple[float, float]
    gaze_cm: NDArray[np.float64]
    turn: tuple[float, float, float]
    shift_cm: tuple[float, float, float]
    sway: tuple[float, float, float, float]


def turn_limits(photo_yaw_deg: float) -> NDArray[np.float64]:
    """[3] degrees of yaw, pitch and roll either way; a photo that is itself turned bears less."""
    share = float(np.clip(1 - (abs(photo_yaw_deg) - 8) / 22, 0.35, 1))
    return np.array(YAW_PITCH_ROLL_DEG) * (share, min(1.0, 0.6 + 0.4 * share), 1.0)


def pose_at(
    coefficients: NDArray[np.float32],
    head: NDArray[np.float32],
    breath: float,
    limits_deg: NDArray[np.float64],
    *,
    body: NDArray[np.float32] | None = None,
) -> Pose:
    """coefficients: [52] in ARKit order. head: [6] as in `Performance`. limits_deg: [3] from `turn_limits`.

    body: [6] what the body has taken over of the head's motion (`sway.followed`); None where it follows at once.
    """

    def value(name: str) -> float:
        return float(coefficients[_INDEX[name]])

    closing = value("mouthClose")
    jaw_cm = soft_limit(JAW_OPEN_CM * value("jawOpen"), JAW_KNEE_CM, JAW_LIMIT_CM)
    lips_cm = soft_limit(JAW_OPEN_CM * max(0.0, value("jawOpen") - closing), JAW_KNEE_CM, JAW_LIMIT_CM)
    shift = np.clip(head[3:] * FACE_HEIGHT_CM, -SHIFT_LIMIT_CM, SHIFT_LIMIT_CM)
    swayed = _sway(head if body is None else body, breath, limits_deg)
    return Pose(
        jaw_cm=jaw_cm,
        lips_cm=lips_cm,
        shapes=np.clip(coefficients @ _SHAPE_GAINS, -SHAPE_LIMIT, SHAPE_LIMIT).astype(np.float32),
        blink=(_blink(value, "Left"), _blink(value, "Right")),
        gaze_cm=np.array([_gaze(value, "Left"), _gaze(value, "Right")]),
        turn=_turn(head, limits_deg),
        shift_cm=(float(shift[0]) + swayed.carried_cm, float(shift[1]), float(shift[2])),
        sway=swayed.amounts,
    )


def _turn(head: NDArray[np.float32], limits_deg: NDArray[np.float64]) -> tuple[float, float, float]:
    yaw, pitch, roll = (soft_limit(float(a), HEAD_KNEE * b, b) for a, b in zip(head[:3], limits_deg, strict=True))
    return yaw, pitch, roll


def _sway(body: NDArray[np.float32], breath: float, limits_deg: NDArray[np.float64]) -> Sway:
    shift_cm = float(np.clip(body[3] * FACE_HEIGHT_CM, -SHIFT_LIMIT_CM, SHIFT_LIMIT_CM))
    return sway(_turn(body, limits_deg), shift_cm, BREATH_CM * float(np.clip(breath, -1, 1)))


def soft_limit(value: float, knee: float, limit: float) -> float:
    """`value` itself up to the knee, then eased so that it never passes the limit; odd in `value`."""
    size = abs(value)
    if size <= knee:
        return value
    room = limit - knee
    return float(np.copysign(knee + room * (1 - np.exp(-(size - knee) / room)), value))


def _blink(value: _Value, side: str) -> float:
    shut = value(f"eyeBlink{side}") + LOOK_DOWN_LID * value(f"eyeLookDown{side}") - WIDE_EYE * value(f"eyeWide{side}")
    return float(np.clip(shut, -WIDE_EYE, 1.0))


def _gaze(value: _Value, side: str) -> tuple[float, float]:
    outward = value(f"eyeLookOut{side}") - value(f"eyeLookIn{side}")
    # the singer's left eye looks outward to the picture's right
    x = GAZE_CM * (outward if side == "Left" else -outward)
    y = GAZE_CM * (value(f"eyeLookUp{side}") - value(f"eyeLookDown{side}"))
    knee = 0.6 * GAZE_LIMIT_CM
    return soft_limit(x, knee, GAZE_LIMIT_CM), soft_limit(y, knee, GAZE_LIMIT_CM)
