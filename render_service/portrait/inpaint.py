"""Fills the place of the person with what the background around it suggests."""

import cv2
import numpy as np
from numpy.typing import NDArray

from render_service.stages import Frame

Plane = NDArray[np.float32]

FINE_PX_PER_CM = 20
"""Up to twice this scale the fill has the picture's own resolution; beyond, a coarser one will do."""
COARSEST_PX = 4
KNOWN_ENOUGH = 1e-3
GRAIN_CM, GRAIN_REACH_CM = 0.5, 2.0
"""Sigma under which detail counts as grain, and how far from the known it is mirrored in full; no head bares more."""
MAX_GRAIN, OBJECT = 24.0, 40.0
"""Grey levels: more would be objects, not texture; from the second on nothing of it is repeated."""


def push_pull(picture: Plane, known: Plane) -> Plane:
    """Smooth fill of what is unknown; known pixels stay (Gortler et al. 1996, "The Lumigraph", section 3.4.2).

    picture: [H, W, 3]; known: [H, W] in 0..1.
    """
    levels = [(picture * known[..., None], known)]
    while min(levels[-1][1].shape) > COARSEST_PX:
        levels.append((_halved(levels[-1][0]), _halved(levels[-1][1])))
    colour, weight = levels[-1]
    fill: Plane = colour / np.maximum(weight, 1e-4)[..., None]
    for colour, weight in levels[-2::-1]:
        wide = cv2.resize(fill, weight.shape[::-1], interpolation=cv2.INTER_LINEAR)
        share = np.where(weight > KNOWN_ENOUGH, weight, 0)[..., None]
        fill = np.where(share > 0, colour, 0) + wide * (1 - share)
    return fill


def _halved(plane: Plane) -> Plane:
    height, width = plane.shape[:2]
    soft = cv2.GaussianBlur(plane, (0, 0), 1)
    return np.asarray(cv2.resize(soft, ((width + 1) // 2, (height + 1) // 2), interpolation=cv2.INTER_AREA))


def fill_background(picture: Frame, unknown: NDArray[np.bool_], px_per_cm: float) -> Frame:
    """The picture, and where it is unknown a smooth fill with the grain around it: [H, W, 3] uint8."""
    if unknown.all() or not unknown.any():
        return picture.copy()
    height, width = unknown.shape
    step = max(1, int(px_per_cm / FINE_PX_PER_CM))
    small = max(1, width // step), max(1, height // step)
    covered = cv2.resize(unknown.astype(np.float32), small, interpolation=cv2.INTER_AREA) > 0
    fill = _fill(cv2.resize(picture, small, interpolation=cv2.INTER_AREA), covered, px_per_cm / step)
    wide = fill if step == 1 else cv2.resize(fill, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.where(unknown[..., None], wide, picture)


def _fill(picture: NDArray[np.generic], unknown: NDArray[np.bool_], px_per_cm: float) -> Frame:
    if unknown.all():
        return picture.astype(np.uint8)
    rgb, known = picture.astype(np.float32), (~unknown).astype(np.float32)
    texture = _texture(grain(rgb, known, GRAIN_CM * px_per_cm))
    fine = _mirrored(texture, unknown, GRAIN_REACH_CM * px_per_cm)
    return np.clip(push_pull(rgb, known) + fine, 0, 255).round().astype(np.uint8)


def grain(rgb: Plane, known: Plane, sigma: float) -> Plane:
    """What is finer than sigma px, measured on known pixels only: [H, W, 3] grey levels."""
    weight = cv2.GaussianBlur(known, (0, 0), sigma)[..., None]
    base = cv2.GaussianBlur(rgb * known[..., None], (0, 0), sigma) / np.maximum(weight, 1e-3)
    return np.asarray(rgb - base, np.float32)


def _texture(fine: Plane) -> Plane:
    """Grain without what must be the edges of objects."""
    repeatable = np.abs(fine).max(2, keepdims=True) < OBJECT
    return np.asarray(np.clip(fine, -MAX_GRAIN, MAX_GRAIN) * repeatable, np.float32)


def _mirrored(fine: Plane, unknown: NDArray[np.bool_], reach: float) -> Plane:
    """Unknown pixels take the grain as far beyond the nearest known pixel as they are before it, fading inwards."""
    height, width = unknown.shape
    nearest_y, nearest_x, distance = _nearest_known(unknown)
    y, x = np.mgrid[0:height, 0:width]
    mirror_y = np.clip(2 * nearest_y - y, 0, height - 1)
    mirror_x = np.clip(2 * nearest_x - x, 0, width - 1)
    share = np.clip(2 - distance / reach, 0, 1) * ~unknown[mirror_y, mirror_x]
    return np.asarray(fine[mirror_y, mirror_x] * share[..., None], np.float32)


def _nearest_known(unknown: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp], Plane]:
    """Row and column of the nearest known pixel, and the distance to it."""
    distance, labels = cv2.distanceTransformWithLabels(
        unknown.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    known_y, known_x = np.nonzero(~unknown)
    order = np.empty(labels.max() + 1, np.intp)
    order[labels[known_y, known_x]] = np.arange(len(known_y))
    owner = order[labels]
    return known_y[owner], known_x[owner], np.asarray(distance, np.float32)
