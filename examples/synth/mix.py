"""Mixing: room, loudness by ITU-R BS.1770-4, and one gain curve for both stems so that they still add up to the mix."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, uniform_filter1d
from scipy.signal import fftconvolve, lfilter

from examples.synth.voice import RATE

Stereo = NDArray[np.float64]

TARGET_LUFS = -14.0
PEAK = 10 ** (-1.5 / 20)
"""-1.5 dBFS: what a lossy encoder adds still stays under -1 dBFS."""
VOICE_OVER_BAND_DB = 3.0
"""Loudness of the singing over the band's: a pop mix with the singer in front."""
ROOM_S, ROOM_LEVEL = 1.1, 0.16
PRE_DELAY_S = 0.018
LOOKAHEAD_S = 0.005


def add_room(dry: Stereo, rng: np.random.Generator, *, level: float = ROOM_LEVEL) -> Stereo:
    """A small hall: decaying noise, different in both ears (Moorer 1979), highs dying first."""
    count = int(ROOM_S * RATE)
    time_s = np.arange(count) / RATE
    tail = rng.standard_normal((count, 2)) * np.exp(-6.9 * time_s / ROOM_S)[:, None]
    tail = lfilter([0.35], [1, -0.65], tail, axis=0)
    tail /= np.sqrt((tail**2).sum(axis=0))
    wet = fftconvolve(dry, np.concatenate([np.zeros((int(PRE_DELAY_S * RATE), 2)), tail]), axes=0)
    return np.asarray(dry + level * wet[: len(dry)])


def loudness_lufs(sound: Stereo) -> float:
    """Integrated loudness of [n, 2] at 44.1 kHz, gated at -70 LUFS and 10 LU below the mean."""
    block, step = int(0.4 * RATE), int(0.1 * RATE)
    power = np.cumsum(np.concatenate([[0.0], (_k_weighted(sound) ** 2).sum(axis=1)]))
    starts = np.arange(0, max(len(sound) - block, 0) + 1, step)
    mean = (power[np.minimum(starts + block, len(sound))] - power[starts]) / block
    mean = mean[mean > 10 ** ((-70 + 0.691) / 10)]
    if not len(mean):
        return -np.inf
    gated = mean[mean > mean.mean() / 10]
    return float(-0.691 + 10 * np.log10(gated.mean()))


def _k_weighted(sound: Stereo) -> Stereo:
    """The two filters of BS.1770-4, annex 1, with their analogue prototypes warped to 44.1 kHz."""
    shelf = _shelf(1681.974, 3.99984, 0.7071752)
    high_pass = _high_pass(38.13547, 0.5003270)
    for b, a in (shelf, high_pass):
        sound = np.asarray(lfilter(b, a, sound, axis=0))
    return sound


def _shelf(hertz: float, gain_db: float, q: float) -> tuple[list[float], list[float]]:
    k = np.tan(np.pi * hertz / RATE)
    high = 10 ** (gain_db / 20)
    band = high**0.4996667741545416
    norm = 1 + k / q + k * k
    b = [(high + band * k / q + k * k) / norm, 2 * (k * k - high) / norm, (high - band * k / q + k * k) / norm]
    return b, [1.0, 2 * (k * k - 1) / norm, (1 - k / q + k * k) / norm]


def _high_pass(hertz: float, q: float) -> tuple[list[float], list[float]]:
    k = np.tan(np.pi * hertz / RATE)
    norm = 1 + k / q + k * k
    return [1.0, -2.0, 1.0], [1.0, 2 * (k * k - 1) / norm, (1 - k / q + k * k) / norm]


def balance(vocals: Stereo, band: Stereo) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Both stems at their place in a mix of TARGET_LUFS whose peaks stay under PEAK; float32."""
    vocals = vocals * 10 ** ((loudness_lufs(band) + VOICE_OVER_BAND_DB - loudness_lufs(vocals)) / 20)
    for _ in range(2):
        gain = 10 ** ((TARGET_LUFS - loudness_lufs(vocals + band)) / 20)
        limiter = _limiter((vocals + band) * gain)
        vocals, band = vocals * gain * limiter, band * gain * limiter
    return vocals.astype(np.float32), band.astype(np.float32)


def _limiter(mix: Stereo) -> Stereo:
    """[n, 1] gain in 0..1: ducks under peaks, smoothed over the look-ahead."""
    size = int(LOOKAHEAD_S * RATE)
    needed = np.minimum(1.0, PEAK / np.maximum(np.abs(mix).max(axis=1), 1e-9))
    held = -maximum_filter1d(-needed, 2 * size + 1)
    return np.asarray(uniform_filter1d(held, 2 * size - 1)[:, None])
