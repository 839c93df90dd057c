"""The pretended camera: how head coordinates reach the output, at rest and when the head turns."""

import math
from dataclasses import dataclass

import numpy as np

from render_service.animate.puppet.controls import Pose
from render_service.portrait.face import FOCAL_CM, Points

PIVOT_CM = (0.0, -6.5, -4.5)
"""What the head turns about, in head coordinates: the top of the neck (atlas)."""


@dataclass(frozen=True)
class Camera:
    """How head coordinates reach the output: rotation [3, 3] of the photo's head, scale, and the padding taken off."""

    rotation: Points
    px_per_cm: float
    pad: int

    def project(self, head: Points) -> Points:
        """head [n, 3] cm -> [n, 2] px relative to where the head's origin is drawn, with the portrait's perspective."""
        return self._to_picture(head @ self.rotation.T)

    def turn(self, head: Points, pose: Pose) -> Points:
        """The same after the pose's turn and shift of the head."""
        pivot = self.rotation @ PIVOT_CM
        camera = (head @ self.rotation.T - pivot) @ turn_matrix(pose.turn).T + pivot + np.array(pose.shift_cm)
        return self._to_picture(camera)

    def _to_picture(self, camera: Points) -> Points:
        scale = self.px_per_cm * FOCAL_CM / (FOCAL_CM - camera[:, 2])
        return np.stack([camera[:, 0] * scale, -camera[:, 1] * scale], axis=1)


def turn_matrix(turn_deg: tuple[float, float, float]) -> Points:
    """[3, 3] camera axes (y up, z to the viewer) from yaw, pitch, roll with the signs of `Performance.head`."""
    yaw, pitch, roll = np.deg2rad(turn_deg)
    cy, sy, cp, sp, cr, sr = (
        math.cos(yaw),
        math.sin(yaw),
        math.cos(pitch),
        math.sin(pitch),
        math.cos(-roll),
        math.sin(-roll),
    )
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return np.asarray(about_z @ about_y @ about_x)
