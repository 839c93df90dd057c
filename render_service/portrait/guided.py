"""The guided filter: smooths a mask along the edges of a colour picture (He, Sun, Tang 2013, "Guided Image Filtering")."""

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]


def guided_filter(guide: Plane, mask: Plane, radius_px: int, epsilon: float) -> Plane:
    """guide: [H, W, 3] in 0..1; mask: [H, W]; epsilon: variance of the guide that counts as flat. Returns [H, W].

    In every window the mask is a linear function of the colours; each pixel averages the functions of its windows.
    """
    guide_mean, mask_mean = _box(guide, radius_px), _box(mask, radius_px)
    slopes = _slopes(guide, mask, guide_mean, mask_mean, radius_px, epsilon)
    offset = mask_mean - (slopes * guide_mean).sum(2)
    return np.asarray((_box(slopes, radius_px) * guide).sum(2) + _box(offset, radius_px), np.float32)


def _slopes(guide: Plane, mask: Plane, guide_mean: Plane, mask_mean: Plane, radius_px: int, epsilon: float) -> Plane:
    """Solves (covariance of the colours + epsilon) slope = covariance of colours and mask, by Cramer's rule."""
    r, g, b = cv2.split(guide)
    mean_r, mean_g, mean_b = cv2.split(guide_mean)
    rr = _box(r * r, radius_px) - mean_r * mean_r + epsilon
    gg = _box(g * g, radius_px) - mean_g * mean_g + epsilon
    bb = _box(b * b, radius_px) - mean_b * mean_b + epsilon
    rg = _box(r * g, radius_px) - mean_r * mean_g
    rb = _box(r * b, radius_px) - mean_r * mean_b
    gb = _box(g * b, radius_px) - mean_g * mean_b
    cr = _box(r * mask, radius_px) - mean_r * mask_mean
    cg = _box(g * mask, radius_px) - mean_g * mask_mean
    cb = _box(b * mask, radius_px) - mean_b * mask_mean
    i_rr, i_rg, i_rb = gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg
    i_gg, i_gb, i_bb = rr * bb - rb * rb, rg * rb - rr * gb, rr * gg - rg * rg
    determinant = rr * i_rr + rg * i_rg + rb * i_rb
    slopes = (i_rr * cr + i_rg * cg + i_rb * cb, i_rg * cr + i_gg * cg + i_gb * cb, i_rb * cr + i_gb * cg + i_bb * cb)
    return np.stack([slope / determinant for slope in slopes], axis=2)


def _box(values: Plane, radius_px: int) -> Plane:
    side = 2 * radius_px + 1
    return np.asarray(cv2.blur(values, (side, side), borderType=cv2.BORDER_REFLECT_101))
