"""Mattes follow edges, fills keep what is known, and two layers give the photo back."""

import numpy as np
import pytest

from render_service.portrait.guided import FINE_RADIUS_PX, guided_filter
from render_service.portrait.inpaint import fill_background, push_pull
from render_service.portrait.layers import split_layers


def brute_force_guided(guide: np.ndarray, mask: np.ndarray, radius: int, epsilon: float) -> np.ndarray:
    """Every window's least squares by itself, every pixel the mean over its windows."""
    height, width = mask.shape
    border = ((radius, radius), (radius, radius))
    wide_guide = np.pad(guide.astype(np.float64), (*border, (0, 0)), mode="reflect")
    wide_mask = np.pad(mask.astype(np.float64), border, mode="reflect")
    fits = np.empty((height, width, 4))
    side = 2 * radius + 1
    for y in range(height):
        for x in range(width):
            colours = wide_guide[y : y + side, x : x + side].reshape(-1, 3)
            values = wide_mask[y : y + side, x : x + side].ravel()
            spread = colours - colours.mean(0)
            covariance = spread.T @ spread / len(colours) + epsilon * np.eye(3)
            slope = np.linalg.solve(covariance, spread.T @ (values - values.mean()) / len(colours))
            fits[y, x] = *slope, values.mean() - slope @ colours.mean(0)
    wide_fits = np.pad(fits, (*border, (0, 0)), mode="reflect")
    means = np.array(
        [[wide_fits[y : y + side, x : x + side].mean((0, 1)) for x in range(width)] for y in range(height)]
    )
    return (means[..., :3] * guide).sum(2) + means[..., 3]


def test_the_guided_filter_is_windowed_least_squares() -> None:
    random = np.random.default_rng(4)
    guide = random.random((14, 17, 3)).astype(np.float32)
    mask = random.random((14, 17)).astype(np.float32)
    assert guided_filter(guide, mask, 2, 1e-2) == pytest.approx(brute_force_guided(guide, mask, 2, 1e-2), abs=2e-4)


@pytest.mark.parametrize("radius", [FINE_RADIUS_PX, 3 * FINE_RADIUS_PX])
def test_a_blurred_mask_snaps_to_the_edge_of_the_picture(radius: int) -> None:
    guide = np.zeros((90, 120, 3), np.float32)
    guide[:, 60:] = [0.8, 0.5, 0.2]
    soft = np.clip((np.arange(120) - 52) / 16, 0, 1).astype(np.float32)
    sharp = guided_filter(guide, np.tile(soft, (90, 1)), radius, 1e-4)[45]
    assert np.abs(np.diff(sharp)).max() > 3 * np.abs(np.diff(soft)).max()
    assert sharp[40] == pytest.approx(0, abs=0.05)
    assert sharp[80] == pytest.approx(1, abs=0.05)


def test_push_pull_keeps_the_known_and_continues_it() -> None:
    random = np.random.default_rng(6)
    picture = (random.random((60, 80, 3)) * 255).astype(np.float32)
    known = np.ones((60, 80), np.float32)
    known[20:40, 25:60] = 0
    filled = push_pull(picture, known)
    assert filled[known > 0] == pytest.approx(picture[known > 0], abs=1e-3)
    assert filled[known == 0].min() > 40 and filled[known == 0].max() < 215
    flat = push_pull(np.full_like(picture, 77), known)
    assert flat == pytest.approx(77, abs=0.1)


def test_fill_ignores_what_it_covers() -> None:
    picture = np.full((100, 100, 3), 120, np.uint8)
    unknown = np.zeros((100, 100), bool)
    unknown[30:70, 30:70] = True
    picture[unknown] = [255, 0, 0]
    assert fill_background(picture, unknown, 10.0) == pytest.approx(120, abs=1)


def test_a_picture_that_is_all_person_is_its_own_background() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (20, 30, 3), dtype=np.uint8)
    assert np.array_equal(fill_background(picture, np.ones((20, 30), bool), 10.0), picture)


def test_foreground_over_background_is_the_photo() -> None:
    random = np.random.default_rng(8)
    picture = random.integers(0, 256, (120, 160, 3), dtype=np.uint8)
    y, x = np.mgrid[0:120, 0:160]
    alpha = np.clip((50 - np.hypot(x - 80, y - 60)) / 20, 0, 1).astype(np.float32)
    foreground, background, matte = split_layers(picture, alpha, 8.0)
    through = 255 - foreground[..., 3:].astype(int)
    composed = foreground[..., :3] + (background.astype(int) * through + 127) // 255
    assert np.abs(composed - picture).max() <= 1
    assert (foreground[..., :3] <= foreground[..., 3:]).all(), "premultiplied"
    assert np.array_equal(np.round(matte * 255), foreground[..., 3])
    assert np.array_equal(background[alpha == 0], picture[alpha == 0])


def test_loose_hair_becomes_opaque() -> None:
    picture = np.full((120, 120, 3), 230, np.uint8)
    picture[40:80, 40:80] = 20
    picture[30:40, 58:62] = 20
    alpha = np.zeros((120, 120), np.float32)
    alpha[40:80, 40:80] = 1
    alpha[30:40, 50:70] = 0.3
    _, background, matte = split_layers(picture, alpha, 20.0)
    assert matte[35, 60] > 0.8
    assert matte[35, 52] < 0.4
    assert background[35, 60].min() > 180


def test_a_bright_wall_is_not_hair() -> None:
    picture = np.full((120, 120, 3), 249, np.uint8)
    picture[30:90, 30:90] = 254
    alpha = np.zeros((120, 120), np.float32)
    alpha[30:90, 30:90] = 0.3
    assert split_layers(picture, alpha, 20.0)[2][60, 60] == pytest.approx(0.3, abs=0.01)


def test_the_grain_of_a_wall_goes_on_behind_the_person() -> None:
    picture = np.full((160, 200, 3), 120, np.uint8)
    picture[::4] += 24
    picture[2::4] -= 24
    unknown = np.zeros((160, 200), bool)
    unknown[:, 70:130] = True
    filled = fill_background(np.where(unknown[..., None], 0, picture).astype(np.uint8), unknown, 20.0)
    known_contrast, filled_contrast = (
        filled[40:120, columns].std(0).mean() for columns in (slice(20, 50), slice(75, 95))
    )
    assert filled_contrast > 0.7 * known_contrast


def test_stray_hair_before_a_calm_wall_moves_with_the_head() -> None:
    picture = np.full((160, 160, 3), 180, np.uint8)
    picture += np.random.default_rng(1).integers(0, 3, picture.shape, dtype=np.uint8)
    picture[60:120, 40:120] = 20
    picture[52:54, 60:80] = 60
    alpha = np.zeros((160, 160), np.float32)
    alpha[60:120, 40:120] = 1
    foreground, background, matte = split_layers(picture, alpha, 10.0)
    assert matte[52:54, 61:79].min() > 0.4
    assert background[52:54, 61:79].min() > 170
    assert matte[20:30].max() == matte[50, 20:30].max() == 0
    through = 255 - foreground[..., 3:].astype(int)
    assert np.abs(foreground[..., :3] + (background.astype(int) * through + 127) // 255 - picture).max() <= 1
