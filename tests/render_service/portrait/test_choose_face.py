"""The right face is chosen, and unfit ones are refused by name."""

import pytest

from render_service.portrait.choose import MIN_FACE_PX, choose_face
from render_service.portrait.face import Face
from shared.errors import BadPortrait, ErrorCode
from tests.render_service.portrait.faces import looking

SMALL = Face(looking(px_per_cm=6, centre=(100, 300)), 1.0)
LARGE = Face(looking(px_per_cm=12, centre=(300, 300)), 1.0)
TINY = Face(looking(px_per_cm=2, centre=(500, 300)), 1.0)
TURNED = Face(looking(60, centre=(700, 300)), 1.0)


def refusal(faces: list[Face], number: int | None) -> BadPortrait:
    with pytest.raises(BadPortrait) as caught:
        choose_face(faces, number)
    return caught.value


def test_the_largest_unless_told_which() -> None:
    assert choose_face([SMALL, LARGE, TINY], None) is LARGE
    assert choose_face([SMALL, LARGE, TINY], 1) is SMALL


def test_no_face() -> None:
    assert refusal([], None).code is ErrorCode.FACE_MISSING
    assert refusal([], 1).code is ErrorCode.FACE_MISSING


@pytest.mark.parametrize("number", [0, 3, -1])
def test_a_number_nobody_has(number: int) -> None:
    error = refusal([SMALL, LARGE], number)
    assert error.code is ErrorCode.FACE_NUMBER
    assert error.params == {"asked": number, "found": 2}


def test_a_face_too_small_to_have_lips() -> None:
    error = refusal([TINY], None)
    assert error.code is ErrorCode.FACE_TOO_SMALL
    assert error.params["needed"] == MIN_FACE_PX
    assert 30 < int(error.params["pixels"]) < MIN_FACE_PX


def test_a_face_turned_away() -> None:
    error = refusal([TURNED], None)
    assert error.code is ErrorCode.FACE_TURNED_AWAY
    assert error.params["degrees"] == 60
    assert choose_face([Face(looking(40), 1.0)], None)


def test_landmarks_that_make_no_face_are_no_face() -> None:
    shuffled = LARGE.landmarks.copy()
    shuffled[:468:2, :2] += 20
    assert refusal([Face(shuffled, 1.0)], None).code is ErrorCode.FACE_TURNED_AWAY
