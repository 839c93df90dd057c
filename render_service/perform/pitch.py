"""Pitch of the voice by normalised autocorrelation (after Boersma 1993), and where a note is held."""

from dataclasses import dataclass

import numpy as np
import scipy.fft
import scipy.ndimage
from numpy.typing import NDArray

from render_service.perform.curves import RATE, Curve, smooth, spans

WINDOW_S = 0.04
"""Three periods of the lowest voice."""
LEAST_HZ, MOST_HZ = 75.0, 1000.0
VOICED = 0.5
"""Least normalised autocorrelation of a voiced frame; noise stays under .35 with this window."""
OCTAVE_COST = 0.02
"""Taken off the correlation for every octave down, so that a multiple of the period does not win."""
VIBRATO_S = 0.25
"""Smoothing that leaves no vibrato (4-7 Hz) but keeps steps of a melody."""
HELD_SEMITONES = 0.8
"""A held note, its vibrato smoothed, moves less than this in VIBRATO_S."""
HELD_LEAST_S = 0.25

FFT_SIZE = 2048


@dataclass(frozen=True)
class Pitch:
    """semitones: [T] above 55 Hz, bridged where unvoiced. voiced, held: [T] bool."""

    semitones: Curve
    voiced: NDArray[np.bool_]
    held: NDArray[np.bool_]


def periodicity(frames: Curve, rate: int) -> tuple[Curve, Curve]:
    """frames: [n, size]. Returns Hz and strength (0..1) of the best period of each frame."""
    window: Curve = np.hanning(frames.shape[1]).astype(np.float64)
    least, most = int(rate / MOST_HZ), int(rate / LEAST_HZ) + 1
    correlation = _autocorrelation((frames - frames.mean(axis=1, keepdims=True)) * window)[:, : most + 2]
    own = _autocorrelation(window[None])[0, : most + 2]
    correlation = correlation / np.maximum(correlation[:, :1], 1e-9) / (own / own[0])
    judged = correlation[:, least : most + 1] - OCTAVE_COST * np.log2(np.arange(least, most + 1) / least)
    best = least + judged.argmax(axis=1)
    rows = np.arange(len(frames))
    left, here, right = (correlation[rows, best + step] for step in (-1, 0, 1))
    bend = left - 2 * here + right
    shift = np.where(bend < -1e-9, 0.5 * (left - right) / np.where(bend < -1e-9, bend, -1.0), 0.0)
    return rate / (best + np.clip(shift, -0.5, 0.5)), np.clip(here, 0.0, 1.0)


def follow(hertz: Curve, strength: Curve, sounding: NDArray[np.bool_]) -> Pitch:
    """Cleans the raw track: a median against octave jumps, a straight bridge over what is unvoiced."""
    voiced = (strength > VOICED) & sounding
    if not voiced.any():
        return Pitch(np.zeros_like(hertz), voiced, voiced)
    raw = 12 * np.log2(hertz / 55.0)
    at = np.flatnonzero(voiced)
    clean = scipy.ndimage.median_filter(raw[at], size=9, mode="nearest")
    semitones = np.interp(np.arange(len(raw)), at, clean)
    return Pitch(semitones, voiced, _held(semitones, voiced))


def _held(semitones: Curve, voiced: NDArray[np.bool_]) -> NDArray[np.bool_]:
    level, half = smooth(semitones, VIBRATO_S), round(VIBRATO_S / 2 * RATE)
    padded = np.pad(level, half, mode="edge")
    steady = np.abs(padded[2 * half :] - padded[: len(level)]) < HELD_SEMITONES
    held = np.zeros_like(voiced)
    for begin, end in spans(voiced & steady):
        if end - begin >= HELD_LEAST_S * RATE:
            held[begin:end] = True
    return held


def _autocorrelation(frames: NDArray[np.float64]) -> NDArray[np.float64]:
    spectrum = scipy.fft.rfft(frames, FFT_SIZE, axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    return np.asarray(scipy.fft.irfft(power, FFT_SIZE, axis=1))
