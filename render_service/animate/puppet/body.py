"""The body below the head: by how much each vertex moves when the torso leans, tilts, bobs or breathes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from render_service.animate.puppet.shapes import smoothstep
from render_service.portrait.face import Points

COLLAR_CM, HIPS_CM = 8.0, 52.0
"""Below the chin: from the first on the body leans less and less, at the second it stands still."""
SHOULDERS_CM = 12.0
"""Below the chin: what the shoulders tilt about."""
TILT_FROM_CM, TILT_TO_CM = 16.0, 40.0
BREATH_FROM_CM, BREATH_FULL_CM = 3.0, 9.0
BREATH_FADES_CM, BREATH_ENDS_CM = 16.0, 34.0
"""Below the chin: where breath lifts the shoulders, and where it no longer does."""
WIDENING = 0.07
"""A chest grows wider by this share of the lift for each cm beside the middle, up to `WIDEST_CM`."""
WIDEST_CM = 16.0
BESIDE_FROM_CM, BESIDE_TO_CM = 26.0, 33.0
"""Beside the chin: shoulders end here at the latest."""


@dataclass(frozen=True)
class Place:
    """Where vertices lie: below the chin and beside it (to the right) [n] cm in the picture, and how near the person.

    near:  [n] 1 on the person and closely around, 0 away from them.
    free:  [n] share that the head's own turn leaves to the body.
    """

    below: Points
    beside: Points
    near: Points
    free: Points


def body_fields(at: Place, px_per_cm: float) -> NDArray[np.float32]:
    """[4, n, 2] px by which each vertex moves for one unit of each of `sway.MOTIONS`."""
    weight = at.near * at.free * (1 - smoothstep(BESIDE_FROM_CM, BESIDE_TO_CM, np.abs(at.beside)))
    stands = 1 - smoothstep(COLLAR_CM, HIPS_CM, at.below)
    nothing = np.zeros_like(stands)
    tilts = np.deg2rad(1 - smoothstep(TILT_FROM_CM, TILT_TO_CM, at.below))
    lifts = smoothstep(BREATH_FROM_CM, BREATH_FULL_CM, at.below)
    lifts = lifts * (1 - smoothstep(BREATH_FADES_CM, BREATH_ENDS_CM, at.below))
    wider = WIDENING * np.clip(at.beside, -WIDEST_CM, WIDEST_CM)
    fields = (
        (stands, nothing),
        (-tilts * (at.below - SHOULDERS_CM), tilts * at.beside),
        (nothing, stands),
        (lifts * wider, -lifts),
    )
    moved = np.stack([np.stack(field, axis=1) for field in fields])
    return np.asarray(moved * (weight * px_per_cm)[:, None], np.float32)
