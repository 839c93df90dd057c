"""From a pose to where every vertex is drawn."""

import math
from dataclasses import dataclass, replace

import numba
import numpy as np
from numpy.typing import NDArray

from render_service.animate.puppet.controls import JAW_LIMIT_CM, SHAPES, Pose
from render_service.animate.puppet.fields import Fields
from render_service.animate.puppet.jaw import AXIS_Y_CM, AXIS_Z_CM, LEVER_CM, SEAL_COLUMNS, turn_about_hinge
from render_service.animate.puppet.mesh import Mesh
from render_service.portrait.face import FOCAL_CM, Points
from render_service.portrait.topology import LEVELS

PIVOT_CM = (0.0, -6.5, -4.5)
"""What the head turns about, in head coordinates: the top of the neck (atlas)."""
NARROWING = 0.16
"""An opening mouth grows narrower by itself: "wide" lost per cm of aperture beyond NARROWING_FROM_CM."""
NARROWING_FROM_CM = 0.3
WELD_PX, WELD_FULL_PX = 0.9, 0.25
"""Lips nearer than this are drawn together, fully below the second: no background glints through a closed seam."""
SEALED = 0.9
"""From this share of sealing on, the rims are welded along their whole length."""
CLOSED_CM = 0.01
"""Gaps below this need no sealing."""

_WIDE = [SHAPES.index(name) for name in ("wide_left", "wide_right")]
_SMILE = [SHAPES.index(name) for name in ("smile_left", "smile_right")]
_BARING = [SHAPES.index(name) for name in ("upper_left", "upper_right", "lower_left", "lower_right")]
_COLUMN = 2**LEVELS
"""Fine vertices from one landmark of a loop to the next."""


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


def _bared(pose: Pose) -> float:
    """How far lips are drawn apart by themselves, over teeth that stay together: sealing must not undo it."""
    return float(np.clip(pose.shapes[_BARING].mean(), 0, 1))


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
        shapes[_SMILE] -= fields.relax
        left, right = (float(gain * shut) for gain, shut in zip(fields.blink_gain, pose.blink, strict=True))
        offsets = np.zeros((self._mesh.face_count, 3), np.float32)
        _add_fields(offsets, self._basis, np.concatenate([shapes, [left, right]]).astype(np.float32))
        sealing, gaps = self._seal(pose, angle)
        if sealing > 0:
            _add_seal(offsets, fields.seal, (sealing * gaps).astype(np.float32))
        mesh, camera = self._mesh, self._camera
        positions = np.empty_like(mesh.source)
        _place(
            mesh.source, mesh.rest, offsets, mesh.head, mesh.breath, mesh.jaw, angle,
            camera.rotation, turn_matrix(pose.turn), camera.rotation @ PIVOT_CM, np.array(pose.shift_cm),
            camera.px_per_cm, pose.breath_cm * camera.px_per_cm, float(camera.pad), positions,
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


@numba.njit(cache=True, nogil=True)
def _add_fields(offsets: NDArray[np.float32], fields: NDArray[np.float32], amounts: NDArray[np.float32]) -> None:
    """The sum of the fields [k, f, 3] that a pose uses, few of them; BLAS would start threads for it."""
    for k in range(len(amounts)):
        if amounts[k] != 0:
            for i in range(len(offsets)):
                for j in range(3):
                    offsets[i, j] += amounts[k] * fields[k, i, j]


@numba.njit(cache=True, nogil=True)
def _add_seal(offsets: NDArray[np.float32], weights: NDArray[np.float32], gaps: NDArray[np.float32]) -> None:
    """Each vertex's share [f, 9] of the gaps [9, 3]."""
    for i in range(len(offsets)):
        for column in range(weights.shape[1]):
            weight = weights[i, column]
            if weight != 0:
                for j in range(3):
                    offsets[i, j] += weight * gaps[column, j]


@numba.njit(cache=True, nogil=True)
def _place(
    source: NDArray[np.float32],
    rest: NDArray[np.float32],
    offsets: NDArray[np.float32],
    head: NDArray[np.float32],
    breath: NDArray[np.float32],
    jaw: NDArray[np.float32],
    angle: float,
    rotation: Points,
    turn: Points,
    pivot: Points,
    shift: Points,
    px_per_cm: float,
    breath_px: float,
    pad: float,
    positions: NDArray[np.float32],
) -> None:
    """Displaces in head coordinates, turns by the head's share, adds the difference of projections to the source."""
    point, camera, turned = np.empty(3), np.empty(3), np.empty(3)
    for i in range(len(source)):
        for k in range(3):
            point[k] = rest[i, k]
        for k in range(3):
            camera[k] = rotation[k, 0] * point[0] + rotation[k, 1] * point[1] + rotation[k, 2] * point[2]
        scale = px_per_cm * FOCAL_CM / (FOCAL_CM - camera[2])
        rest_x, rest_y = camera[0] * scale, -camera[1] * scale
        y, z = point[1] - AXIS_Y_CM, point[2] - AXIS_Z_CM
        cosine, sine = math.cos(angle * jaw[i]), math.sin(angle * jaw[i])
        point[1] += cosine * y - sine * z - y
        point[2] += sine * y + cosine * z - z
        if i < len(offsets):
            for k in range(3):
                point[k] += offsets[i, k]
        for k in range(3):
            camera[k] = rotation[k, 0] * point[0] + rotation[k, 1] * point[1] + rotation[k, 2] * point[2]
        scale = px_per_cm * FOCAL_CM / (FOCAL_CM - camera[2])
        local_x, local_y = camera[0] * scale, -camera[1] * scale
        for k in range(3):
            turned[k] = pivot[k] + shift[k]
            for j in range(3):
                turned[k] += turn[k, j] * (camera[j] - pivot[j])
        scale = px_per_cm * FOCAL_CM / (FOCAL_CM - turned[2])
        w = head[i]
        moved_x = turned[0] * scale * w + local_x * (1 - w)
        moved_y = -turned[1] * scale * w + local_y * (1 - w)
        positions[i, 0] = source[i, 0] + moved_x - rest_x - pad
        positions[i, 1] = source[i, 1] + moved_y - rest_y - breath[i] * breath_px - pad
