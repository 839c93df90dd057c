"""Every ARKit coefficient has a meaning, and nothing is taken further than the photo bears."""

import numpy as np
import pytest

from render_service.animate.puppet.controls import (
    DIRECT_EFFECTS,
    GAZE_LIMIT_CM,
    JAW_LIMIT_CM,
    NOT_DRAWN,
    SHAPE_EFFECTS,
    SHAPES,
    Pose,
    pose_at,
    soft_limit,
    turn_limits,
)
from render_service.stages import ARKIT_NAMES, JAW_OPEN_CM


def pose(head: tuple[float, ...] = (0, 0, 0, 0, 0, 0), **values: float) -> Pose:
    coefficients = np.zeros(len(ARKIT_NAMES), np.float32)
    for name, value in values.items():
        coefficients[ARKIT_NAMES.index(name)] = value
    return pose_at(coefficients, np.array(head, np.float32), 0.0, turn_limits(0.0))


def test_each_coefficient_is_listed_once() -> None:
    listed = [*SHAPE_EFFECTS, *DIRECT_EFFECTS, *NOT_DRAWN]
    assert sorted(listed) == sorted(ARKIT_NAMES)


def test_each_shape_is_used() -> None:
    used = {shape for effects in SHAPE_EFFECTS.values() for shape, _ in effects}
    assert used == set(SHAPES)


def test_the_jaw_opens_as_the_contract_says() -> None:
    assert pose(jawOpen=0.4).jaw_cm == pytest.approx(0.4 * JAW_OPEN_CM)
    assert pose(jawOpen=0.4).lips_cm == pytest.approx(0.4 * JAW_OPEN_CM)
    assert 0.85 * JAW_LIMIT_CM < pose(jawOpen=1).jaw_cm < JAW_LIMIT_CM


def test_mouth_close_shuts_lips_over_an_open_jaw() -> None:
    shut = pose(jawOpen=0.4, mouthClose=0.4)
    assert shut.jaw_cm > 0.9
    assert shut.lips_cm == 0


def test_both_eyes_look_the_same_way() -> None:
    left = pose(eyeLookOutLeft=0.5, eyeLookInRight=0.5)
    np.testing.assert_allclose(left.gaze_cm[0], left.gaze_cm[1])
    assert left.gaze_cm[0, 0] > 0.1  # the singer's left is the picture's right
    assert pose(eyeLookUpLeft=1).gaze_cm[0, 1] > 0
    assert np.abs(pose(eyeLookOutLeft=1, eyeLookDownLeft=1).gaze_cm).max() <= GAZE_LIMIT_CM


@pytest.mark.parametrize("photo_yaw", [0.0, 15.0, -25.0, 60.0])
def test_a_turned_photo_turns_less(photo_yaw: float) -> None:
    limits = turn_limits(photo_yaw)
    assert (limits > 2).all()
    assert (limits <= 8).all()
    assert limits[0] == pytest.approx(8 * np.clip(1 - (abs(photo_yaw) - 8) / 22, 0.35, 1))


def test_small_angles_are_followed_exactly_and_large_ones_bounded() -> None:
    assert pose((3, -4, 2, 0, 0, 0)).turn == pytest.approx((3, -4, 2))
    assert all(abs(angle) < 8 for angle in pose((90, -90, 40, 9, 9, 9)).turn)


def test_soft_limit_never_turns_back() -> None:
    values = np.linspace(-5, 5, 301)
    limited = np.array([soft_limit(float(v), 1.0, 2.0) for v in values])
    assert (np.diff(limited) > 0).all()
    assert np.abs(limited).max() < 2
    np.testing.assert_allclose(limited, -limited[::-1], atol=1e-12)
