"""The guided filter: bends a mask to the edges of a colour picture (He, Sun, Tang 2013, "Guided Image Filtering")."""

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]

FINE_RADIUS_PX = 4
"""Radius up to which windows are fitted at full resolution."""


def guided_filter(guide: Plane, mask: Plane, radius_px: int, epsilon: float) -> Plane:
    """guide: [H, W, 3] in 0..1; mask: [H, W]; epsilon: variance of the guide that counts as flat. Returns [H, W].

    In every window the mask is a linear function of the colours; each pixel averages the functions of its windows.
    Windows wider than `FINE_RADIUS_PX` are fitted on a smaller picture (He, Sun 2015, "Fast Guided Filter").
    """
    step = max(1, radius_px // FINE_RADIUS_PX)
    height, width = mask.shape
    small = max(1, width // step), max(1, height // step)
    small_guide, small_mask = (_shrunk(plane, small) for plane in (guide, mask))
    radius = max(1, radius_px // step)
    guide_mean, mask_mean = _box(small_guide, radius), _box(small_mask, radius)
    slopes = _slopes(small_guide, small_mask, guide_mean, mask_mean, radius=radius, epsilon=epsilon)
    offset = mask_mean - (slopes * guide_mean).sum(2)
    fit = _box(np.concatenate([slopes, offset[..., None]], axis=2), radius)
    wide = cv2.resize(fit, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray((wide[..., :3] * guide).sum(2) + wide[..., 3], np.float32)


def _slopes(guide: Plane, mask: Plane, guide_mean: Plane, mask_mean: Plane, *, radius: int, epsilon: float) -> Plane:
    """Solves (covariance of the colours + epsilon) slope = covariance of colours and mask, by Cramer's rule."""
    r, g, b = cv2.split(guide)
    mean_r, mean_g, mean_b = cv2.split(guide_mean)
    rr = _box(r * r, radius) - mean_r * mean_r + epsilon
    gg = _box(g * g, radius) - mean_g * mean_g + epsilon
    bb = _box(b * b, radius) - mean_b * mean_b + epsilon
    rg = _box(r * g, radius) - mean_r * mean_g
    rb = _box(r * b, radius) - mean_r * mean_b
    gb = _box(g * b, radius) - mean_g * mean_b
    cr = _box(r * mask, radius) - mean_r * mask_mean
    cg = _box(g * mask, radius) - mean_g * mask_mean
    cb = _box(b * mask, radius) - mean_b * mask_mean
    i_rr, i_rg, i_rb = gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg
    i_gg, i_gb, i_bb = rr * bb - rb * rb, rg * rb - rr * gb, rr * gg - rg * rg
    determinant = rr * i_rr + rg * i_rg + rb * i_rb
    slopes = (i_rr * cr + i_rg * cg + i_rb * cb, i_rg * cr + i_gg * cg + i_gb * cb, i_rb * cr + i_gb * cg + i_bb * cb)
    return np.stack([slope / determinant for slope in slopes], axis=2)


def _shrunk(plane: Plane, size: tuple[int, int]) -> Plane:
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float32)


def _box(values: Plane, radius: int) -> Plane:
    side = 2 * radius + 1
    return np.asarray(cv2.blur(values, (side, side), borderType=cv2.BORDER_REFLECT_101), np.float32)
