"""A made-up singer and band, and how well one is told from the other."""

import numpy as np
from numpy.typing import NDArray

from render_service.stages import SEPARATION_RATE, Samples


def sung_vowels(seconds: float) -> Samples:
    """Pulses with vibrato through three formants, notes of half a second with gaps, in both channels alike."""
    time = np.arange(int(seconds * SEPARATION_RATE)) / SEPARATION_RATE
    notes = np.array([220.0, 247, 262, 294, 330, 294, 262, 247])[(time / 0.6).astype(int) % 8]
    phase = 2 * np.pi * np.cumsum(notes * (1 + 0.01 * np.sin(2 * np.pi * 5.5 * time))) / SEPARATION_RATE
    sound = np.zeros_like(time)
    for harmonic in range(1, 25):
        hertz = harmonic * notes
        formants = sum(
            gain / (1 + ((hertz - centre) / 120) ** 2) for centre, gain in ((750, 1), (1200, 0.6), (2700, 0.3))
        )
        sound += (formants + 0.02) * np.sin(harmonic * phase)
    sounding = np.clip(8 * np.sin(np.pi * (time / 0.6 % 1)), 0, 1) * (time / 0.6 % 4 < 3)
    return doubled(0.3 * sound * sounding)


def plucked_chords(seconds: float) -> Samples:
    """Decaying chords and a noisy beat."""
    time = np.arange(int(seconds * SEPARATION_RATE)) / SEPARATION_RATE
    since = time % 0.5
    root = np.array([98.0, 123, 110, 82])[(time / 0.5).astype(int) % 4]
    chord = sum(np.sin(2 * np.pi * root * ratio * since) / ratio for ratio in (1, 2, 2.5, 3, 4, 6))
    beat = np.random.default_rng(0).standard_normal(len(time)) * np.exp(-60 * (time % 0.25))
    return doubled(0.2 * chord * np.exp(-5 * since) + 0.1 * beat)


def doubled(mono: NDArray[np.float64]) -> Samples:
    return np.stack([mono, mono], axis=1).astype(np.float32)


def si_sdr(estimate: Samples, truth: Samples) -> float:
    """Scale-invariant signal-to-distortion ratio in dB (Le Roux et al. 2019)."""
    estimate, truth = estimate.ravel().astype(np.float64), truth.ravel().astype(np.float64)
    target = truth * (estimate @ truth) / (truth @ truth)
    return float(10 * np.log10((target @ target) / ((estimate - target) @ (estimate - target))))
