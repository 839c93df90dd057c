"""Along the cut colours decide: thin hair is kept, a wall that the segmenter took for the person is given back."""

import numpy as np
import pytest

from render_service.portrait.matting import settle

PX_PER_CM = 10.0
WALL, HAIR = np.array([0.8, 0.7, 0.5], np.float32), np.array([0.15, 0.1, 0.1], np.float32)


def scene() -> tuple[np.ndarray, np.ndarray]:
    """A dark head before a wall with a little noise: picture and true matte."""
    matte = np.zeros((160, 200), np.float32)
    matte[40:160, 60:140] = 1
    noise = np.random.default_rng(2).normal(0, 0.008, (160, 200, 3)).astype(np.float32)
    matte[30:40, 90:93] = 1  # a lock of hair, 0.3 cm wide
    return np.clip(HAIR * matte[..., None] + WALL * (1 - matte[..., None]) + noise, 0, 1), matte


def nobody() -> np.ndarray:
    return np.zeros((160, 200), bool)


def test_a_lock_that_the_segmenter_missed_is_found() -> None:
    picture, matte = scene()
    soft = matte.copy()
    soft[30:40] = 0
    settled = settle(picture, soft, nobody(), PX_PER_CM)
    assert settled[31:39, 91].min() > 0.9
    assert settled[31:39, 80:88].max() < 0.1


def test_a_wall_in_doubt_is_given_back() -> None:
    picture, matte = scene()
    soft = matte.copy()
    soft[60:160, 140:190] = 0.55
    settled = settle(picture, soft, nobody(), PX_PER_CM)
    assert settled[70:150, 145:185].max() < 0.1
    assert settled[60:150, 70:130].min() > 0.99


def test_half_covered_pixels_are_half_opaque() -> None:
    picture, matte = scene()
    picture[80:120, 140] = (HAIR + WALL) / 2
    assert settle(picture, matte, nobody(), PX_PER_CM)[84:116, 140] == pytest.approx(0.5, abs=0.08)


def test_where_colours_tell_nothing_the_segmenter_is_believed() -> None:
    _, soft = scene()
    soft[:, 140:150] = 0.4
    grey = np.full((160, 200, 3), 0.5, np.float32)
    assert np.array_equal(settle(grey, soft, nobody(), PX_PER_CM), soft)


def test_what_is_certain_stays_the_persons() -> None:
    picture, matte = scene()
    face = nobody()
    face[90:110, 130:150] = True
    assert settle(picture, matte, face, PX_PER_CM)[face].min() == 1
    assert settle(picture, matte, nobody(), PX_PER_CM)[100, 145] < 0.1


def test_a_large_picture_is_settled_at_a_smaller_size() -> None:
    picture, matte = scene()
    large, soft = (np.kron(plane, np.ones((8, 8, 1)[: plane.ndim], np.float32)) for plane in (picture, matte))
    soft[240:320] = 0
    settled = settle(large, soft, np.zeros(soft.shape, bool), 8 * PX_PER_CM)
    assert settled[260:310, 728:736].min() > 0.7
    assert settled[260:310, 600:700].max() < 0.1
