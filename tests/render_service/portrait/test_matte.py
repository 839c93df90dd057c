"""Who is cut out, and where the cut may end."""

import numpy as np

from render_service.portrait.face import Points
from render_service.portrait.head import head_frame
from render_service.portrait.indices import CHIN
from render_service.portrait.matte import Segmenter, cut_out
from render_service.stages import Frame
from tests.render_service.portrait.faces import looking

PX_PER_CM = 12


class Everyone(Segmenter):
    """A crowd without gaps."""

    def __init__(self) -> None:
        pass

    def segment(self, picture: Frame) -> np.ndarray:
        return np.ones(picture.shape[:2], np.float32)


class White(Everyone):
    """Whatever is white is a person."""

    def segment(self, picture: Frame) -> np.ndarray:
        return (picture[..., 0] > 200).astype(np.float32)


def rolled(landmarks: Points, degrees: float) -> Points:
    """Turned clockwise in the picture about the chin."""
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turned = landmarks.copy()
    turned[:, :2] = (landmarks[:, :2] - landmarks[CHIN, :2]) @ turn.T + landmarks[CHIN, :2]
    return turned


def test_in_a_crowd_everyone_keeps_their_own_part() -> None:
    image = np.full((420, 640, 3), 128, np.uint8)
    left, right = (looking(px_per_cm=14, centre=(x, 200)) for x in (190, 430))
    person = cut_out(Everyone(), image, 20, left, head_frame(left), [right]).person
    assert person[200, 100:290].all()
    assert not person[200, 335:].any()
    assert cut_out(Everyone(), image, 20, left, head_frame(left), []).person.all()


def test_only_the_part_that_holds_the_face_is_the_person() -> None:
    landmarks = looking(px_per_cm=PX_PER_CM, centre=(200, 160))
    image = np.zeros((360, 640, 3), np.uint8)
    image[20:300, 90:310] = 255
    image[100:200, 450:560] = 255
    matte = cut_out(White(), image, 20, landmarks, head_frame(landmarks), [])
    assert matte.layered
    assert matte.person[160, 110:290].all()
    assert not matte.person[:, 340:].any()
    assert matte.alpha[150, 500] == 0


def test_far_below_the_chin_the_cut_ends_along_the_head() -> None:
    landmarks = rolled(looking(px_per_cm=PX_PER_CM, centre=(300, 150)), 30)
    image = np.zeros((520, 640, 3), np.uint8)
    image[20:320, 150:450] = 255
    matte = cut_out(White(), image, 20, landmarks, head_frame(landmarks), [])
    down, across = np.array([-np.sin(np.pi / 6), np.cos(np.pi / 6)]), np.array([np.cos(np.pi / 6), np.sin(np.pi / 6)])

    def alpha_at(down_cm: float, across_cm: float) -> float:
        x, y = (landmarks[CHIN, :2] + PX_PER_CM * (down_cm * down + across_cm * across)).round().astype(int)
        return float(matte.alpha[y, x])

    assert alpha_at(16, -4) == alpha_at(16, 8) == 1
    assert 0.2 < alpha_at(13, 14) < 0.8
    assert alpha_at(10, 17) == 0


def test_a_matte_that_misses_the_face_is_not_used() -> None:
    landmarks = looking(px_per_cm=PX_PER_CM, centre=(200, 160))
    image = np.zeros((360, 400, 3), np.uint8)
    image[150:340, 90:310] = 255
    matte = cut_out(White(), image, 20, landmarks, head_frame(landmarks), [])
    assert not matte.layered
    assert matte.alpha.min() == 1
