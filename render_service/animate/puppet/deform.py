"""From a pose to where every vertex is drawn."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from render_service.animate.puppet.camera import PIVOT_CM, Camera, turn_matrix
from render_service.animate.puppet.controls import JAW_LIMIT_CM, SHAPES, Pose
from render_service.animate.puppet.fields import Fields
from render_service.animate.puppet.jaw import LEVER_CM, SEAL_COLUMNS, turn_about_hinge
from render_service.animate.puppet.mesh import Mesh
from render_service.animate.puppet.place import add_fields, add_seal, place
from render_service.animate.puppet.shapes import smoothstep
from render_service.portrait.face import Points
from render_service.portrait.topology import LEVELS

NARROWING = 0.16
"""An opening mouth grows narrower by itself: "wide" lost per cm of aperture beyond NARROWING_FROM_CM."""
NARROWING_FROM_CM = 0.3
WELD_PX, WELD_FULL_PX = 0.9, 0.25
"""Lips nearer than this are drawn together, fully below the second: no background glints through a closed seam."""
SEALED = 0.9
"""From this share of sealing on, the rims are welded along their whole length."""
SINGING_CM, SINGING_ROUND = 0.6, 0.6
"""Aperture and rounding at which the photo's smile has given way."""
CLOSED_CM = 0.01
"""Gaps below this need no sealing."""

_WIDE = [SHAPES.index(name) for name in ("wide_left", "wide_right")]
_SMILE = [SHAPES.index(name) for name in ("smile_left", "smile_right")]
_ROUND = SHAPES.index("round")
_BARING = [SHAPES.index(name) for name in ("upper_left", "upper_right", "lower_left", "lower_right")]
_COLUMN = 2**LEVELS
"""Fine vertices from one landmark of a loop to the next."""


@dataclass(frozen=True)
class Drawn:
    """Where one frame has its vertices.

    positions:   [n, 2] float32 px of the output.
    jaw_angle:   radians, negative where the jaw shuts an open photo's mouth.
    closing:     0..1, how much of the photo's own gap is shut.
    together:    [k] 0..1 along the seam from corner to corner, how much the lips' rims are drawn together.
    blink:       left and right, after the photo's own gain.
    """

    positions: NDArray[np.float32]
    jaw_angle: float
    closing: float
    together: NDArray[np.float64]
    blink: tuple[float, float]


def _bared(pose: Pose) -> float:
    """How far lips are drawn apart by themselves, over teeth that stay together: sealing must not undo it."""
    return float(np.clip(pose.shapes[_BARING].mean(), 0, 1))


def _relaxed(pose: Pose, fields: Fields) -> float:
    """How much of the photo's smile gives way to this pose: the lips sing as soon as they part or pout."""
    busy = max(pose.lips_cm / SINGING_CM, float(pose.shapes[_ROUND]) / SINGING_ROUND)
    return float(fields.relax + (fields.relax_singing - fields.relax) * smoothstep(0, 1, np.array(busy)))


def _width_cm(gaps: Points) -> float:
    """Mean of the three columns in the middle."""
    middle = len(gaps) // 2
    return float(np.linalg.norm(gaps[middle - 1 : middle + 2], axis=1).mean())


