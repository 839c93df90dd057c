"""What one portrait's mouth is painted with: colours, teeth, and the points they hang from."""

from dataclasses import dataclass

import numpy as np

from render_service.animate.puppet.colours import Colours, read_colours
from render_service.animate.puppet.mesh import Mesh
from render_service.animate.puppet.own_teeth import OwnTeeth, own_teeth
from render_service.animate.puppet.teeth import MouthSheets, mouth_sheets
from render_service.portrait.face import Points, Portrait
from render_service.portrait.indices import LEFT_MOUTH_CORNER, RIGHT_MOUTH_CORNER


@dataclass(frozen=True)
class Anchor:
    """The middle of a lip's rim at rest: [3] cm in head coordinates, [2] px of the output."""

    point: Points
    pixel: Points


@dataclass(frozen=True)
class Mouth:
    """What a portrait's mouth is painted with. In a closed mouth both anchors are one."""

    sheets: MouthSheets
    own: OwnTeeth | None
    colours: Colours
    upper: Anchor
    lower: Anchor
    centre_x_cm: float
    closed: bool


def build_mouth(portrait: Portrait, mesh: Mesh) -> Mouth:
    """Measures colours, draws teeth, and finds the points everything inside hangs from."""
    colours = read_colours(portrait, mesh)
    corners = portrait.rest[[RIGHT_MOUTH_CORNER, LEFT_MOUTH_CORNER], 0]
    half = len(mesh.mouth) // 2
    upper, lower = mesh.rest[mesh.mouth[[half // 2, half + half // 2]]].astype(np.float64)
    if portrait.mouth.closed:
        upper = lower = (upper + lower) / 2
    upper_px, lower_px = portrait.head.to_pixels(np.stack([upper, lower])) - portrait.pad
    return Mouth(
        sheets=mouth_sheets(colours, float(corners[1] - corners[0]), portrait.head.px_per_cm),
        own=own_teeth(portrait, mesh, colours),
        colours=colours,
        upper=Anchor(upper, upper_px),
        lower=Anchor(lower, lower_px),
        centre_x_cm=float(corners.mean()),
        closed=portrait.mouth.closed,
    )
