"""The mesh is one sheet with three holes, and refining it keeps what must stay."""

from collections import Counter

import numpy as np
import pytest

from render_service.portrait.canonical import CANONICAL
from render_service.portrait.indices import LEFT_EYE_LOOP, MOUTH_LOOP, OVAL_LOOP, RIGHT_EYE_LOOP, SHARP_CORNERS
from render_service.portrait.subdivision import subdivide
from render_service.portrait.topology import topology


def sides(triangles: np.ndarray) -> Counter[tuple[int, int]]:
    pairs = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    return Counter(map(tuple, pairs.tolist()))


def rims(triangles: np.ndarray) -> set[frozenset[int]]:
    """The vertex sets of the boundary loops."""
    directed = sides(triangles)
    following = {a: b for a, b in directed if (b, a) not in directed}
    loops = set()
    while following:
        loop = [next(iter(following))]
        while loop[-1] in following:
            loop.append(following.pop(loop[-1]))
        loops.add(frozenset(loop))
    return loops


def test_the_tesselation_is_cut_at_mouth_and_eyes_only() -> None:
    loops = {frozenset(loop) for loop in (MOUTH_LOOP, RIGHT_EYE_LOOP, LEFT_EYE_LOOP, OVAL_LOOP)}
    assert rims(CANONICAL.triangles) == loops


def test_the_fine_mesh_is_a_manifold_with_the_same_holes() -> None:
    mesh = topology()
    directed = sides(mesh.triangles)
    assert set(directed.values()) == {1}, "every side once a direction: at most two triangles an edge, one orientation"
    assert rims(mesh.triangles) == {
        frozenset(loop.tolist()) for loop in (mesh.mouth, mesh.right_eye, mesh.left_eye, mesh.oval)
    }
    edges = {frozenset(side) for side in directed}
    assert mesh.vertex_count - len(edges) + len(mesh.triangles) == 1 - 3, "Euler: one sheet, three holes"
    assert len(mesh.triangles) == 16 * 852
    assert np.array_equal(np.unique(mesh.triangles), np.arange(mesh.vertex_count))


def test_chains_follow_the_mesh() -> None:
    mesh = topology()
    edges = {frozenset(side) for side in sides(mesh.triangles)}
    for loop, coarse in ((mesh.mouth, MOUTH_LOOP), (mesh.left_eye, LEFT_EYE_LOOP), (mesh.oval, OVAL_LOOP)):
        assert len(loop) == 4 * len(coarse)
        assert tuple(loop[::4]) == coarse
        assert all(frozenset(pair) in edges for pair in zip(loop.tolist(), np.roll(loop, -1).tolist(), strict=True))


def test_refining_keeps_planes_and_lets_no_vertex_wander() -> None:
    mesh, face = topology(), CANONICAL.vertices
    for matrix in (mesh.smooth, mesh.linear):
        assert matrix.sum(axis=1) == pytest.approx(1)
    assert np.linalg.norm(mesh.smooth @ face - mesh.linear @ face, axis=1).max() < 0.35, "cm"
    on_rims = np.unique(np.concatenate([MOUTH_LOOP, LEFT_EYE_LOOP, RIGHT_EYE_LOOP, OVAL_LOOP]))
    assert (mesh.smooth @ face)[on_rims] == pytest.approx(face[on_rims])


def test_lips_are_round_and_corners_sharp() -> None:
    mesh, face = topology(), CANONICAL.vertices
    bend = {}
    for name, matrix in (("smooth", mesh.smooth), ("linear", mesh.linear)):
        rim = (matrix @ face)[mesh.oval][:, :2]
        step = np.diff(np.vstack([rim, rim[:1]]), axis=0)
        angle = np.unwrap(np.arctan2(step[:, 1], step[:, 0]))
        bend[name] = np.abs(np.diff(angle)).max()
    assert bend["smooth"] < 0.75 * bend["linear"]
    mouth = (mesh.smooth @ face)[mesh.mouth]
    corner = mouth[[-1, 0, 1]] - mouth[0]
    assert (corner[0] @ corner[2]) > 0, "both lips leave the corner to the same side"


def test_faces_look_at_the_viewer() -> None:
    a, b, c = (CANONICAL.vertices[CANONICAL.triangles[:, corner]] for corner in range(3))
    towards = np.cross(b - a, c - a)[:, 2]
    assert (towards > 0).mean() > 0.95


def test_shared_arrays_are_read_only() -> None:
    with pytest.raises(ValueError, match="read-only"):
        topology().triangles[0, 0] = 1


def test_a_tetrahedron_without_floor_refines_as_loop_says() -> None:
    triangles = np.array([[0, 1, 2], [0, 2, 3], [0, 3, 1]], np.int32)
    level = subdivide(triangles, 4, sharp=(1, 2, 3))
    assert level.edges.tolist() == [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]
    # the top has three neighbours: Loop's 3/16 each at half strength
    assert level.smooth[[0]].toarray()[0] == pytest.approx([1 - 9 / 32, 3 / 32, 3 / 32, 3 / 32])
    assert level.smooth[[4]].toarray()[0] == pytest.approx([3 / 8, 3 / 8, 1 / 8, 1 / 8])
    # a rim edge between two sharp corners stays straight
    assert level.smooth[[7]].toarray()[0] == pytest.approx([0, 1 / 2, 1 / 2, 0])
    assert level.refine_row(np.array([1, 0, 3], np.int32)).tolist() == [1, 4, 0, 6, 3]
    with pytest.raises(ValueError, match="share no edge"):
        subdivide(triangles[:1], 4, sharp=()).refine_loop(np.array([0, 1, 3], np.int32))


def test_sharp_corners_are_on_rims() -> None:
    assert set(SHARP_CORNERS) <= {*MOUTH_LOOP, *LEFT_EYE_LOOP, *RIGHT_EYE_LOOP}
