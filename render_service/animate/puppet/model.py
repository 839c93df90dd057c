"""One portrait strung up: everything its frames are drawn from, and the order in which they are."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from render_service.animate.puppet.camera import Camera
from render_service.animate.puppet.controls import Pose, turn_limits
from render_service.animate.puppet.deform import Deformer
from render_service.animate.puppet.eyes import EyePainter, Eyes, build_eyes
from render_service.animate.puppet.fields import Fields, build_fields
from render_service.animate.puppet.folds import FoldPainter
from render_service.animate.puppet.mesh import Mesh, build_mesh
from render_service.animate.puppet.mouth import Mouth, build_mouth
from render_service.animate.puppet.mouth_interior import MouthPainter
from render_service.animate.puppet.warp import Layers, Warper, cut_layers
from render_service.portrait.face import Portrait
from render_service.stages import Frame


@dataclass(frozen=True)
class PuppetRig:
    """Everything a puppet is drawn from; see `rig.flatten` for how it is stored. limits_deg: [3], see `turn_limits`."""

    mesh: Mesh
    fields: Fields
    camera: Camera
    layers: Layers
    mouth: Mouth
    eyes: Eyes
    limits_deg: NDArray[np.float64]


def build_rig(portrait: Portrait) -> PuppetRig:
    """Strings a portrait up."""
    mesh = build_mesh(portrait)
    return PuppetRig(
        mesh=mesh,
        fields=build_fields(portrait),
        camera=Camera(portrait.head.rotation, portrait.head.px_per_cm, portrait.pad),
        layers=cut_layers(portrait, mesh),
        mouth=build_mouth(portrait, mesh),
        eyes=build_eyes(portrait, mesh),
        limits_deg=turn_limits(portrait.head.yaw_pitch_roll[0]),
    )


class Puppet:
    """One rig ready to draw. Its buffers are reused, its frames depend on the pose alone."""

    def __init__(self, rig: PuppetRig) -> None:
        self.rig = rig
        self.deformer = Deformer(rig.mesh, rig.fields, rig.camera)
        self._warper = Warper(rig.layers, rig.mesh, rig.camera.pad)
        self._mouth = MouthPainter(rig.mouth, rig.mesh, rig.camera)
        self._eyes = EyePainter(rig.eyes, rig.camera, self._warper)
        self._folds = FoldPainter(rig.mouth.colours.shade, rig.camera.px_per_cm, rig.fields.gap_cm)
        self._canvas = rig.layers.photo.copy()

    def draw(self, pose: Pose) -> Frame:
        """[H, W, 3] uint8 RGB; the array is reused by the next call."""
        drawn = self.deformer.draw(pose)
        self._warper.draw(drawn.positions, self._canvas)
        self._folds.paint(self._canvas, drawn, pose)
        self._eyes.paint(self._canvas, drawn, pose)
        self._mouth.paint(self._canvas, drawn, pose)
        return self._canvas
