"""The mesh of one portrait: the cut face, a coarse grid around it, and how much of each movement all follow."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from scipy.spatial import Delaunay, cKDTree

from render_service.animate.puppet.body import Place, body_fields
from render_service.animate.puppet.jaw import jaw_weights
from render_service.animate.puppet.shapes import smoothstep
from render_service.portrait.canonical import CANONICAL
from render_service.portrait.face import Points, Portrait
from render_service.portrait.indices import CHIN, FACE_VERTICES
from render_service.portrait.topology import topology

Triangles = NDArray[np.int32]

GRID_CM, GRID_MIN_PX = 1.0, 6.0
"""Spacing of the vertices around the face."""
REACH_CM, REACH_DOWN_CM = 34.0, 66.0
"""How far around the face the mesh goes, and how far down; further away nothing follows the head or its body."""
HEAD_DEPTH_CM = -4.0
"""Depth of hair and neck in head coordinates: the plane of the ears and what is behind them."""
DEPTH_EASE_CM = 6.0
"""Distance from the face over which depth falls back to `HEAD_DEPTH_CM`."""
OVAL_NEIGHBOURS = 6
MOVING = 1e-3
"""Weights below this move nothing by a visible amount."""


@dataclass(frozen=True)
class Mesh:
    """Vertices in this order: the subdivided face, the centres of mouth, right eye and left eye, the grid around.

    source:     [n, 2] float32 px of the padded picture.
    rest:       [n, 3] float32 cm, head coordinates.
    triangles:  [m, 3] int32 in the order they are drawn: the surroundings, the holes, the face from far to near.
    mouth, right_eye, left_eye: loops of vertices around the holes, from the right (outer) corner over the upper rim.
    head, jaw: [n] float32, share of the head's turn and of the jaw's.
    body: [4, n, 2] float32 px, see `body_fields`.
    face_count: vertices of the face and the three centres; only these have shapes.
    """

    source: NDArray[np.float32]
    rest: NDArray[np.float32]
    triangles: Triangles
    mouth: NDArray[np.int32]
    right_eye: NDArray[np.int32]
    left_eye: NDArray[np.int32]
    head: NDArray[np.float32]
    body: NDArray[np.float32]
    jaw: NDArray[np.float32]
    face_count: int


def with_centres(values: Points) -> Points:
    """Values of the subdivided face [v, ...] with the means over mouth, right eye and left eye appended."""
    loops = (topology().mouth, topology().right_eye, topology().left_eye)
    return np.concatenate([values, np.stack([values[loop].mean(axis=0) for loop in loops])])


def build_mesh(portrait: Portrait) -> Mesh:
    """Lays face and grid over a portrait and weighs them."""
    face_source = with_centres(topology().smooth @ portrait.landmarks[:FACE_VERTICES, :2])
    face_rest = with_centres(topology().smooth @ portrait.rest)
    grid, around = _surroundings(portrait, face_source)
    distance, neighbours, nearness = _to_oval(grid, face_source[topology().oval], portrait.head.px_per_cm)
    source = np.concatenate([face_source, grid])
    rest = np.concatenate([face_rest, _grid_depth(portrait, grid, face_rest, distance, neighbours, nearness)])
    weights = _Weights(portrait, source, len(face_source))
    face_jaw = with_centres(topology().linear @ jaw_weights(CANONICAL.vertices))
    grid_jaw = (face_jaw[topology().oval][neighbours] * nearness).sum(axis=1)
    grid_jaw *= (1 - smoothstep(0, 4.5, distance)) * smoothstep(-3, 1.5, weights.below_chin[len(face_source) :])
    jaw = np.concatenate([face_jaw, grid_jaw])
    body_cm = np.abs(weights.body).max(axis=(0, 2)) / portrait.head.px_per_cm
    moving = np.maximum.reduce([weights.head, body_cm, jaw]) > MOVING
    around = around[moving[around].any(axis=1)]
    return Mesh(
        source=source.astype(np.float32),
        rest=rest.astype(np.float32),
        triangles=np.concatenate([around, _holes(), _far_to_near(portrait, face_rest)]).astype(np.int32),
        mouth=topology().mouth.astype(np.int32),
        right_eye=topology().right_eye.astype(np.int32),
        left_eye=topology().left_eye.astype(np.int32),
        head=weights.head.astype(np.float32),
        body=weights.body,
        jaw=jaw.astype(np.float32),
        face_count=len(face_source),
    )


def _surroundings(portrait: Portrait, face_source: Points) -> tuple[Points, Triangles]:
    """Grid vertices [g, 2] outside the face's oval, and the triangles between them and the oval."""
    height, width = portrait.image.shape[:2]
    step = max(GRID_CM * portrait.head.px_per_cm, GRID_MIN_PX)
    reach, reach_down = (cm * portrait.head.px_per_cm for cm in (REACH_CM, REACH_DOWN_CM))
    x, y = face_source.mean(axis=0)

    def axis(low: float, high: float) -> Points:
        return np.linspace(low, high, max(2, int(np.ceil((high - low) / step)) + 1))

    columns, rows = np.meshgrid(
        axis(max(0.0, x - reach), min(width - 1.0, x + reach)),
        axis(max(0.0, y - reach), min(height - 1.0, y + reach_down)),
    )
    grid = np.stack([columns.ravel(), rows.ravel()], axis=1)
    oval = face_source[topology().oval]
    grid = grid[_depth_inside(oval, grid) < -0.45 * step]
    points = np.concatenate([oval, grid])
    triangles = Delaunay(points).simplices
    triangles = triangles[_depth_inside(oval, points[triangles].mean(axis=1)) <= 0]
    vertex = np.concatenate([topology().oval, len(face_source) + np.arange(len(grid))])
    return grid, vertex[triangles].astype(np.int32)


