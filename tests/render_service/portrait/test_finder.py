"""Faces are found where they are, however the picture is held, and followed where they go."""

import cv2
import numpy as np
import pytest

from render_service.portrait.canonical import CANONICAL
from render_service.portrait.face import Face, Points
from render_service.portrait.finder import FaceFinder, size_px
from render_service.portrait.indices import LEFT_LIDS, RIGHT_LIDS
from render_service.portrait.landmarker import Crop
from render_service.stages import ARKIT_NAMES, Frame


def only(faces: list[Face]) -> Face:
    assert len(faces) == 1
    return faces[0]


def offset_share(found: Points, expected: Points) -> float:
    """Mean distance in the picture, in sizes of the face."""
    flat = expected[:468, :2]
    return float(np.linalg.norm(found[:468, :2] - flat, axis=1).mean() / np.ptp(flat, axis=0).max())


def test_a_face_is_found_and_sure(finder: FaceFinder, picture: Frame) -> None:
    face = only(finder.find(picture))
    assert face.landmarks.shape == (478, 3)
    assert face.score > 0.9
    height, width = picture.shape[:2]
    assert (face.landmarks[:, :2] > 0).all() and (face.landmarks[:, :2] < [width, height]).all()
    right, left = (face.landmarks[lids.iris, 0] for lids in (RIGHT_LIDS, LEFT_LIDS))
    assert right < left, "the person's right eye is on the left of the picture"


def test_a_flipped_picture_has_flipped_landmarks(finder: FaceFinder, picture: Frame, mirror: np.ndarray) -> None:
    face = finder.refine(picture, only(finder.find(picture)))
    flipped = np.ascontiguousarray(picture[:, ::-1])
    other = finder.refine(flipped, only(finder.find(flipped)))
    expected = face.landmarks[:468][mirror] * [-1, 1, 1] + [picture.shape[1] - 1, 0, 0]
    assert offset_share(other.landmarks, expected) < 0.012


def test_a_turned_picture_has_turned_landmarks(finder: FaceFinder, picture: Frame) -> None:
    face = only(finder.find(picture))
    height, width = picture.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 25, 0.8)
    turned = np.asarray(cv2.warpAffine(picture, turn, (width, height), borderMode=cv2.BORDER_REPLICATE))
    other = only(finder.find(turned))
    assert offset_share(other.landmarks, face.landmarks[:, :2] @ turn[:, :2].T + turn[:, 2]) < 0.02


def test_a_larger_picture_has_larger_landmarks(finder: FaceFinder, picture: Frame) -> None:
    face = finder.refine(picture, only(finder.find(picture)))
    large = np.asarray(cv2.resize(picture, None, fx=5, fy=5, interpolation=cv2.INTER_CUBIC))
    other = finder.refine(large, only(finder.find(large)))
    assert offset_share(other.landmarks, (face.landmarks + 0.5) * 5 - 0.5) < 0.01


def test_small_faces_are_found_by_looking_closer(finder: FaceFinder, picture: Frame) -> None:
    canvas = np.full((1400, 1000, 3), 128, np.uint8)
    small = cv2.resize(picture, None, fx=0.35, fy=0.35, interpolation=cv2.INTER_AREA)
    canvas[200 : 200 + small.shape[0], 600 : 600 + small.shape[1]] = small
    face = only(finder.find(canvas))
    expected = (only(finder.find(picture)).landmarks + 0.5) * 0.35 - 0.5
    assert offset_share(face.landmarks, expected[:, :2] + [600, 200]) < 0.03


def test_several_faces_come_from_left_to_right(finder: FaceFinder, picture: Frame) -> None:
    half = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    row = np.full((480, half.shape[1] + picture.shape[1] + half.shape[1], 3), 128, np.uint8)
    row[100 : 100 + half.shape[0], : half.shape[1]] = half
    row[: picture.shape[0], half.shape[1] : half.shape[1] + picture.shape[1]] = picture
    row[60 : 60 + half.shape[0], half.shape[1] + picture.shape[1] :] = half
    sizes = [size_px(face) for face in finder.find(row)]
    assert len(sizes) == 3
    assert sizes[1] > 1.8 * max(sizes[0], sizes[2])


def test_noise_has_no_face(finder: FaceFinder) -> None:
    noise = np.random.default_rng(3).integers(0, 255, (300, 400, 3), dtype=np.uint8)
    assert finder.find(noise) == []
    assert finder.track(noise, None) is None


def test_tracking_follows_a_moving_face_and_loses_one_that_left(finder: FaceFinder, picture: Frame) -> None:
    first = finder.track(picture, None)
    face = first
    for step in range(1, 5):
        face = finder.track(np.roll(picture, 6 * step, axis=1), face)
    assert first is not None and face is not None
    assert np.median(face.landmarks[:, 0] - first.landmarks[:, 0]) == pytest.approx(24, abs=1)
    assert finder.track(np.zeros_like(picture), face) is None


def test_refined_landmarks_jitter_less(finder: FaceFinder, picture: Frame) -> None:
    face = only(finder.find(picture))
    shifts = [(0, 0), (1, 2), (2, 1), (3, 3)]
    spread = {}
    for name in ("single", "refined"):
        seen = []
        for x, y in shifts:
            moved = np.roll(picture, (y, x), axis=(0, 1))
            start = Face(face.landmarks + np.array([0.7 * x, 1.2 * y, 0]), 1.0)
            found = finder.refine(moved, start) if name == "refined" else finder.track(moved, start)
            assert found is not None
            seen.append(found.landmarks[:, :2] - [x, y])
        spread[name] = np.std(seen, axis=0).mean()
    assert spread["refined"] < spread["single"]


def average_face() -> Face:
    """The canonical face looking at the camera, lips closed, with irises in the middle of its eyes."""
    flat = CANONICAL.vertices * [20, -20, -20] + [300, 300, 0]
    irises = [
        np.repeat(flat[[lids.inner, lids.outer]].mean(axis=0)[None], 5, axis=0) for lids in (RIGHT_LIDS, LEFT_LIDS)
    ]
    return Face(np.concatenate([flat, *irises]), 1.0)


def test_the_expression_is_in_arkit_order(finder: FaceFinder) -> None:
    face = average_face()
    measured = finder.measure(face)
    assert measured.shape == (len(ARKIT_NAMES),) and measured.dtype == np.float32
    assert measured.min() >= 0 and measured.max() <= 1
    # pulling the lower lip and the chin down must read as an opening jaw
    opened = face.landmarks.copy()
    chin = opened[:, 1] > opened[[13, 14], 1].mean()
    opened[chin, 1] += 0.10 * size_px(face)
    jaw = ARKIT_NAMES.index("jawOpen")
    assert finder.measure(Face(opened, 1.0))[jaw] > measured[jaw] + 0.2
    assert measured[ARKIT_NAMES.index("tongueOut")] == 0


def test_a_crop_reads_the_picture_where_it_says() -> None:
    y, x = np.mgrid[0:200, 0:300]
    ramp = np.stack([x * 255 / 300, y * 255 / 200, x * 0], axis=2).round().astype(np.uint8)
    for side in (60.0, 150.0):
        crop = Crop(np.array([150.0, 100.0]), side, 0.4)
        cut = crop.cut(ramp, 32)
        affine = crop.to_picture(32)
        for column, row in ((5, 7), (16, 16), (28, 3)):
            at = affine @ [column, row, 1]
            assert np.abs(cut[row, column, :2] - at * [255 / 300, 255 / 200]).max() < 2
