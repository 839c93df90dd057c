"""The loops over vertices: fields added up, the jaw turned, the head posed and projected."""

import math

import numba
import numpy as np
from numpy.typing import NDArray

from render_service.animate.puppet.jaw import AXIS_Y_CM, AXIS_Z_CM
from render_service.portrait.face import FOCAL_CM, Points


@numba.njit(cache=True, nogil=True)
def add_fields(offsets: NDArray[np.float32], fields: NDArray[np.float32], amounts: NDArray[np.float32]) -> None:
    """The sum of the fields [k, f, 3] that a pose uses, few of them; BLAS would start threads for it."""
    for k in range(len(amounts)):
        if amounts[k] != 0:
            for i in range(len(offsets)):
                for j in range(3):
                    offsets[i, j] += amounts[k] * fields[k, i, j]


@numba.njit(cache=True, nogil=True)
def add_seal(offsets: NDArray[np.float32], weights: NDArray[np.float32], gaps: NDArray[np.float32]) -> None:
    """Each vertex's share [f, 9] of the gaps [9, 3]."""
    for i in range(len(offsets)):
        for column in range(weights.shape[1]):
            weight = weights[i, column]
            if weight != 0:
                for j in range(3):
                    offsets[i, j] += weight * gaps[column, j]


@numba.njit(cache=True, nogil=True)
def place(
    source: NDArray[np.float32],
    rest: NDArray[np.float32],
    offsets: NDArray[np.float32],
    head: NDArray[np.float32],
    body: NDArray[np.float32],
    jaw: NDArray[np.float32],
    angle: float,
    rotation: Points,
    turn: Points,
    pivot: Points,
    shift: Points,
    px_per_cm: float,
    sway: Points,
    pad: float,
    positions: NDArray[np.float32],
) -> None:
    """Displaces in head coordinates, turns by the head's share, sways, adds the change of projection to the source."""
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
        for k in range(len(sway)):
            moved_x += sway[k] * body[k, i, 0]
            moved_y += sway[k] * body[k, i, 1]
        positions[i, 0] = source[i, 0] + moved_x - rest_x - pad
        positions[i, 1] = source[i, 1] + moved_y - rest_y - pad
