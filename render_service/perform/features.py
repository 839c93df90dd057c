"""What the mouth is told of the voice: loudness, eight bands, two formants and pitch, a hundred times a second."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import scipy.fft
import soxr
from numpy.typing import NDArray

from render_service.perform import formants, pitch
from render_service.perform.curves import RATE, Curve, grid, smooth
from render_service.stages import VOICE_RATE, Samples

BAND_EDGES_HZ = (60, 250, 500, 900, 1400, 2200, 3500, 5500, 8000)
"""Fundamental, first formant low and high, second formant in three steps, sibilants in two."""
LEVEL_RANGE_DB = 50.0
BAND_RANGE_DB = 60.0
VOICE_FLOOR = 0.45
"""Level (0..1) under which formants are not believed: 27 dB below the loud parts."""
WINDOW_S = 0.04
FORMANT_WINDOW_S = 0.032
FFT_SIZE = 1024
FRAMES_AT_ONCE = 1000
"""Ten seconds; keeps memory flat however long the song is."""
FORMANT_SCALES_HZ = (300.0, 700.0)
"""Spread of F1 and F2 between vowels (Peterson & Barney 1952), which makes both tracks about -1..1."""
SILENT_POWER = 1e-10


@dataclass(frozen=True)
class VoiceFeatures:
    """All [T] (bands [T, 8]) at `curves.RATE`.

    level_db: dBFS.  level: 0..1 over LEVEL_RANGE_DB, 1 = this song's loud parts.  bands: likewise, each band's own.
    f1, f2:   distance from the neutral vowel, about -1..1; 0 where not heard.
    effort_db: energy above 1 kHz over energy below: how strained the voice is (Sundberg & Nordenberg 2006).
    """

    level_db: Curve
    level: Curve
    bands: NDArray[np.float64]
    f1: Curve
    f2: Curve
    effort_db: Curve
    hertz: Curve
    periodic: Curve

    @property
    def sounding(self) -> NDArray[np.bool_]:
        return np.asarray(self.level > VOICE_FLOOR)


def listen(vocals: Samples) -> VoiceFeatures:
    """vocals: [n] float32 mono at VOICE_RATE."""
    times = grid(len(vocals) / VOICE_RATE)
    blocks = [_spectral(frames) for frames in _framed(vocals, VOICE_RATE, times, WINDOW_S)]
    power, bands, hertz, periodic = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    level_db = 10 * np.log10(power + SILENT_POWER)
    level = np.clip((level_db - np.percentile(level_db, 95)) / LEVEL_RANGE_DB + 1, 0, None)
    total_db = 10 * np.log10(bands.mean(axis=1) + 1e-9)
    band_db = 10 * np.log10(bands + 1e-9) - np.percentile(total_db, 95)
    low, high = bands[:, :3].sum(axis=1), bands[:, 4:].sum(axis=1)
    f1, f2 = _formant_tracks(vocals, times, level > VOICE_FLOOR)
    return VoiceFeatures(
        level_db=level_db,
        level=level,
        bands=np.clip(band_db / BAND_RANGE_DB + 1, 0, None),
        f1=f1,
        f2=f2,
        effort_db=10 * np.log10((high + 1e-9) / (low + 1e-9)),
        hertz=hertz,
        periodic=periodic,
    )


def _spectral(frames: NDArray[np.float64]) -> tuple[Curve, NDArray[np.float64], Curve, Curve]:
    """Power, mean power in each band, pitch and its strength of every frame."""
    spectrum = scipy.fft.rfft(frames * np.hanning(frames.shape[1]), FFT_SIZE, axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    edges = np.searchsorted(np.arange(power.shape[1]) * VOICE_RATE / FFT_SIZE, BAND_EDGES_HZ)
    bands = np.stack([power[:, a:b].mean(axis=1) for a, b in pairwise(edges)], axis=1)
    hertz, periodic = pitch.periodicity(frames, VOICE_RATE)
    return (frames**2).mean(axis=1), bands, hertz, periodic


def _formant_tracks(vocals: Samples, times: Curve, sounding: NDArray[np.bool_]) -> tuple[Curve, Curve]:
    slow = soxr.resample(vocals, VOICE_RATE, formants.RATE_HZ).astype(np.float32)
    blocks = _framed(formants.emphasised(slow), formants.RATE_HZ, times, FORMANT_WINDOW_S)
    hertz = np.concatenate([formants.formants(frames) for frames in blocks])
    tracks = []
    for column, neutral, scale in zip(hertz.T, formants.NEUTRAL_HZ, FORMANT_SCALES_HZ, strict=True):
        heard = np.isfinite(column) & sounding
        usual = np.median(column[heard]) if heard.any() else neutral
        offset = (np.where(heard, column, usual) - neutral) / scale
        tracks.append(smooth(offset, 0.08) * sounding)
    return tracks[0], tracks[1]


def _framed(sound: NDArray[np.floating], rate: int, times: Curve, window_s: float) -> Iterator[NDArray[np.float64]]:
    """Blocks of windows [n, size] centred on the times; beyond the sound there is silence."""
    size = round(window_s * rate)
    padded = np.pad(sound, (size // 2, size + rate // RATE))
    windows = np.lib.stride_tricks.sliding_window_view(padded, size)
    at = np.minimum((times * rate).round().astype(int), len(windows) - 1)
    for begin in range(0, len(at), FRAMES_AT_ONCE):
        yield windows[at[begin : begin + FRAMES_AT_ONCE]].astype(np.float64)
