"""The pixel loops against what they should do, written the slow way."""

import cv2
import numpy as np

from render_service.animate.puppet import raster
from render_service.animate.puppet.warp import fine_texture


def test_flow_interpolates_the_source_inside_triangles() -> None:
    random = np.random.default_rng(1)
    positions = random.uniform(-5, 45, (3, 2)).astype(np.float32)
    source = random.uniform(0, 100, (3, 2)).astype(np.float32)
    whole, fraction = np.full((40, 40, 2), -1, np.int16), np.zeros((40, 40), np.uint16)
    raster.flow(positions, source, np.array([[0, 1, 2]], np.int32), 0, 0, whole, fraction)
    corners = np.concatenate([positions.T, np.ones((1, 3))]).astype(np.float64)
    y, x = np.mgrid[0:40, 0:40]
    shares = np.linalg.solve(corners, np.stack([x.ravel(), y.ravel(), np.ones(1600)]))
    inside = (shares > 1e-3).all(axis=0).reshape(40, 40)
    expected = (source.T.astype(np.float64) @ shares).T.reshape(40, 40, 2)
    got = whole + np.stack([fraction & 31, fraction >> 5], axis=2) / raster.SUBPIXELS
    assert inside.sum() > 50
    assert np.abs(got - expected)[inside].max() <= 0.5 / raster.SUBPIXELS + 1e-6
    assert (whole[(shares < -1e-3).any(axis=0).reshape(40, 40)] == -1).all()


def test_a_triangulated_picture_has_no_cracks() -> None:
    random = np.random.default_rng(2)
    grid = np.stack(np.meshgrid(np.linspace(-2, 62, 9), np.linspace(-2, 62, 9)), axis=2).reshape(-1, 2)
    grid = (grid + random.uniform(-2, 2, grid.shape)).astype(np.float32)
    i = np.array([r * 9 + c for r in range(8) for c in range(8)])
    triangles = np.concatenate([np.stack([i, i + 1, i + 10], 1), np.stack([i, i + 10, i + 9], 1)]).astype(np.int32)
    whole, fraction = np.full((56, 56, 2), -9, np.int16), np.zeros((56, 56), np.uint16)
    raster.flow(grid, grid, triangles, 2, 2, whole, fraction)
    got = whole + np.stack([fraction & 31, fraction >> 5], axis=2) / raster.SUBPIXELS
    y, x = np.mgrid[2:58, 2:58]
    assert np.abs(got - np.stack([x, y], axis=2)).max() < 0.05


def test_over_is_the_compositing_formula() -> None:
    random = np.random.default_rng(3)
    alpha = random.choice([0, 40, 128, 255], (30, 20)).astype(np.uint8)
    colour = (random.integers(0, 256, (30, 20, 3)) * (alpha[..., None] / 255)).astype(np.uint8)
    background = random.integers(0, 256, (30, 20, 3), dtype=np.uint8)
    out = np.zeros_like(background)
    raster.over(np.dstack([colour, alpha]), background, out)
    exact = colour + background * (1 - alpha[..., None] / 255)
    assert np.abs(out - exact).max() <= 0.51


def test_paint_mixes_and_stays_inside() -> None:
    out = np.full((10, 10, 3), 100, np.uint8)
    raster.paint(out, np.full((4, 4, 3), 200, np.float32), np.full((4, 4), 0.5, np.float32), -2, 8)
    assert (out[8:, :2] == 150).all()
    out[8:, :2] = 100
    assert (out == 100).all()


def test_the_fine_texture_averages_back_to_the_photo() -> None:
    random = np.random.default_rng(4)
    photo = cv2.GaussianBlur(random.integers(0, 256, (60, 80, 4), dtype=np.uint8), (0, 0), 0.7)
    back = cv2.resize(fine_texture(photo), (80, 60), interpolation=cv2.INTER_AREA)
    difference = np.abs(back.astype(int) - photo)
    assert np.median(difference) == 0
    assert np.percentile(difference, 99) <= 1
