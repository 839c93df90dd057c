"""The mesh every face is drawn with: the tesselation cut open at mouth and eyes, subdivided twice."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.sparse import csr_array, eye_array

from render_service.portrait.canonical import CANONICAL
from render_service.portrait.indices import (
    FACE_VERTICES,
    LEFT_EYE_LOOP,
    MOUTH_LOOP,
    OVAL_LOOP,
    RIGHT_EYE_LOOP,
    SHARP_CORNERS,
)
from render_service.portrait.subdivision import Indices, subdivide

LEVELS = 2


@dataclass(frozen=True)
class Topology:
    """The fine mesh, and how to get there from the 468 landmarks. The arrays are shared: they are read-only.

    triangles: [13632, 3] int32, facing the viewer, with holes at mouth and eyes.
    smooth:    [n, 468] for positions: round lips and lids through the landmarks, a little inside them elsewhere.
    linear:    [n, 468] for weights: stays within the landmarks' values.
    mouth, right_eye, left_eye, oval: closed chains of fine vertices in the order of the loops in `indices`.
    """

    triangles: Indices
    smooth: csr_array
    linear: csr_array
    mouth: Indices
    right_eye: Indices
    left_eye: Indices
    oval: Indices

    @property
    def vertex_count(self) -> int:
        return int(self.smooth.shape[0])


@cache
def topology() -> Topology:
    """Built once in some 20 ms, then kept."""
    triangles, count = CANONICAL.triangles, FACE_VERTICES
    smooth = linear = eye_array(FACE_VERTICES, format="csr")
    loops = [np.array(loop, np.int32) for loop in (MOUTH_LOOP, RIGHT_EYE_LOOP, LEFT_EYE_LOOP, OVAL_LOOP)]
    for _ in range(LEVELS):
        level = subdivide(triangles, count, SHARP_CORNERS)
        triangles, count = level.triangles, level.smooth.shape[0]
        smooth, linear = level.smooth @ smooth, level.linear @ linear
        loops = [level.refine_loop(loop) for loop in loops]
    for array in (triangles, *loops):
        array.setflags(write=False)
    return Topology(triangles, csr_array(smooth), csr_array(linear), *loops)