def _depth_inside(loop: Points, points: Points) -> Points:
    """[n] signed distance in px to the loop, positive inside."""
    contour = loop.astype(np.float32).reshape(-1, 1, 2)
    return np.array([cv2.pointPolygonTest(contour, (float(x), float(y)), True) for x, y in points])


def _to_oval(grid: Points, oval: Points, px_per_cm: float) -> tuple[Points, NDArray[np.intp], Points]:
    """For each grid vertex: cm to the face, its nearest oval vertices [g, 6], their weights [g, 6] adding up to 1."""
    found = cKDTree(oval).query(grid, k=OVAL_NEIGHBOURS)
    pixels, neighbours = np.asarray(found[0]), np.asarray(found[1])
    nearness = 1 / (pixels + 0.3 * px_per_cm) ** 2
    return pixels[:, 0] / px_per_cm, neighbours, nearness / nearness.sum(axis=1, keepdims=True)


def _grid_depth(
    portrait: Portrait,
    grid: Points,
    face_rest: Points,
    distance: Points,
    neighbours: NDArray[np.intp],
    nearness: Points,
) -> Points:
    """Head coordinates [g, 3] of the grid: as deep as the face's edge beside it, as the ears further out."""
    head = portrait.head
    camera_z = (face_rest[topology().oval] @ head.rotation.T * head.px_per_cm + head.translation)[:, 2]
    edge_z = (camera_z[neighbours] * nearness).sum(axis=1)
    ear_z = (np.array([0, 0, HEAD_DEPTH_CM]) @ head.rotation.T * head.px_per_cm + head.translation)[2]
    ease = smoothstep(0, DEPTH_EASE_CM, distance)
    z = edge_z * (1 - ease) + np.minimum(edge_z, ear_z) * ease
    return head.from_camera(np.stack([grid[:, 0], -grid[:, 1], z], axis=1))


class _Weights:
    """How much of the head's turn and of the body's motions each vertex follows."""

    def __init__(self, portrait: Portrait, source: Points, face_count: int) -> None:
        scale = portrait.head.px_per_cm
        height, width = portrait.image.shape[:2]
        roll = np.deg2rad(portrait.head.yaw_pitch_roll[2])
        head_right, head_down = np.array([np.cos(roll), np.sin(roll)]), np.array([-np.sin(roll), np.cos(roll)])
        from_chin = (source - portrait.landmarks[CHIN, :2]) / scale
        self.below_chin = from_chin @ head_down
        beside = np.abs(from_chin @ head_right)
        outside = distance_transform_edt(~portrait.person) / scale
        pixel = np.clip(np.round(source).astype(int), 0, [width - 1, height - 1])
        near_person = 1 - smoothstep(0.6, 7.0, outside[pixel[:, 1], pixel[:, 0]])
        to_bottom = (height - 1 - portrait.pad - source[:, 1]) / scale
        to_border = np.minimum.reduce([source[:, 0], width - 1 - source[:, 0], source[:, 1], height - 1 - source[:, 1]])
        to_border = to_border / scale
        # the neck bends between the chin and the collar
        neck = 1 - 0.96 * smoothstep(-1.0, 8.5, self.below_chin)
        lateral = near_person * (1 - smoothstep(13, 24, beside))
        head = neck * lateral * smoothstep(0, 1, to_border) * smoothstep(-1, 1.5, to_bottom)
        head[:face_count] = np.where(self.below_chin[:face_count] < 0, 1, neck[:face_count])
        self.head = head
        # bodies stand upright even under a head that tilts
        right, down = from_chin.T
        self.body = body_fields(Place(down, right, near_person, 1 - head), scale)


def _holes() -> Triangles:
    """Fans over mouth and eyes: what shows through them when nothing is painted on top is the photo itself."""
    count = topology().vertex_count
    loops = (topology().mouth, topology().right_eye, topology().left_eye)
    fans = [np.stack([loop, np.roll(loop, -1), np.full(len(loop), count + i)], axis=1) for i, loop in enumerate(loops)]
    return np.asarray(np.concatenate(fans), np.int32)


def _far_to_near(portrait: Portrait, face_rest: Points) -> Triangles:
    """The face's triangles, farthest first: a nose that turns covers the cheek behind it."""
    depth = face_rest @ portrait.head.rotation[2]
    triangles = topology().triangles
    return np.asarray(triangles[np.argsort(depth[triangles].mean(axis=1))], np.int32)
