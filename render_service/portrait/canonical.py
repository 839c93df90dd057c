"""The canonical face: the average of real faces every portrait is laid over, and the triangles all of them share."""

from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from render_service.portrait.face import Points

Triangles = NDArray[np.int32]


@dataclass(frozen=True)
class CanonicalFace:
    """A face looking ahead with closed lips, symmetrical, in head coordinates.

    vertices:  [468, 3] cm.
    triangles: [852, 3], facing the viewer, with holes where the mouth and the eyes open.
    """

    vertices: Points
    triangles: Triangles

    @cached_property
    def edges(self) -> Triangles:
        """[n, 2], each edge once, smaller index first."""
        pairs = np.concatenate([self.triangles[:, [0, 1]], self.triangles[:, [1, 2]], self.triangles[:, [2, 0]]])
        return np.unique(np.sort(pairs, axis=1), axis=0)


def _load() -> CanonicalFace:
    with files("render_service.portrait").joinpath("canonical.npz").open("rb") as file, np.load(file) as data:
        return CanonicalFace(data["vertices"].astype(np.float64), data["triangles"].astype(np.int32))


CANONICAL = _load()
"""Measured by `measure_canonical`."""
