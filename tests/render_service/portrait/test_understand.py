"""From a picture to a portrait: everything fits together, and the person who isn't meant stays where they are."""

import cv2
import numpy as np
import pytest

from render_service.portrait.canonical import CANONICAL
from render_service.portrait.face import Portrait
from render_service.portrait.finder import FaceFinder
from render_service.portrait.indices import FACE_VERTICES, OVAL_LOOP
from render_service.portrait.understand import understand
from render_service.stages import Frame, FrameSize
from shared.errors import BadPortrait, ErrorCode


def size_of(picture: Frame, height: int) -> FrameSize:
    return FrameSize(2 * round(picture.shape[1] * height / picture.shape[0] / 2), height)


@pytest.fixture(scope="module")
def portrait(picture: Frame) -> Portrait:
    return understand(picture, size_of(picture, 400), face=None)


def face_mask(portrait: Portrait, landmarks: np.ndarray) -> np.ndarray:
    mask = np.zeros(portrait.matte.shape, np.uint8)
    cv2.fillPoly(mask, [landmarks[list(OVAL_LOOP), :2].astype(np.int32)], 1)
    return mask > 0


def test_all_arrays_share_one_padded_picture(picture: Frame, portrait: Portrait) -> None:
    size = size_of(picture, 400)
    padded = size.height + 2 * portrait.pad, size.width + 2 * portrait.pad
    assert portrait.pad > 0
    assert portrait.image.shape == portrait.background.shape == (*padded, 3)
    assert portrait.foreground.shape == (*padded, 4)
    assert portrait.matte.shape == portrait.person.shape == padded
    assert portrait.matte.dtype == np.float32 and portrait.person.dtype == np.bool_
    inner = portrait.image[portrait.pad : -portrait.pad, portrait.pad : -portrait.pad]
    assert np.array_equal(inner, cv2.resize(picture, (size.width, size.height), interpolation=cv2.INTER_AREA))


def test_landmarks_are_on_the_padded_picture(finder: FaceFinder, picture: Frame, portrait: Portrait) -> None:
    face = finder.refine(picture, finder.find(picture)[0])
    expected = (face.landmarks[:, :2] + 0.5) * 400 / picture.shape[0] - 0.5 + portrait.pad
    skull = CANONICAL.vertices[:, 1] > -1
    distances = np.linalg.norm(portrait.landmarks[:FACE_VERTICES, :2] - expected[:FACE_VERTICES], axis=1)
    assert distances[skull].max() < 0.6, "px"


def test_the_photo_comes_back_at_rest(portrait: Portrait) -> None:
    through = 255 - portrait.foreground[..., 3:].astype(int)
    composed = portrait.foreground[..., :3] + (portrait.background.astype(int) * through + 127) // 255
    assert np.abs(composed - portrait.image).max() <= 1


def test_the_face_is_cut_out_and_gone_from_the_background(portrait: Portrait) -> None:
    face = face_mask(portrait, portrait.landmarks)
    assert portrait.layered
    assert portrait.matte[face].min() > 0.95
    assert portrait.person[face].mean() > 0.99
    assert 0.03 < (portrait.matte < 0.05).mean() < 0.9
    difference = np.abs(portrait.image[face].astype(int) - portrait.background[face]).mean()
    assert difference > 20


def test_rest_is_where_the_photo_has_it(portrait: Portrait) -> None:
    assert portrait.rest.shape == (FACE_VERTICES, 3)
    assert portrait.head.to_pixels(portrait.rest) == pytest.approx(portrait.landmarks[:FACE_VERTICES, :2])
    assert np.abs(portrait.rest[list(OVAL_LOOP), 0].mean()) < 1.5, "cm: the face lies around the skull's middle"


def test_the_same_twice(picture: Frame, portrait: Portrait) -> None:
    again = understand(picture, size_of(picture, 400), face=None)
    for name in ("image", "landmarks", "rest", "matte", "person", "foreground", "background"):
        assert np.array_equal(getattr(portrait, name), getattr(again, name)), name
    assert again.mouth == portrait.mouth


def test_landmarks_do_not_depend_on_the_size_of_the_video(picture: Frame, portrait: Portrait) -> None:
    large = understand(picture, size_of(picture, 800), face=None)
    assert large.head.px_per_cm == pytest.approx(2 * portrait.head.px_per_cm, rel=0.01)
    assert large.mouth.gap_cm == pytest.approx(portrait.mouth.gap_cm, abs=0.05)


def test_only_the_chosen_person_moves(picture: Frame) -> None:
    pair = np.concatenate([picture, picture[:, ::-1]], axis=1)
    size = size_of(pair, 320)
    left, right = (understand(pair, size, face=number) for number in (1, 2))
    assert left.head.translation[0] < right.head.translation[0]
    for chosen, other in ((left, right), (right, left)):
        moved = other.landmarks - [other.pad - chosen.pad] * 2 @ np.eye(2, 3)
        assert chosen.matte[face_mask(chosen, chosen.landmarks)].min() > 0.9
        assert chosen.person[face_mask(chosen, moved)].mean() < 0.02
    with pytest.raises(BadPortrait) as caught:
        understand(pair, size, face=3)
    assert caught.value.params == {"asked": 3, "found": 2}


def test_a_picture_without_a_face_is_refused() -> None:
    noise = np.random.default_rng(9).integers(0, 255, (200, 300, 3), dtype=np.uint8)
    with pytest.raises(BadPortrait) as caught:
        understand(noise, FrameSize(300, 200), face=None)
    assert caught.value.code is ErrorCode.FACE_MISSING


@pytest.mark.parametrize("shape", [(1, 1), (1, 400), (400, 1), (37, 2)])
def test_slivers_are_refused_not_crashed_on(shape: tuple[int, int]) -> None:
    with pytest.raises(BadPortrait) as caught:
        understand(np.zeros((*shape, 3), np.uint8), FrameSize(256, 256), face=None)
    assert caught.value.code is ErrorCode.FACE_MISSING


def test_a_face_at_the_very_edge_still_works(picture: Frame, portrait: Portrait) -> None:
    x, y = (portrait.landmarks[:FACE_VERTICES, :2].min(0) - portrait.pad) * picture.shape[0] / 400
    close = np.ascontiguousarray(picture[max(0, int(y) - 2) :, max(0, int(x) - 2) :])
    cropped = understand(close, size_of(close, 400), face=None)
    assert np.isfinite(cropped.rest).all()
    assert cropped.matte.shape == cropped.image.shape[:2]


def test_a_picture_that_is_all_face_is_one_elastic_sheet(picture: Frame, portrait: Portrait) -> None:
    factor = picture.shape[0] / 400
    x0, y0 = ((portrait.landmarks[:FACE_VERTICES, :2].min(0) - portrait.pad) * factor).astype(int)
    x1, y1 = ((portrait.landmarks[:FACE_VERTICES, :2].max(0) - portrait.pad) * factor).astype(int)
    inset = (x1 - x0) // 10
    sheet = understand(picture[y0 : y1 - inset, x0 + inset : x1 - inset].copy(), FrameSize(300, 400), face=None)
    assert not sheet.layered
    assert sheet.matte.min() == 1
    assert np.array_equal(sheet.foreground[..., :3], sheet.image)
    assert np.array_equal(sheet.background, sheet.image)
