"""Loop subdivision of triangle meshes with boundaries, as sparse matrices that refine any per-vertex value."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array, eye_array, vstack

Indices = NDArray[np.int32]

INNER_STRENGTH = 0.5
"""Share of Loop's smoothing that old inner vertices get: at full strength the mesh leaves the landmarks."""
LOOP_EDGE, LOOP_OPPOSITE = 3 / 8, 1 / 8
FOUR_POINT_NEAR, FOUR_POINT_FAR = 9 / 16, -1 / 16


@dataclass(frozen=True)
class Refined:
    """One level of subdivision.

    triangles: [4 t, 3], same orientation.
    smooth:    [n', n] Loop inside (Loop 1987), interpolating 4-point rule on boundaries (Dyn, Levin, Gregory 1987).
    linear:    [n', n] old vertices stay, new ones are midpoints.
    edges:     [e, 2] old vertices, smaller first; vertex n + i is born on edge i.
    """

    triangles: Indices
    smooth: csr_array
    linear: csr_array
    edges: Indices

    def refine_loop(self, loop: Indices) -> Indices:
        """A closed chain of old vertices, with the new ones between them."""
        pairs = np.stack([loop, np.roll(loop, -1)], axis=1)
        return np.stack([loop, self._born_on(pairs)], axis=1).ravel()

    def refine_row(self, row: Indices) -> Indices:
        """An open chain of old vertices, with the new ones between them, ends kept."""
        pairs = np.stack([row[:-1], row[1:]], axis=1)
        return np.append(np.stack([row[:-1], self._born_on(pairs)], axis=1).ravel(), row[-1])

    def _born_on(self, pairs: Indices) -> Indices:
        old = self.linear.shape[1]
        return (old + _positions(self.edges, pairs, old)).astype(np.int32)


def subdivide(triangles: Indices, vertex_count: int, sharp: Indices) -> Refined:
    """triangles: [t, 3] of `vertex_count` vertices, manifold; `sharp` boundary vertices are corners, not rounded."""
    sides = np.stack([triangles, np.roll(triangles, -1, axis=1)], axis=2).reshape(-1, 2)
    edges, uses = np.unique(np.sort(sides, axis=1), axis=0, return_counts=True)
    born = vertex_count + _positions(edges, sides, vertex_count).reshape(-1, 3)
    boundary = edges[uses == 1]
    midpoints = _rows(len(edges), vertex_count, np.arange(len(edges)), edges, 0.5)
    smooth_old = _smooth_old(edges, boundary, vertex_count)
    smooth_born = _smooth_born(edges, uses, boundary, triangles, born - vertex_count, sharp, vertex_count)
    return Refined(
        _quarters(triangles, born),
        vstack([smooth_old, smooth_born], format="csr"),
        vstack([eye_array(vertex_count), midpoints], format="csr"),
        edges.astype(np.int32),
    )


def _quarters(triangles: Indices, born: Indices) -> Indices:
    """Each triangle to four; born[:, k] lies between corners k and k + 1."""
    (a, b, c), (ab, bc, ca) = triangles.T, born.T
    quarters = [(a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca)]
    return np.stack([np.stack(corner, axis=1) for corner in quarters], axis=1).reshape(-1, 3).astype(np.int32)


def _smooth_old(edges: Indices, boundary: Indices, count: int) -> csr_array:
    """Inner vertices move towards their neighbours' mean, boundary ones stay."""
    degree = np.bincount(edges.ravel(), minlength=count)
    beta = INNER_STRENGTH * np.where(degree == 3, 3 / 16, 3 / (8 * np.maximum(degree, 1)))
    beta[np.unique(boundary)] = 0
    both_ways = np.concatenate([edges, edges[:, ::-1]])
    pull = coo_array((beta[both_ways[:, 0]], (both_ways[:, 0], both_ways[:, 1])), shape=(count, count))
    keep = coo_array((1 - beta * degree, (np.arange(count), np.arange(count))), shape=(count, count))
    return csr_array(pull + keep)


def _smooth_born(
    edges: Indices, uses: Indices, boundary: Indices, triangles: Indices, sides: Indices, sharp: Indices, count: int
) -> csr_array:
    """New vertices: 3/8 of each end and 1/8 of each opposite corner inside, the 4-point rule along boundaries."""
    inner, rim = np.flatnonzero(uses == 2), np.flatnonzero(uses == 1)
    ends = _rows(len(edges), count, inner, edges[inner], LOOP_EDGE)
    opposite = np.roll(triangles, 1, axis=1).ravel()
    inside = uses[sides.ravel()] == 2
    corners = _rows(len(edges), count, sides.ravel()[inside], opposite[inside][:, None], LOOP_OPPOSITE)
    return csr_array(ends + corners + _four_point(len(edges), count, rim, edges[rim], boundary, sharp))


def _four_point(total: int, count: int, rim: Indices, ends: Indices, boundary: Indices, sharp: Indices) -> csr_array:
    """9/16 of each end and -1/16 of the next vertex on each side; beyond a sharp corner there is no next vertex."""
    neighbours = np.full((count, 2), -1)
    for a, b in np.concatenate([boundary, boundary[:, ::-1]]):
        neighbours[a, 0 if neighbours[a, 0] < 0 else 1] = b
    near = _rows(total, count, rim, ends, FOUR_POINT_NEAR)
    for here, there in ((0, 1), (1, 0)):
        a, b = ends[:, here], ends[:, there]
        beyond = np.where(neighbours[a, 0] == b, neighbours[a, 1], neighbours[a, 0])
        smooth = ~np.isin(a, sharp)
        near = near + _rows(total, count, rim[smooth], beyond[smooth][:, None], FOUR_POINT_FAR)
        # without a next vertex, its weight is given back by the corner
        near = near + _rows(total, count, rim[~smooth], a[~smooth][:, None], FOUR_POINT_FAR)
    return csr_array(near)


def _rows(total: int, count: int, rows: Indices, columns: Indices, weight: float) -> csr_array:
    """[total, count] sparse: in row rows[i], `weight` at each of columns[i]."""
    width = columns.shape[1]
    entries = np.full(columns.size, weight), (np.repeat(rows, width), columns.ravel())
    return csr_array(coo_array(entries, shape=(total, count)))


def _positions(edges: Indices, pairs: Indices, count: int) -> Indices:
    """Where each pair, in either order, stands in the sorted edge list."""
    keys, wanted = edges @ [count, 1], np.sort(pairs, axis=1) @ [count, 1]
    found = np.searchsorted(keys, wanted)
    if (keys[np.minimum(found, len(keys) - 1)] != wanted).any():
        raise ValueError("two vertices of the chain share no edge")
    return np.asarray(found)
