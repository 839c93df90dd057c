"""The head frame is where the head is, and depth never falls off a cliff."""

import numpy as np
import pytest

from render_service.portrait.canonical import CANONICAL
from render_service.portrait.head import MAX_DEPTH_SLOPE, camera_points, head_frame, limit_depth, misfit_cm
from render_service.portrait.indices import INNER_LOWER_LIP
from render_service.portrait.similarity import fit_similarity
from tests.render_service.portrait.faces import looking


def test_a_similarity_is_found_again() -> None:
    random = np.random.default_rng(5)
    rotation = np.linalg.qr(random.normal(size=(3, 3)))[0]
    rotation *= np.sign(np.linalg.det(rotation))
    points = random.normal(size=(40, 3))
    scale, found, shift = fit_similarity(points, 3.5 * points @ rotation.T + [1, 2, 3])
    assert scale == pytest.approx(3.5)
    assert found == pytest.approx(rotation)
    assert shift == pytest.approx([1, 2, 3])


def test_a_mirrored_face_is_not_fitted_by_a_reflection() -> None:
    _, rotation, _ = fit_similarity(CANONICAL.vertices, CANONICAL.vertices * [1, 1, -1])
    assert np.linalg.det(rotation) == pytest.approx(1)


@pytest.mark.parametrize("yaw", [-30.0, 0.0, 12.0])
def test_scale_and_yaw_are_read_off(yaw: float) -> None:
    landmarks = looking(yaw, px_per_cm=17)
    head = head_frame(landmarks)
    assert head.px_per_cm == pytest.approx(17)
    assert head.yaw_pitch_roll == pytest.approx((yaw, 0, 0), abs=1e-6)
    assert head.to_pixels(CANONICAL.vertices) == pytest.approx(landmarks[:468, :2])
    assert misfit_cm(landmarks) == pytest.approx(0, abs=1e-9)


def test_an_open_mouth_does_not_move_the_head() -> None:
    landmarks = looking()
    landmarks[np.flatnonzero(CANONICAL.vertices[:, 1] < -4.0), 1] += 50
    assert head_frame(landmarks).px_per_cm == pytest.approx(20)
    assert INNER_LOWER_LIP[5] in np.flatnonzero(landmarks[:468, 1] != looking()[:468, 1])


def test_depth_is_limited_by_bringing_points_forward() -> None:
    landmarks = looking(35)
    limited = limit_depth(landmarks)
    before, after = camera_points(landmarks), camera_points(limited)
    a, b = CANONICAL.edges.T
    distance = np.linalg.norm(after[a, :2] - after[b, :2], axis=1)
    slope = np.abs(after[a, 2] - after[b, 2]) - MAX_DEPTH_SLOPE * distance
    assert slope.max() < 1e-6 < (np.abs(before[a, 2] - before[b, 2]) - MAX_DEPTH_SLOPE * distance).max()
    assert (after[:, 2] >= before[:, 2]).all()
    assert np.array_equal(limited[:, :2], landmarks[:, :2])
