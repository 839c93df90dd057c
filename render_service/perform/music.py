"""What the head and the mood are told of the whole song: onsets, beats, tempo, loudness, major or minor."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from render_service.perform.beats import track_beats
from render_service.perform.curves import RATE, Curve, smooth
from render_service.stages import MIX_RATE, Samples

FFT_SIZE = 2048
"""93 ms: tells semitones apart from 260 Hz up, and is short enough for onsets."""
FRAMES_AT_ONCE = 500
"""Five seconds; keeps memory flat however long the song is."""
BANDS = 40
LOWEST_HZ, HIGHEST_HZ = 30.0, 8000.0
FLUX_FLOOR_DB = -80.0
CHROMA_LOWEST_HZ, CHROMA_HIGHEST_HZ = 200.0, 2000.0
MAJOR = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
MINOR = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])
"""How well the twelve tones fit a key (Krumhansl & Kessler 1982)."""


@dataclass(frozen=True)
class Music:
    """beats_s: times. accents: [beats] 0..1. interval_s: of the beat. majorness: -1 minor .. 1 major. pulse: 0..1, how
    clearly the song has a beat."""

    beats_s: Curve
    accents: Curve
    interval_s: float
    majorness: float
    pulse: float


def hear_music(mix: Samples) -> Music:
    """mix: [m] float32 mono at MIX_RATE."""
    flux, chroma = _onsets_and_chroma(mix)
    beats, interval_s, pulse = track_beats(flux)
    return Music(
        beats_s=beats / RATE,
        accents=_accents(flux, beats),
        interval_s=interval_s,
        majorness=majorness(chroma),
        pulse=pulse,
    )


def majorness(chroma: Curve) -> float:
    """chroma: [12] energies from C. The best major key's correlation against the best minor key's, to -1..1."""
    best = [
        max(float(np.corrcoef(np.roll(profile, key), chroma)[0, 1]) for key in range(12)) for profile in (MAJOR, MINOR)
    ]
    return float(np.clip(5 * (best[0] - best[1]), -1, 1)) if np.isfinite(best).all() else 0.0


def _accents(flux: Curve, beats: NDArray[np.intp]) -> Curve:
    if not len(beats):
        return np.zeros(0)
    strength = smooth(flux, 0.1)[np.minimum(beats, len(flux) - 1)]
    return np.asarray(np.clip(strength / (np.percentile(strength, 90) + 1e-9), 0, 1))


def _onsets_and_chroma(mix: Samples) -> tuple[Curve, Curve]:
    """Onset strength [T] at `curves.RATE` (half-wave rectified log flux, Dixon 2006), and chroma [12]."""
    filters, tones = _filters(), _tones()
    before: NDArray[np.float64] | None = None
    flux, chroma = [], np.zeros(12)
    for power in _spectra(mix):
        level = 10 * np.log10(np.maximum(power @ filters, 10 ** (FLUX_FLOOR_DB / 10)))
        previous = level[:1] if before is None else before
        rise = np.diff(np.concatenate([previous, level]), axis=0)
        flux.append(np.maximum(rise, 0).mean(axis=1))
        chroma += np.log1p(power @ tones).sum(axis=0)
        before = level[-1:]
    return np.concatenate(flux), chroma


def _spectra(mix: Samples) -> Iterator[NDArray[np.float64]]:
    """Power spectra [n, bins], one every 1 / RATE seconds, centred on their time."""
    window = np.hanning(FFT_SIZE) / FFT_SIZE
    count = int(len(mix) / MIX_RATE * RATE) + 1
    padded = np.pad(mix, (FFT_SIZE // 2, FFT_SIZE))
    frames = np.lib.stride_tricks.sliding_window_view(padded, FFT_SIZE)
    at = (np.arange(count) * MIX_RATE / RATE).round().astype(int)
    for begin in range(0, count, FRAMES_AT_ONCE):
        spectrum = scipy.fft.rfft(frames[at[begin : begin + FRAMES_AT_ONCE]] * window, axis=1)
        yield spectrum.real**2 + spectrum.imag**2


def _hertz() -> Curve:
    return np.arange(FFT_SIZE // 2 + 1) * MIX_RATE / FFT_SIZE


def _filters() -> NDArray[np.float64]:
    """[bins, BANDS] triangles, even on the mel scale (Stevens 1937, O'Shaughnessy's formula)."""
    lowest, highest = 2595 * np.log10(1 + np.array([LOWEST_HZ, HIGHEST_HZ]) / 700)
    mel = np.linspace(float(lowest), float(highest), BANDS + 2)
    edges = 700 * (10 ** (mel / 2595) - 1)
    hertz = _hertz()[:, None]
    rising = (hertz - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - hertz) / (edges[2:] - edges[1:-1])
    return np.asarray(np.maximum(np.minimum(rising, falling), 0))


def _tones() -> NDArray[np.float64]:
    """[bins, 12]: which bins belong to which tone."""
    hertz = np.maximum(_hertz(), 1.0)
    tone = np.round(12 * np.log2(hertz / 261.6256)).astype(int) % 12
    inside = (hertz > CHROMA_LOWEST_HZ) & (hertz < CHROMA_HIGHEST_HZ)
    return np.asarray((tone[:, None] == np.arange(12)) & inside[:, None], np.float64)
