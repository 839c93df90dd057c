"""What the body does while the head moves: it leans, tilts and bobs with it, later and less, and breathes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOTIONS = ("lean", "tilt", "bob", "breath")
"""Units: cm to the picture's right at the collar, degrees clockwise of the shoulders, cm down, cm up."""

LEAN_SHARE = 0.5
"""Of the head's own translation."""
LEAN_CM_PER_ROLL_DEG, LEAN_CM_PER_YAW_DEG = 0.06, 0.03
"""The weight shifts towards where the head tilts and looks, and takes the head along."""
TILT_SHARE = 0.15
"""Of the head's roll."""
BOB_CM_PER_PITCH_DEG = 0.025
"""A nod reaches the shoulders."""
BODY_S = 0.6
"""Width of the window over which the body averages the head's motion: it weighs ten times as much."""


@dataclass(frozen=True)
class Sway:
    """What the body does in one frame. carried_cm: how far the head rides along to the right; amounts: [4]."""

    carried_cm: float
    amounts: tuple[float, float, float, float]


def sway(turn: tuple[float, float, float], shift_cm: float, breath_cm: float) -> Sway:
    """turn: yaw, pitch, roll that the body has taken over from the head, degrees; shift_cm: its shift to the right."""
    yaw, pitch, roll = turn
    carried = LEAN_CM_PER_ROLL_DEG * roll + LEAN_CM_PER_YAW_DEG * yaw
    lean = carried + LEAN_SHARE * shift_cm
    return Sway(carried, (lean, TILT_SHARE * roll, BOB_CM_PER_PITCH_DEG * pitch, breath_cm))


def followed(head: NDArray[np.float32], fps: int) -> NDArray[np.float32]:
    """[T, 6], the head's motion as the body takes it over: slower (Hann-weighted mean), still at both ends."""
    half = max(1, round(BODY_S * fps / 2))
    weights = np.hanning(2 * half + 3)[1:-1]
    padded = np.pad(head, ((half, half), (0, 0)), mode="edge")
    smooth = [np.convolve(column, weights / weights.sum(), "valid") for column in padded.T]
    return np.stack(smooth, axis=1).astype(np.float32)
