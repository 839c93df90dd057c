"""The canonical face is a face, symmetrical, where the animator expects it."""

import numpy as np
import pytest

from render_service.portrait.canonical import CANONICAL
from render_service.portrait.indices import (
    CHIN,
    FOREHEAD_TOP,
    INNER_LOWER_LIP,
    INNER_UPPER_LIP,
    LEFT_LIDS,
    NOSE_TIP,
    RIGHT_LIDS,
)
from render_service.portrait.measure_canonical import average, symmetrical, triangles, upright


def test_it_is_its_own_mirror_image(mirror: np.ndarray) -> None:
    assert np.array_equal(mirror[mirror], np.arange(468))
    assert np.abs(CANONICAL.vertices[mirror] * [-1, 1, 1] - CANONICAL.vertices).max() < 1e-4


def test_it_has_human_measures() -> None:
    face = CANONICAL.vertices
    eyes = [face[[lids.outer, lids.inner]].mean(0) for lids in (RIGHT_LIDS, LEFT_LIDS)]
    assert np.linalg.norm(eyes[1] - eyes[0]) == pytest.approx(6.3, abs=0.01)
    assert face[[RIGHT_LIDS.outer, RIGHT_LIDS.inner], 1].mean() == pytest.approx(2.65, abs=0.01)
    assert face[[INNER_UPPER_LIP[5], INNER_LOWER_LIP[5]], 1].mean() == pytest.approx(-4.3, abs=0.2)
    assert face[CHIN, 1] == pytest.approx(-9.3, abs=0.3)
    assert face[CHIN, 2] == pytest.approx(face[FOREHEAD_TOP, 2], abs=0.01)
    assert face[:, 2].argmax() in (NOSE_TIP, 4)


def test_its_lips_touch() -> None:
    gap = CANONICAL.vertices[list(INNER_UPPER_LIP)] - CANONICAL.vertices[list(INNER_LOWER_LIP)]
    assert np.linalg.norm(gap, axis=1).max() < 0.3


def test_the_average_forgets_where_faces_were() -> None:
    random = np.random.default_rng(1)
    faces = []
    for _ in range(12):
        rotation = np.linalg.qr(random.normal(size=(3, 3)))[0]
        rotation *= np.sign(np.linalg.det(rotation))
        noisy = CANONICAL.vertices + random.normal(scale=0.05, size=(468, 3))
        faces.append(random.uniform(5, 30) * noisy @ rotation.T + random.normal(size=3) * 100)
    mean = upright(symmetrical(average(faces)))
    mean *= np.ptp(CANONICAL.vertices[:, 1]) / np.ptp(mean[:, 1])
    offset = mean - CANONICAL.vertices
    assert np.sqrt(((offset - offset.mean(0)) ** 2).sum(1).mean()) < 0.05


def test_triangles_are_read_from_an_edge_list() -> None:
    source = "A = set([(9, 9)])\nFACEMESH_TESSELATION = set([(0, 1), (1, 2),\n (2, 0), (2, 1), (1, 3), (3, 2)])\n"
    assert triangles(source).tolist() == [[0, 1, 2], [2, 1, 3]]
    with pytest.raises(ValueError, match="closed triangles"):
        triangles(source.replace("(3, 2)", "(3, 0)"))
