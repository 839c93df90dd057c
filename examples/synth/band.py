"""The band: plucked guitar, bass, soft strings, brushes; every note computed, none recorded.

Strings are Karplus and Strong, "Digital synthesis of plucked-string and drum timbres",
Computer Music Journal 7(2), 1983.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, lfilter, sosfilt

from examples.synth.score import Song
from examples.synth.voice import RATE

Mono = NDArray[np.float64]
Stereo = NDArray[np.float64]

PLUCK_S, BASS_S = 2.2, 1.2
ARPEGGIO = (0, 1, 2, 3, 2, 1, 2, 3)
"""Chord tones of the eighth notes of a bar; 3 is the root an octave up."""
GUITAR_PAN, BASS_PAN, SHAKER_PAN = -0.25, 0.0, 0.35
GUITAR_LEVEL, BASS_LEVEL, PAD_LEVEL = 0.34, 0.5, 0.11
KICK_LEVEL, BRUSH_LEVEL, SHAKER_LEVEL = 0.85, 0.3, 0.05


def play(song: Song, samples: int, rng: np.random.Generator) -> Stereo:
    """[samples, 2]: the accompaniment, dry."""
    out = np.zeros((samples, 2))
    eighths = int(song.beats * 2)
    for k in range(eighths):
        beat = k / 2
        start = round(beat * song.beat_s * RATE)
        chord = (*song.chord_at(beat), song.chord_at(beat)[0] + 12)
        accent = 1.0 if k % 2 == 0 else 0.7
        _add(out, _pluck(chord[ARPEGGIO[k % 8]]), start, GUITAR_LEVEL * accent, GUITAR_PAN)
        _add(out, _shaker(rng), start, SHAKER_LEVEL * accent, SHAKER_PAN)
        if k % 2 == 0:
            _beat(out, int(beat) % song.beats_per_bar, chord[0], start, rng)
    _pad(out, song)
    return out


def _beat(out: Stereo, beat_in_bar: int, root: int, start: int, rng: np.random.Generator) -> None:
    if beat_in_bar % 2 == 0:
        _add(out, _kick(), start, KICK_LEVEL, 0.0)
        _add(out, _bass(root - 12 if root >= 53 else root, fifth=beat_in_bar == 2), start, BASS_LEVEL, BASS_PAN)
    else:
        _add(out, _brush(rng), start, BRUSH_LEVEL, 0.1)


def _add(out: Stereo, sound: Mono, start: int, level: float, pan: float) -> None:
    """Equal-power panning, -1 left to 1 right."""
    count = min(len(sound), len(out) - start)
    if count <= 0:
        return
    angle = (pan + 1) * np.pi / 4
    out[start : start + count] += level * sound[:count, None] * np.sqrt(2) * np.array([np.cos(angle), np.sin(angle)])


def _hertz(midi: float) -> float:
    return float(440.0 * 2.0 ** ((midi - 69.0) / 12.0))


@lru_cache(maxsize=64)
def _pluck(midi: int) -> Mono:
    """A nylon string: noise in a damped loop whose fractional delay tunes it."""
    period = RATE / _hertz(midi) - 0.5
    whole = int(period)
    share = period - whole
    rng = np.random.default_rng(midi)
    excitation = np.zeros(int(PLUCK_S * RATE))
    excitation[: whole + 1] = rng.uniform(-1, 1, whole + 1)
    excitation = np.asarray(lfilter([0.35], [1, -0.65], excitation))
    damping = 0.994 ** (220.0 / _hertz(midi))
    loop = np.zeros(whole + 3)
    loop[0] = 1.0
    loop[whole] -= damping * 0.5 * (1 - share)
    loop[whole + 1] -= damping * 0.5
    loop[whole + 2] -= damping * 0.5 * share
    string = np.asarray(lfilter([1.0], loop, excitation))
    string *= np.minimum(1.0, np.arange(len(string))[::-1] / (0.2 * RATE))
    return np.asarray(string / np.abs(string).max())


@lru_cache(maxsize=64)
def _bass(midi: int, *, fifth: bool) -> Mono:
    time_s = np.arange(int(BASS_S * RATE)) / RATE
    phase = 2 * np.pi * _hertz(midi + (7 if fifth else 0) - 12) * time_s
    tone = sum(np.sin((k + 1) * phase) * np.exp(-time_s * (2.0 + 2.5 * k)) / (k + 1) ** 1.3 for k in range(5))
    return np.asarray(tone * np.minimum(1, time_s / 0.006) * np.minimum(1, (BASS_S - time_s) / 0.1))


@lru_cache(maxsize=1)
def _kick() -> Mono:
    time_s = np.arange(int(0.3 * RATE)) / RATE
    sweep = 2 * np.pi * (52 * time_s + 3.2 * (1 - np.exp(-time_s / 0.025)) / np.pi)
    return np.asarray(np.sin(sweep) * np.exp(-time_s / 0.07) * np.minimum(1, time_s / 0.001))


def _brush(rng: np.random.Generator) -> Mono:
    time_s = np.arange(int(0.22 * RATE)) / RATE
    sos = butter(2, [1200, 7500], btype="bandpass", fs=RATE, output="sos")
    return np.asarray(sosfilt(sos, rng.standard_normal(len(time_s))) * np.exp(-time_s / 0.045))


def _shaker(rng: np.random.Generator) -> Mono:
    time_s = np.arange(int(0.09 * RATE)) / RATE
    sos = butter(2, [6500, 14000], btype="bandpass", fs=RATE, output="sos")
    return np.asarray(
        sosfilt(sos, rng.standard_normal(len(time_s))) * np.minimum(1, time_s / 0.015) * np.exp(-time_s / 0.02)
    )


def _pad(out: Stereo, song: Song) -> None:
    """Strings that swell through each bar: soft detuned saws, a little wider than the rest."""
    bar_s = song.beats_per_bar * song.beat_s
    count = round((bar_s + 0.25) * RATE)
    swell = np.minimum(1, np.arange(count) / (0.3 * RATE)) * np.minimum(1, np.arange(count)[::-1] / (0.3 * RATE))
    for bar in range(int(np.ceil(song.beats / song.beats_per_bar))):
        start = round(bar * bar_s * RATE)
        for k, midi in enumerate(song.chord_at(bar * song.beats_per_bar)):
            for detune, pan in ((-0.06, -0.6), (0.06, 0.6)):
                _add(out, _strings(midi + detune, count) * swell, start, PAD_LEVEL, pan * (1 - 0.2 * k))


@lru_cache(maxsize=64)
def _strings(midi: float, count: int) -> Mono:
    time_s = np.arange(count) / RATE
    hertz = _hertz(midi)
    harmonics = range(1, int(min(12, 2500 / hertz)) + 1)
    return np.asarray(sum(np.sin(2 * np.pi * k * hertz * time_s + k * k) / k**1.7 for k in harmonics))
