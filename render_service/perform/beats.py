"""Beats by dynamic programming over onset strength (Ellis 2007, "Beat tracking by dynamic programming")."""

import numpy as np
from numpy.typing import NDArray

from render_service.perform.curves import RATE, Curve, smooth

PREFERRED_S = 0.5
"""120 beats a minute: the tempo people tap by preference."""
PREFERENCE_OCTAVES = 0.9
"""Width of that preference (Ellis 2007)."""
SLOWEST_S, FASTEST_S = 1.2, 0.3
TIGHTNESS = 100.0
"""Weight of an even beat against strong onsets (Ellis 2007)."""
LEAST_PULSE = 0.08
"""Autocorrelation at the beat's period under which the song has none to follow: free singing, spoken word."""


def track_beats(flux: Curve) -> tuple[NDArray[np.intp], float, float]:
    """flux: [T] onset strength at `curves.RATE`.

    Returns beat positions, the interval in seconds, and how clear the pulse is (0..1); no beats where it is not.
    """
    deviation = float(flux.std())
    if len(flux) < 2 * SLOWEST_S * RATE or deviation < 1e-9:
        return np.zeros(0, np.intp), PREFERRED_S, 0.0
    onsets = (flux - smooth(flux, 2.0)) / deviation
    interval, pulse = _tempo(onsets)
    if pulse < LEAST_PULSE:
        return np.zeros(0, np.intp), interval / RATE, pulse
    return _best_path(smooth(onsets, 0.06), interval), interval / RATE, pulse


def _tempo(onsets: Curve) -> tuple[float, float]:
    """Interval in frames, and the autocorrelation there."""
    size = 1 << (2 * len(onsets) - 1).bit_length()
    spectrum = np.fft.rfft(onsets, size)
    lags = np.arange(round(FASTEST_S * RATE), round(SLOWEST_S * RATE) + 1)
    correlation = np.fft.irfft(np.abs(spectrum) ** 2, size)
    correlation = correlation / max(correlation[0], 1e-9)
    preference = np.exp(-0.5 * (np.log2(lags / RATE / PREFERRED_S) / PREFERENCE_OCTAVES) ** 2)
    best = int((correlation[lags] * preference).argmax())
    return float(lags[best]), float(np.clip(correlation[lags[best]], 0, 1))


def _best_path(onsets: Curve, interval: float) -> NDArray[np.intp]:
    """The series of beats with the strongest onsets and the evenest steps."""
    steps = np.arange(-round(2 * interval), -round(interval / 2) + 1)
    evenness = -TIGHTNESS * np.log(-steps / interval) ** 2
    score = onsets.copy()
    came_from = np.full(len(onsets), -1, np.intp)
    for now in range(-int(steps[0]), len(onsets)):
        earlier = score[now + steps[0] : now + steps[-1] + 1] + evenness
        best = int(earlier.argmax())
        if earlier[best] > 0:
            score[now] += earlier[best]
            came_from[now] = now + steps[best]
    last = len(score) - round(interval) + int(score[-round(interval) :].argmax())
    beats = [last]
    while came_from[beats[-1]] >= 0:
        beats.append(int(came_from[beats[-1]]))
    return np.array(beats[::-1], np.intp)
