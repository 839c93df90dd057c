"""Loop subdivision of triangle meshes with boundaries, as sparse matrices that refine any per-vertex value."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array, eye_array, vstack

Indices = NDArray[np.int32]
Positions = NDArray[np.integer]

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


@dataclass(frozen=True)
class _Edges:
    """pairs: [e, 2] sorted; uses: [e], in how many triangles; count: of vertices."""

    pairs: Positions
    uses: Positions
    count: int

    @property
    def boundary(self) -> Positions:
        return np.asarray(self.pairs[self.uses == 1])


def subdivide(triangles: Indices, vertex_count: int, sharp: tuple[int, ...]) -> Refined:
    """triangles: [t, 3] of `vertex_count` vertices, manifold; `sharp` boundary vertices are corners, not rounded."""
    sides = np.stack([triangles, np.roll(triangles, -1, axis=1)], axis=2).reshape(-1, 2)
    pairs, uses = np.unique(np.sort(sides, axis=1), axis=0, return_counts=True)
    edges = _Edges(pairs, uses, vertex_count)
    born_on = _positions(pairs, sides, vertex_count).reshape(-1, 3)
    midpoints = _rows(edges, np.arange(len(pairs)), pairs, 0.5)
    born = _smooth_born(edges, triangles, born_on) + _four_point(edges, np.array(sharp))
    return Refined(
        _quarters(triangles, vertex_count + born_on),
        vstack([_smooth_old(edges), born], format="csr"),
        vstack([eye_array(vertex_count), midpoints], format="csr"),
        pairs.astype(np.int32),
    )


def _quarters(triangles: Indices, born: Positions) -> Indices:
    """Each triangle to four; born[:, k] lies between corners k and k + 1."""
    (a, b, c), (ab, bc, ca) = triangles.T, born.T
    quarters = [(a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca)]
    return np.stack([np.stack(corner, axis=1) for corner in quarters], axis=1).reshape(-1, 3).astype(np.int32)


def _smooth_old(edges: _Edges) -> csr_array:
    """Inner vertices move towards their neighbours' mean, boundary ones stay."""
    degree = np.bincount(edges.pairs.ravel(), minlength=edges.count)
    beta = INNER_STRENGTH * np.where(degree == 3, 3 / 16, 3 / (8 * np.maximum(degree, 1)))
    beta[np.unique(edges.boundary)] = 0
    here, there = np.concatenate([edges.pairs, edges.pairs[:, ::-1]]).T
    all_vertices = np.arange(edges.count)
    shape = (edges.count, edges.count)
    pull = coo_array((beta[here], (here, there)), shape=shape)
    keep = coo_array((1 - beta * degree, (all_vertices, all_vertices)), shape=shape)
    return csr_array(pull + keep)


def _smooth_born(edges: _Edges, triangles: Indices, born_on: Positions) -> csr_array:
    """New vertices inside: 3/8 of each end of their edge and 1/8 of each opposite corner."""
    inner = np.flatnonzero(edges.uses == 2)
    ends = _rows(edges, inner, edges.pairs[inner], LOOP_EDGE)
    opposite = np.roll(triangles, 1, axis=1).ravel()
    inside = edges.uses[born_on.ravel()] == 2
    corners = _rows(edges, born_on.ravel()[inside], opposite[inside][:, None], LOOP_OPPOSITE)
    return csr_array(ends + corners)


def _four_point(edges: _Edges, sharp: Positions) -> csr_array:
    """New vertices on boundaries: 9/16 of each end, -1/16 of the next vertex on each side.

    Beyond a sharp corner there is no next vertex: the corner itself takes its weight.
    """
    boundary = edges.boundary
    neighbours = np.full((edges.count, 2), -1)
    for a, b in np.concatenate([boundary, boundary[:, ::-1]]):
        neighbours[a, 0 if neighbours[a, 0] < 0 else 1] = b
    rim = np.flatnonzero(edges.uses == 1)
    rows = _rows(edges, rim, boundary, FOUR_POINT_NEAR)
    for a, b in (boundary.T, boundary.T[::-1]):
        beyond = np.where(neighbours[a, 0] == b, neighbours[a, 1], neighbours[a, 0])
        rows = rows + _rows(edges, rim, np.where(np.isin(a, sharp), a, beyond)[:, None], FOUR_POINT_FAR)
    return csr_array(rows)


def _rows(edges: _Edges, rows: Positions, columns: Positions, weight: float) -> csr_array:
    """[edges, vertices] sparse: in row rows[i], `weight` at each of columns[i]."""
    entries = np.full(columns.size, weight), (np.repeat(rows, columns.shape[1]), columns.ravel())
    return csr_array(coo_array(entries, shape=(len(edges.pairs), edges.count)))


def _positions(edges: Positions, pairs: Positions, count: int) -> Positions:
    """Where each pair, in either order, stands in the sorted edge list."""
    keys, wanted = edges @ [count, 1], np.sort(pairs, axis=1) @ [count, 1]
    found = np.searchsorted(keys, wanted)
    if (keys[np.minimum(found, len(keys) - 1)] != wanted).any():
        raise ValueError("two vertices of the chain share no edge")
    return np.asarray(found)
