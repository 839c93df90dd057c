"""Curves of a performance: sampled a hundred times a second inside, at any frame rate outside."""

import numpy as np
from numpy.typing import NDArray

Curve = NDArray[np.float64]
"""[T] values, one every 1 / RATE seconds; value i is at i / RATE seconds."""

RATE = 100
"""Values a second: the acoustic model's frame rate, and more than any video's."""


def grid(duration_s: float) -> Curve:
    """The times, in seconds, of a curve that covers a song."""
    return np.arange(int(duration_s * RATE) + 1) / RATE


def sample(curve: Curve, times_s: Curve) -> Curve:
    """The curve at any times; before its start and past its end it stays as it is there."""
    return np.interp(times_s, np.arange(len(curve)) / RATE, curve)


def smooth(curve: Curve, width_s: float) -> Curve:
    """Hann-weighted moving mean, `width_s` from foot to foot; the ends stay as they are."""
    half = max(1, round(width_s * RATE / 2))
    weights = np.hanning(2 * half + 1)
    padded = np.pad(curve, half, mode="edge")
    return np.convolve(padded, weights / weights.sum(), "valid")


def spread(curve: Curve, before_s: float, after_s: float) -> Curve:
    """Running maximum: every peak is held from `before_s` ahead of it to `after_s` past it."""
    before, after = round(before_s * RATE), round(after_s * RATE)
    padded = np.pad(curve, (after, before), mode="edge")
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, before + after + 1).max(axis=1))


def ease(x: Curve) -> Curve:
    """0 to 1 as a person moves: minimum jerk (Flash & Hogan 1985). Below 0 it is 0, above 1 it is 1."""
    x = np.clip(x, 0, 1)
    return x**3 * (10 - 15 * x + 6 * x**2)


def through(times_s: list[float], values: list[float], at_s: Curve) -> Curve:
    """A curve through points in time order, at rest in each of them, minimum jerk between."""
    t, v = np.asarray(times_s), np.asarray(values)
    left = np.clip(np.searchsorted(t, at_s, "right") - 1, 0, len(t) - 1)
    right = np.minimum(left + 1, len(t) - 1)
    part = (at_s - t[left]) / np.maximum(t[right] - t[left], 1e-9)
    return np.asarray(v[left] + (v[right] - v[left]) * ease(part))


def wander(rng: np.random.Generator, count: int, period_s: float) -> Curve:
    """Noise that drifts: mean 0, deviation about 1, turning round about once in `period_s`, never periodic."""
    half = max(1, round(period_s * RATE / 2))
    weights = np.hanning(2 * half + 1)
    noise = rng.standard_normal(count + 2 * half)
    return np.convolve(noise, weights / np.sqrt((weights**2).sum()), "valid")


def spans(on: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Begin and end (exclusive) of every run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], on, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
