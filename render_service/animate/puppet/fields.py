"""All displacement fields of one portrait on its fine mesh, and what its own mouth needs to open and close."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from render_service.animate.puppet.jaw import LEVER_CM, seal_weights
from render_service.animate.puppet.lids import blink_fields, blink_gains
from render_service.animate.puppet.mesh import with_centres
from render_service.animate.puppet.shapes import shape_fields, smoothstep
from render_service.portrait.face import Portrait
from render_service.portrait.topology import topology

LIPS_CLOSE_CM = 0.25
"""What lips bridge without the jaw."""
JAW_SHARES, JAW_SHARE_GAPS_CM = (0.45, 0.80), (1.0, 3.0)
"""Share of an open photo's gap that the jaw shuts: a smile is lips drawn apart, a shout is a dropped jaw."""
BRIDGE_LIMIT_CM = 3.2
"""Largest gap that can be shut: beyond, a stretched lip becomes a smear."""
RELAX_OPEN, RELAX_SINGING = 0.35, 0.8
"""How much of the smile shape is taken off: at rest from a photo that smiles with open lips, and from any broad smile
while it sings: lips drawn wide can't shape vowels."""


@dataclass(frozen=True)
class Fields:
    """Displacements of the first f vertices of a mesh (the face and its three centres), float32 cm.

    shapes:   [len(SHAPES), f, 3].
    blink:    [2, f, 3], left and right. blink_gain: [2].
    seal:     [f, 9], share of each lip column's gap by which a vertex moves when the lips meet.
    gap_cm:   between the inner lips in the photo, 0 when they touch. closing_angle: radians by which the jaw shuts it.
    least_cm: the smallest aperture this photo's lips can be brought to.
    relax, relax_singing: how much the smile gives way, while the lips rest and while they sing.
    """

    shapes: NDArray[np.float32]
    blink: NDArray[np.float32]
    blink_gain: NDArray[np.float64]
    seal: NDArray[np.float32]
    gap_cm: float
    closing_angle: float
    least_cm: float
    relax: float
    relax_singing: float


def build_fields(portrait: Portrait) -> Fields:
    """The fields of a portrait, in the order of its mesh."""
    smooth, linear = topology().smooth, topology().linear
    shapes = np.stack([with_centres(smooth @ field) for field in shape_fields(portrait.rest)])
    gap_cm = 0.0 if portrait.mouth.closed else portrait.mouth.gap_cm
    closing_cm = float(np.interp(gap_cm, JAW_SHARE_GAPS_CM, JAW_SHARES)) * max(0.0, gap_cm - LIPS_CLOSE_CM)
    relax = RELAX_OPEN * float(smoothstep(0.25, 0.8, np.array(gap_cm)))
    return Fields(
        shapes=shapes.astype(np.float32),
        blink=blink_fields(portrait.rest).astype(np.float32),
        blink_gain=blink_gains(portrait.landmarks),
        seal=with_centres(linear @ seal_weights(portrait.rest)).astype(np.float32),
        gap_cm=gap_cm,
        closing_angle=closing_cm / LEVER_CM,
        least_cm=max(0.0, gap_cm - BRIDGE_LIMIT_CM),
        relax=relax,
        relax_singing=max(relax, RELAX_SINGING * portrait.mouth.smile),
    )
