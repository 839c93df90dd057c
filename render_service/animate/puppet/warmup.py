"""Draws a few tiny frames of the canonical face: every kernel is compiled and on disk before a song needs it."""

import numpy as np

from render_service.animate.puppet.controls import pose_at, turn_limits
from render_service.animate.puppet.model import Puppet, build_rig
from render_service.portrait.canonical import CANONICAL
from render_service.portrait.face import HeadFrame, Mouth, Portrait
from render_service.portrait.indices import LEFT_LIDS, RIGHT_LIDS
from render_service.stages import ARKIT_NAMES

SIDE_PX, PAD_PX, PX_PER_CM = 160, 16, 6.0


def rehearse() -> None:
    """Takes some seconds once, then a few milliseconds: numba keeps what it compiled beside the code."""
    puppet = Puppet(build_rig(_grey_portrait()))
    coefficients = np.zeros(len(ARKIT_NAMES), np.float32)
    for name in ("jawOpen", "eyeBlinkLeft", "eyeLookInRight", "mouthClose"):
        coefficients[ARKIT_NAMES.index(name)] = 0.6
        puppet.draw(pose_at(coefficients, np.full(6, 0.1, np.float32), 0.5, turn_limits(0.0)))


def _grey_portrait() -> Portrait:
    """The canonical face in front of nothing, lips apart: it needs every layer."""
    side = SIDE_PX + 2 * PAD_PX
    head = HeadFrame(PX_PER_CM, np.eye(3), np.array([side / 2, -side / 2, 0.0]))
    vertices = CANONICAL.vertices
    irises = [np.tile((vertices[eye.outer] + vertices[eye.inner]) / 2, (5, 1)) for eye in (RIGHT_LIDS, LEFT_LIDS)]
    for iris in irises:
        iris[1:, 0] += 0.5
    points = np.concatenate([vertices, *irises])
    pixels = head.to_pixels(points)
    grey = np.full((side, side, 3), 128, np.uint8)
    matte = np.ones((side, side), np.float32)
    return Portrait(
        image=grey,
        pad=PAD_PX,
        landmarks=np.concatenate([pixels, -PX_PER_CM * points[:, 2:]], axis=1),
        head=head,
        rest=vertices,
        mouth=Mouth(gap_cm=0.6, closed=False),
        layered=False,
        matte=matte,
        person=matte > 0,
        foreground=np.dstack([grey, np.full((side, side), 255, np.uint8)]),
        background=grey,
    )
