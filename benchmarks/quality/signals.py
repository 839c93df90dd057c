"""Arithmetic of the checks: curves in, one figure out; everything here is tried on made-up curves in the tests."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Curve = NDArray[np.float64]
Mask = NDArray[np.bool_]

LAG_REACH = 8
"""Frames either way: a third of a second at 25 a second."""
LEVEL_RANGE_DB = 50.0
SOUNDING_DB = -35.0
"""Against the voice's 95th percentile: what is left of instruments after separation is softer."""
BREATH_S, RELEASE_S = 0.40, 0.25
"""A breath opens the mouth up to this long before the voice, and lips take this long to rest after it: no silence."""
BEAT_WIDTH = 18.0
"""2 x 3^2 frames (beat align score of Li et al. 2021, "AI Choreographer")."""
CONTROLS = 200
"""Random phases whose mean is the control of the beat align score."""
SHUT_SHARE, OPEN_SHARE = 0.6, 0.75
"""Of the usual lid gap: below the first an eye is shutting, above the second it is open again."""
SPIKE = 4.0
"""Times the 95th percentile of a curve's own acceleration."""
FLAT = 1e-3
"""Curves that hardly move correlate with nothing."""


def correlation(a: Curve, b: Curve) -> float:
    """Pearson's r where both are known; NaN where one hardly moves."""
    known = np.isfinite(a) & np.isfinite(b)
    a, b = a[known], b[known]
    if len(a) < 5 or a.std() < FLAT or b.std() < FLAT:
        return np.nan
    return float(np.corrcoef(a, b)[0, 1])


def correlation_beside(a: Curve, b: Curve, other: Curve) -> float:
    """The r of what is left of both curves once a parabola of the other one is taken out (partial correlation).

    A landmarker lets corners of the mouth and the tilt of the face follow the opening, also where nothing else moved.
    """
    known = np.isfinite(a) & np.isfinite(b) & np.isfinite(other)
    if known.sum() < 10:
        return np.nan
    a, b, other = a[known], b[known], other[known]
    powers = np.stack([np.ones_like(other), other, other**2], axis=1)
    left = [curve - powers @ np.linalg.lstsq(powers, curve, rcond=None)[0] for curve in (a, b)]
    return correlation(*left)


def slope(command: Curve, measured: Curve) -> float:
    """Measured over commanded, by least squares."""
    known = np.isfinite(command) & np.isfinite(measured)
    if known.sum() < 5 or command[known].std() < FLAT:
        return np.nan
    return float(np.polyfit(command[known], measured[known], 1)[0])


def lag(late: Curve, early: Curve, reach: int = LAG_REACH) -> tuple[float, float]:
    """Frames by which the first curve follows the second, to a fraction by a parabola, and the r at the best frame."""
    count = len(late)
    lags = range(-reach, reach + 1)
    r = np.array(
        [correlation(late[max(0, k) : count + min(0, k)], early[max(0, -k) : count + min(0, -k)]) for k in lags]
    )
    if not np.isfinite(r).all():
        return np.nan, np.nan
    best = int(r.argmax())
    shift = 0.0
    if 0 < best < len(r) - 1:
        left, top, right = r[best - 1 : best + 2]
        bend = left - 2 * top + right
        shift = 0.0 if bend == 0 else float(0.5 * (left - right) / bend)
    return lags[best] + shift, float(r[best])


def level(samples: NDArray[np.float32], rate: int, count: int, fps: int) -> Curve:
    """[T] dB of each frame's stretch of sound, against its own 95th percentile; at least -`LEVEL_RANGE_DB`."""
    borders = np.round(np.arange(count + 1) * rate / fps).astype(int)
    parts = [samples[begin:end] for begin, end in pairwise(borders)]
    power = np.array([float(np.mean(part.astype(np.float64) ** 2)) if len(part) else 0.0 for part in parts])
    loud = max(float(np.percentile(power, 95)), 1e-12)
    return np.asarray(np.maximum(10 * np.log10(np.maximum(power / loud, 1e-12)), -LEVEL_RANGE_DB))


