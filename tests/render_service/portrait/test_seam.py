"""The mesh is cut where the lips really meet, and around teeth the landmarker overlooked."""

import numpy as np
import pytest

from render_service.portrait.face import Points
from render_service.portrait.head import head_frame
from render_service.portrait.indices import INNER_LOWER_LIP, INNER_UPPER_LIP, LOWER_LIP_ROWS, UPPER_LIP_ROWS
from render_service.portrait.mouth import darkest_path, gap_cm, read_mouth
from tests.render_service.portrait.faces import lips, looking

UPPER, LOWER = list(INNER_UPPER_LIP), list(INNER_LOWER_LIP)
MIDDLE = slice(2, 9)


def line_through(landmarks: Points, down_px: float, bow_px: float) -> Points:
    """From corner to corner, `down_px` below the landmarks' own seam in the middle, and bowed."""
    middle = (landmarks[UPPER, :2] + landmarks[LOWER, :2]) / 2
    share = np.sin(np.linspace(0, np.pi, 11))
    return middle + np.stack([0 * share, down_px * share**0.3 + bow_px * (share - 0.5)], axis=1)


@pytest.mark.parametrize(("down", "bow"), [(0, 0), (4, 0), (-4, 1.5), (3, -2)])
def test_both_rows_snap_to_the_dark_line(down: float, bow: float) -> None:
    landmarks = looking()
    line = line_through(landmarks, down, bow)
    mouth, snapped = read_mouth(lips(landmarks, line), landmarks, head_frame(landmarks))
    assert mouth.closed
    assert np.array_equal(snapped[UPPER, :2], snapped[LOWER, :2])
    assert np.abs(snapped[UPPER, 1] - line[:, 1])[MIDDLE].max() < 1.6, "px, at 20 px a cm"


def test_the_next_rows_stay_on_their_sides() -> None:
    landmarks = looking()
    _, snapped = read_mouth(lips(landmarks, line_through(landmarks, 5, 0)), landmarks, head_frame(landmarks))
    seam = snapped[UPPER[1:-1], 1]
    assert (snapped[list(UPPER_LIP_ROWS[1][1:-1]), 1] <= seam - 1.5).all()
    assert (snapped[list(LOWER_LIP_ROWS[1][1:-1]), 1] >= seam + 1.5).all()


def test_an_open_mouth_is_left_alone() -> None:
    landmarks = looking()
    landmarks[LOWER[1:-1], 1] += 12
    mouth, same = read_mouth(lips(landmarks, line_through(landmarks, 0, 0)), landmarks, head_frame(landmarks))
    assert not mouth.closed
    assert mouth.gap_cm == pytest.approx(gap_cm(landmarks, head_frame(landmarks)))
    assert np.array_equal(same, landmarks)


def test_teeth_between_closed_landmarks_are_given_room() -> None:
    landmarks = looking()
    middle = (landmarks[UPPER, :2] + landmarks[LOWER, :2]) / 2
    half = np.stack([np.zeros(11), 6 * np.sin(np.linspace(0, np.pi, 11)) ** 0.4], axis=1)
    teeth = np.concatenate([middle - half, (middle + half)[::-1]])
    mouth, refitted = read_mouth(lips(landmarks, middle[:1], inside=teeth), landmarks, head_frame(landmarks))
    assert not mouth.closed
    assert mouth.gap_cm == pytest.approx(12 / 20, abs=0.12)
    assert np.abs(refitted[UPPER, 1] - (middle - half)[:, 1])[MIDDLE].max() < 2.5
    assert np.abs(refitted[LOWER, 1] - (middle + half)[:, 1])[MIDDLE].max() < 2.5


def test_a_highlight_on_the_lower_lip_is_not_teeth() -> None:
    landmarks = looking()
    line = line_through(landmarks, 0, 0)
    lower, half = landmarks[[87, 14, 317], :2] + [0, 9], np.array([0, 2])
    shine = np.concatenate([lower - half, lower[::-1] + half])
    mouth, _ = read_mouth(lips(landmarks, line, inside=shine), landmarks, head_frame(landmarks))
    assert mouth.closed


def test_the_darkest_path_is_the_cheapest_of_all() -> None:
    random = np.random.default_rng(2)
    cost = random.random((4, 5))
    best = min(
        (cost[list(rows), range(5)].sum() + 0.04 * np.abs(np.diff(rows)).sum(), rows)
        for rows in np.ndindex(4, 4, 4, 4, 4)
        if np.abs(np.diff(rows)).max() <= 2
    )
    assert tuple(darkest_path(cost)) == best[1]
