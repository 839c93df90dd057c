"""The pitch a singer gives to the notes: glides, a scoop, vibrato that grows in, drift and jitter.

Rates and extents follow Sundberg, "The Science of the Singing Voice", 1987, chapter 8, and Saitou et al., "Development
of an F0 control model", Speech Communication 46, 2005 (overshoot and preparation are left out).
"""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from examples.synth.score import TimedNote

Curve = NDArray[np.float64]

GLIDE_S = 0.028
"""Standard deviation of the smoothing between notes: a glide of about 80 ms."""
SCOOP_CENTS, SCOOP_S = -70.0, 0.07
VIBRATO_HZ, VIBRATO_CENTS = 5.6, 55.0
VIBRATO_WAIT_S, VIBRATO_GROW_S = 0.22, 0.35
DRIFT_CENTS, DRIFT_S = 6.0, 0.12
JITTER_CENTS, JITTER_S = 8.0, 0.004


def pitch_curve(phrases: list[list[TimedNote]], frames: int, rate: float, rng: np.random.Generator) -> Curve:
    """[frames] Hz at `rate` frames a second; between phrases the pitch waits at the next note."""
    notes = [note for phrase in phrases for note in phrase]
    time_s = np.arange(frames) / rate
    ends = np.array([note.end_s for note in notes])
    index = np.minimum(np.searchsorted(ends, time_s, side="right"), len(notes) - 1)
    midi = np.array([note.note.midi for note in notes], dtype=np.float64)[index]
    since_s = time_s - np.array([note.start_s for note in notes])[index]
    length_s = np.array([note.end_s - note.start_s for note in notes])[index]
    cents = gaussian_filter1d(midi * 100.0, GLIDE_S * rate)
    firsts = np.cumsum([0, *(len(phrase) for phrase in phrases)])[:-1]
    begins = np.isin(index, firsts) & (since_s >= 0)
    cents += np.where(begins, SCOOP_CENTS * np.exp(-np.maximum(since_s, 0) / SCOOP_S), 0.0)
    cents += _vibrato(time_s, since_s, length_s, rng)
    cents += _noise(frames, DRIFT_S * rate, DRIFT_CENTS, rng) + _noise(frames, JITTER_S * rate, JITTER_CENTS, rng)
    return 440.0 * 2.0 ** ((cents / 100.0 - 69.0) / 12.0)


def _vibrato(time_s: Curve, since_s: Curve, length_s: Curve, rng: np.random.Generator) -> Curve:
    """Short notes stay straight: the vibrato grows in once a note has been held."""
    grown = np.clip((since_s - VIBRATO_WAIT_S) / VIBRATO_GROW_S, 0.0, 1.0)
    grown = grown * np.clip((length_s - VIBRATO_WAIT_S) / VIBRATO_GROW_S, 0.0, 1.0)
    step_s = float(time_s[1] - time_s[0])
    wander = _noise(len(time_s), 0.3 / step_s, 0.25, rng)
    phase = 2 * np.pi * np.cumsum(VIBRATO_HZ + wander) * step_s
    grown = gaussian_filter1d(grown, 0.03 / step_s)
    return np.asarray(VIBRATO_CENTS * grown * np.sin(phase))


def _noise(frames: int, smooth_frames: float, deviation: float, rng: np.random.Generator) -> Curve:
    raw = gaussian_filter1d(rng.standard_normal(frames), max(smooth_frames, 0.3))
    return np.asarray(raw * (deviation / (raw.std() + 1e-12)))