def inside(spans: tuple[tuple[float, float], ...], count: int, fps: int) -> Mask:
    """[T]: whether a frame's middle lies in one of the spans of seconds."""
    times = (np.arange(count) + 0.5) / fps
    return np.asarray(np.any([(times >= a) & (times < b) for a, b in spans], axis=0)) if spans else times < 0


def silent(sounding: Mask, fps: int) -> Mask:
    """[T]: frames that are nobody's breath and no release: well away from everything that sounds."""
    before, after = round(BREATH_S * fps), round(RELEASE_S * fps)
    near = sounding.copy()
    for i in np.flatnonzero(sounding):
        near[max(0, i - before) : i + after + 1] = True
    return ~near


def blinks(eyes: Curve) -> int:
    """How often the lids shut and opened again."""
    usual = float(np.nanpercentile(eyes, 75))
    count, shut = 0, False
    for gap in eyes[np.isfinite(eyes)]:
        if not shut and gap < SHUT_SHARE * usual:
            count, shut = count + 1, True
        elif gap > OPEN_SHARE * usual:
            shut = False
    return count


def speed_minima(angles: Curve) -> Curve:
    """angles: [T, 3] degrees. Frames at which the head is slower than before and after."""
    speed = np.linalg.norm(np.gradient(smoothed(angles), axis=0), axis=1)
    dips = (speed[1:-1] < speed[:-2]) & (speed[1:-1] <= speed[2:])
    return np.asarray(np.flatnonzero(dips) + 1, np.float64)


def smoothed(angles: Curve) -> Curve:
    """Over five frames: landmarks jitter by a tenth of a degree."""
    kernel = np.array([1, 4, 6, 4, 1]) / 16
    padded = np.pad(angles, ((2, 2), (0, 0)), mode="edge")
    return np.stack([np.convolve(padded[:, k], kernel, mode="valid") for k in range(angles.shape[1])], axis=1)


def beat_alignment(beats: Curve, minima: Curve) -> float:
    """Mean of exp(-d^2 / 18), d the frames from each beat to the nearest minimum of head speed."""
    if not len(beats) or not len(minima):
        return np.nan
    apart = np.abs(beats[:, None] - minima[None]).min(axis=1)
    return float(np.exp(-(apart**2) / BEAT_WIDTH).mean())


def random_alignment(beats: Curve, minima: Curve, count: int) -> float:
    """The same for the same movement begun at random moments."""
    shifts = np.random.default_rng(0).uniform(0, count, CONTROLS)
    return float(np.mean([beat_alignment(beats, (minima + shift) % count) for shift in shifts]))


def spikes(angles: Curve) -> int:
    """Frames whose acceleration is out of all proportion: jumps at the joins of segments, lost tracks."""
    acceleration = np.linalg.norm(np.diff(angles, n=2, axis=0), axis=1)
    acceleration = acceleration[np.isfinite(acceleration)]
    if not len(acceleration):
        return 0
    return int((acceleration > SPIKE * max(float(np.percentile(acceleration, 95)), FLAT)).sum())


def offset(late: NDArray[np.float32], early: NDArray[np.float32], reach: int) -> tuple[int, float]:
    """Samples by which the first sound follows the second, within reach, and their r there."""
    count = min(len(late), len(early)) - reach
    size = 1 << (2 * count + reach).bit_length()
    middle = early[reach:count]
    spectrum = np.fft.rfft(late[: count + reach], size) * np.conj(np.fft.rfft(middle, size))
    # a shift of `reach` is no lag, because the middle begins that much later
    lags = np.fft.irfft(spectrum, size)[: 2 * reach + 1]
    best = int(lags.argmax())
    found = late[best : best + len(middle)]
    return best - reach, float(np.corrcoef(found, middle[: len(found)])[0, 1])