class Deformer:
    """Poses one portrait's mesh. Stateless between poses."""

    def __init__(self, mesh: Mesh, fields: Fields, camera: Camera) -> None:
        self._mesh, self._fields, self._camera = mesh, fields, camera
        self._basis = np.concatenate([fields.shapes, fields.blink])
        half = len(mesh.mouth) // 2
        columns = np.array(SEAL_COLUMNS) * _COLUMN
        self._upper, self._lower = mesh.mouth[1:half], mesh.mouth[:half:-1]
        self._upper_columns, self._lower_columns = mesh.mouth[columns], mesh.mouth[-columns]
        self._corners = mesh.mouth[[0, half]]
        self._rest_gap_cm = max(_width_cm(self._gaps(0.0)), CLOSED_CM)

    def draw(self, pose: Pose) -> Drawn:
        """Where this pose has every vertex."""
        fields = self._fields
        pose = self._openable(pose)
        angle, closing = self._jaw(pose)
        shapes = pose.shapes.copy()
        shapes[_WIDE] -= NARROWING * max(0.0, pose.lips_cm - NARROWING_FROM_CM)
        shapes[_SMILE] -= _relaxed(pose, fields)
        left, right = (float(gain * shut) for gain, shut in zip(fields.blink_gain, pose.blink, strict=True))
        offsets = np.zeros((self._mesh.face_count, 3), np.float32)
        add_fields(offsets, self._basis, np.concatenate([shapes, [left, right]]).astype(np.float32))
        sealing, gaps = self._seal(pose, angle)
        if sealing > 0:
            add_seal(offsets, fields.seal, (sealing * gaps).astype(np.float32))
        mesh, camera = self._mesh, self._camera
        positions = np.empty_like(mesh.source)
        place(
            mesh.source, mesh.rest, offsets, mesh.head, mesh.body, mesh.jaw, angle,
            camera.rotation, turn_matrix(pose.turn), camera.rotation @ PIVOT_CM, np.array(pose.shift_cm),
            camera.px_per_cm, np.array(pose.sway), float(camera.pad), positions,
        )  # fmt: skip
        together = self._weld(positions, sealing - _bared(pose))
        return Drawn(positions, angle, closing, together, (left, right))

    def _openable(self, pose: Pose) -> Pose:
        """The pose for this photo's mouth: one that is torn wide open still moves, but never shuts."""
        least = self._fields.least_cm
        if least <= 0:
            return pose
        share = 1 - min(1.0, least / JAW_LIMIT_CM)
        return replace(pose, jaw_cm=least + share * pose.jaw_cm, lips_cm=least + share * pose.lips_cm)

    def _jaw(self, pose: Pose) -> tuple[float, float]:
        """The jaw's angle, and how much of the photo's own gap is to be shut."""
        gap = self._fields.gap_cm
        if gap <= 0:
            return pose.jaw_cm / LEVER_CM, 0.0
        closing = 1 - min(1.0, pose.lips_cm / gap)
        shut = 1 - min(1.0, pose.jaw_cm / gap)
        return max(0.0, pose.jaw_cm - gap) / LEVER_CM - shut * self._fields.closing_angle, closing

    def _seal(self, pose: Pose, angle: float) -> tuple[float, Points]:
        """How much of the gap left by the jaw the lips bridge, 0..1, and that gap [9, 3] at each column."""
        gaps = self._gaps(angle)
        shutting = pose.jaw_cm < self._fields.gap_cm
        natural = self._fields.gap_cm * _width_cm(gaps) / self._rest_gap_cm if shutting else pose.jaw_cm
        return (float(np.clip(1 - pose.lips_cm / natural, 0, 1)) if natural > CLOSED_CM else 0.0), gaps

    def _gaps(self, angle: float) -> Points:
        """[9, 3] cm from the upper to the lower lip at each column, with the jaw at an angle and nothing else."""
        mesh = self._mesh
        upper, lower = (
            mesh.rest[rim] + turn_about_hinge(mesh.rest[rim], mesh.jaw[rim], angle)
            for rim in (self._upper_columns, self._lower_columns)
        )
        return np.asarray(lower - upper)

    def _weld(self, positions: NDArray[np.float32], sealing: float) -> NDArray[np.float64]:
        """Draws rims together where they nearly touch, or cross."""
        start, end = positions[self._corners].astype(np.float64)
        along = (end - start) / (np.linalg.norm(end - start) + 1e-9)
        upper, lower = positions[self._upper], positions[self._lower]
        gap = (lower - upper) @ np.array([-along[1], along[0]])
        near = np.clip((WELD_PX - gap) / (WELD_PX - WELD_FULL_PX), 0, 1)
        near = np.maximum(near * near * (3 - 2 * near), np.clip((sealing - SEALED) / (1 - SEALED), 0, 1))
        middle = (upper + lower) / 2
        positions[self._upper] += (middle - upper) * near[:, None].astype(np.float32)
        positions[self._lower] += (middle - lower) * near[:, None].astype(np.float32)
        return np.concatenate([[0.0], near, [0.0]])
