"""Settles whose the pixels along the cut are: each mixes a colour from inside and one from outside, found nearby."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Plane = NDArray[np.float32]
Mask = NDArray[np.bool_]

DOUBT = (0.10, 0.90)
"""Values of the soft matte that settle nothing."""
INWARD_CM, OUTWARD_CM = 0.35, 1.2
"""How far from the cut a pixel may still turn out to belong to the other side: loose hair reaches further out."""
MOST_PIXELS = 400_000
"""Larger pictures are settled at a smaller size: a wider hair still covers a pixel."""
NEAR_SAMPLES, FAR_SAMPLES, EACH = 4000, 250, 4
"""Sizes of two random subsets of the known pixels, and how many nearest ones of each a pixel is compared with: the
dense one gives neighbours, the sparse one colours from further around."""
FAR_CM = 3.0
"""Known pixels further from the doubt are no samples."""
BEST_PAIRS = 3
DISTANCE_COST = 4.0
"""Squared grey levels that a sample one cm further away must explain better."""
MISFIT_LEVELS = 10.0
"""A mixture that misses a pixel by this much explains little of it."""
APART_LEVELS = (12.0, 40.0)
"""Distances between the two colours from which on a mixture begins to tell something, and tells all."""
PASSES = 3
"""What a pass settles are samples for the next."""
CHUNK = 16_384


@dataclass(frozen=True)
class Samples:
    """Known pixels of one side: at [n, 2] px (y, x), colour [n, 3]."""

    at: Plane
    colour: Plane


def settle(picture: Plane, soft: Plane, certain: Mask, px_per_cm: float) -> Plane:
    """The matte [H, W] 0..1 with its doubtful band decided by colour (after Gastal & Oliveira 2010, "Shared Sampling").

    picture: [H, W, 3] in 0..1; soft: [H, W] from a segmenter; certain: what is the person whatever the matte says.
    """
    height, width = soft.shape
    shrink = min(1.0, float(np.sqrt(MOST_PIXELS / (height * width))))
    size = max(1, round(width * shrink)), max(1, round(height * shrink))
    small, matte = (np.asarray(cv2.resize(p, size, interpolation=cv2.INTER_AREA), np.float32) for p in (picture, soft))
    sure = cv2.resize(certain.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    settled = _settled(small * 255, matte, sure, px_per_cm * shrink)
    change = cv2.resize(settled - matte, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.clip(soft + change, 0, 1), np.float32)


def _settled(rgb: Plane, matte: Plane, certain: Mask, scale: float) -> Plane:
    matte, smooth = np.where(certain, np.float32(1), matte), np.asarray(cv2.blur(rgb, (3, 3)), np.float32)
    unknown = _band(matte, scale) | _doubtful(matte)
    for _ in range(PASSES):
        unknown &= ~certain
        inside, outside = (matte >= 0.5) & ~unknown, (matte < 0.5) & ~unknown
        if not (unknown.any() and inside.any() and outside.any()):
            break
        sides = [_candidates(smooth, side, unknown, scale) for side in (inside, outside)]
        matte = _mixed(rgb, matte, unknown, sides, scale)
        unknown &= _doubtful(matte)
    return matte


def _mixed(rgb: Plane, matte: Plane, unknown: Mask, sides: list[list[Samples]], scale: float) -> Plane:
    settled, at = matte.copy(), np.argwhere(unknown)
    for start in range(0, len(at), CHUNK):
        part = at[start : start + CHUNK]
        rows, columns = part.T
        alpha, trust = _mixtures(rgb[rows, columns], part, sides, scale)
        settled[rows, columns] += trust * (alpha - matte[rows, columns])
    return settled


def _doubtful(matte: Plane) -> Mask:
    return np.asarray((matte > DOUBT[0]) & (matte < DOUBT[1]))


def _band(matte: Plane, scale: float) -> Mask:
    """Along the cut."""
    person = (matte > 0.5).astype(np.uint8)
    to_person = cv2.distanceTransform(1 - person, cv2.DIST_L2, 3)
    to_outside = cv2.distanceTransform(person, cv2.DIST_L2, 3)
    return np.asarray((to_person <= OUTWARD_CM * scale) & (to_outside <= INWARD_CM * scale))


def _candidates(rgb: Plane, side: Mask, unknown: Mask, scale: float) -> list[Samples]:
    near = cv2.distanceTransform((~unknown).astype(np.uint8), cv2.DIST_L2, 3) < FAR_CM * scale
    at = np.argwhere(side & near if (side & near).any() else side)
    order = np.random.default_rng(0).permutation(len(at))
    subsets = (at[order[:count]] for count in (NEAR_SAMPLES, FAR_SAMPLES))
    return [Samples(part.astype(np.float32), rgb[part[:, 0], part[:, 1]]) for part in subsets]


def _nearest(at: NDArray[np.intp], subsets: list[Samples], scale: float) -> tuple[Plane, Plane]:
    """Colours [n, k, 3] and distances [n, k] in cm of the nearest samples."""
    colours, distances = [], []
    for samples in subsets:
        each = min(EACH, len(samples.at))
        found = cKDTree(samples.at).query(at, k=np.arange(1, each + 1))
        distances.append(np.asarray(found[0], np.float32) / np.float32(scale))
        colours.append(samples.colour[np.asarray(found[1])])
    return np.concatenate(colours, axis=1), np.concatenate(distances, axis=1)


def _mixtures(rgb: Plane, at: NDArray[np.intp], sides: list[list[Samples]], scale: float) -> tuple[Plane, Plane]:
    """Of the best pairs for each pixel [n, 3]: the mean share of the inner colour, and how far it is to be trusted."""
    (inner, inner_cm), (outer, outer_cm) = (_nearest(at, side, scale) for side in sides)
    apart = inner[:, :, None] - outer[:, None]
    rest = rgb[:, None, None] - outer[:, None]
    squared = (apart**2).sum(3)
    share = np.clip((rest * apart).sum(3) / np.maximum(squared, 1), 0, 1)
    misfit = ((rest - share[..., None] * apart) ** 2).sum(3)
    cost = (misfit + DISTANCE_COST * (inner_cm[:, :, None] + outer_cm[:, None])).reshape(len(at), -1)
    best = np.argpartition(cost, BEST_PAIRS, axis=1)[:, :BEST_PAIRS]
    alpha, missed, length = (
        np.take_along_axis(values.reshape(len(at), -1), best, axis=1).mean(1) for values in (share, misfit, squared)
    )
    apart_enough = np.clip((np.sqrt(length) - APART_LEVELS[0]) / (APART_LEVELS[1] - APART_LEVELS[0]), 0, 1)
    return alpha, np.asarray(apart_enough * np.exp(-missed / (2 * MISFIT_LEVELS**2)), np.float32)
