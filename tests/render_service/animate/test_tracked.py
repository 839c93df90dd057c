"""A landmarker that looks at the frames finds the singer doing what the performance said."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from render_service.animate.puppet.puppet import PuppetAnimator
from render_service.portrait.face import Points
from render_service.portrait.finder import FaceFinder
from render_service.portrait.indices import LEFT_LIDS, RIGHT_LIDS, Lids
from render_service.stages import JAW_OPEN_CM, Performance, Rig

PHOTOS = ("people_0.png", "happy1.png", "art_14.png")
FRAMES = 9

Tracked = Callable[..., Points]


@pytest.fixture(params=PHOTOS)
def rig(request: pytest.FixtureRequest, photo_rig: Callable[[str], Rig]) -> Rig:
    return photo_rig(request.param)


@pytest.fixture
def tracked(rig: Rig, finder: FaceFinder, animator: PuppetAnimator, perform: Callable[..., Performance]) -> Tracked:
    """[frames, 478, 3] px: landmarks measured on the frames of a performance."""

    def measure(**curves: NDArray[np.floating]) -> Points:
        song = perform(**curves)

        def faces() -> Iterator[Points]:
            face = None
            for frame in animator.animate(rig, song, range(song.frame_count)):
                face = finder.track(frame, face)
                assert face is not None
                yield face.landmarks

        return np.stack(list(faces()))

    return measure


def aspect(landmarks: Points, lids: Lids) -> Points:
    """[frames] height over width of an eye."""
    heights = [
        np.linalg.norm(landmarks[:, lids.upper[i], :2] - landmarks[:, lids.lower[i], :2], axis=1) for i in (2, 3, 4)
    ]
    return np.mean(heights, axis=0) / np.linalg.norm(
        landmarks[:, lids.outer, :2] - landmarks[:, lids.inner, :2], axis=1
    )


def test_the_mouth_opens_as_told(rig: Rig, tracked: Tracked) -> None:
    command = np.linspace(0, 0.6, FRAMES)
    landmarks = tracked(jawOpen=command)
    gap = np.linalg.norm(landmarks[:, 13, :2] - landmarks[:, 14, :2], axis=1) / float(rig["camera/px_per_cm"])
    slope = np.polyfit(JAW_OPEN_CM * command, gap, 1)[0]
    assert np.corrcoef(command, gap)[0, 1] > 0.95
    assert 0.5 < slope < 1.4
    assert gap[0] < 0.25


def test_stretched_lips_are_wider_than_puckered_ones(tracked: Tracked) -> None:
    landmarks = tracked(
        mouthStretchLeft=np.array([1.0, 0, 0]),
        mouthStretchRight=np.array([1.0, 0, 0]),
        mouthPucker=np.array([0, 0, 1.0]),
        jawOpen=np.full(3, 0.2),
    )
    stretched, plain, puckered = np.linalg.norm(landmarks[:, 61, :2] - landmarks[:, 291, :2], axis=1)
    assert stretched > 1.04 * plain
    assert puckered < 0.9 * plain


def test_eyes_shut_when_they_blink(tracked: Tracked) -> None:
    command = np.linspace(0, 1, FRAMES)
    landmarks = tracked(eyeBlinkLeft=command, eyeBlinkRight=command)
    for lids in (LEFT_LIDS, RIGHT_LIDS):
        measured = aspect(landmarks, lids)
        assert np.corrcoef(command, measured)[0, 1] < -0.85
        assert measured[-1] < 0.45 * measured[0]


def test_the_head_turns_as_told(tracked: Tracked) -> None:
    command = np.linspace(-4, 4, FRAMES)
    landmarks = tracked(yaw=command, roll=command[::-1])
    across = landmarks[:, 454] - landmarks[:, 234]
    yaw = np.rad2deg(np.arctan2(across[:, 2], across[:, 0]))
    eyes = landmarks[:, 263] - landmarks[:, 33]
    roll = np.rad2deg(np.arctan2(eyes[:, 1], eyes[:, 0]))
    assert np.corrcoef(command, yaw)[0, 1] > 0.9
    assert 0.4 < np.polyfit(command, yaw, 1)[0] < 1.6
    assert np.corrcoef(command[::-1], roll)[0, 1] > 0.98
    assert 0.7 < np.polyfit(command[::-1], roll, 1)[0] < 1.3
