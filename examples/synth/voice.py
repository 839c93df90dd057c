"""A source-filter singer: glottal pulses through time-varying formants, with hiss, bursts and breaths.

The source is the pulse of Klatt and Klatt, JASA 87(2), 1990 (KLGLOTT88), read from band-limited tables so that it does
not alias; the tract is Klatt's cascade of resonators (JASA 67(3), 1980), its coefficients renewed every 2.5 ms.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import butter, lfilter, sosfilt

from examples.synth.phones import PHONES, Noise
from examples.synth.score import TimedPhone

Mono = NDArray[np.float64]

RATE = 44_100
HOP = 110
FRAME_RATE = RATE / HOP
TABLE = 2048
OPEN_QUOTIENT = 0.6
TILT_HZ = 2200.0
"""Corner of the one-pole tilt of the source: full voice, not pressed."""
ARTICULATION_S, LEVEL_S = 0.016, 0.007
"""Standard deviations of the smoothing of formants and of loudness between phones."""
DIPHTHONG_FROM = 0.55
"""Singers hold the first target of a diphthong for this share of it."""
SINGER_POLES = ((3150.0, 140.0), (3750.0, 200.0))
"""F4 and F5 drawn together: the singer's formant (Sundberg 1987)."""
HIGH_POLES = tuple((4900.0 + 1000.0 * k, 350.0 + 60.0 * k) for k in range(12))
NASAL_POLE_HZ, NASAL_ZERO_RISE_HZ = 270.0, 190.0
BURST_S = 0.014
SHIMMER = 0.02
OPEN_GLOTTIS_AIR = 0.35
"""Air through the open glottis, relative to the pulse: without it a phone recogniser takes held vowels for noise."""
ASPIRATION = 0.05
"""Level of breath in the tract for h and after p, t, k, relative to the pulse."""


@dataclass(frozen=True)
class Singer:
    """formant_scale: length of a man's tract over the singer's; semitones: where the tenor's score is sung."""

    formant_scale: float = 1.0
    semitones: int = 0


TENOR = Singer()
ALTO = Singer(formant_scale=1.15, semitones=5)


@dataclass(frozen=True)
class _Tracks:
    """Per frame: formants and bandwidths [frames, 3] Hz, voicing, aspiration and nasality [frames]."""

    formants: Mono
    widths: Mono
    voicing: Mono
    breath: Mono
    nasal: Mono


def sing_dry(
    phones: list[TimedPhone], breaths: list[tuple[float, float]], pitch: Mono, singer: Singer, rng: np.random.Generator
) -> Mono:
    """The voice alone, [len(pitch) * HOP] mono. `pitch` has FRAME_RATE values a second."""
    tracks = _tracks(phones, breaths, len(pitch))
    pulses, open_phase = _source(pitch, rng)
    samples = len(pulses)
    air = rng.standard_normal(samples)
    source = pulses * _to_samples(tracks.voicing, samples) * (1 + OPEN_GLOTTIS_AIR * air * open_phase)
    source += ASPIRATION * air * _to_samples(tracks.breath, samples)
    voice = _tract(source, tracks, singer)
    for phone in phones:
        _add_noise(voice, phone, rng)
    return voice


def _tracks(phones: list[TimedPhone], breaths: list[tuple[float, float]], frames: int) -> _Tracks:
    neutral = np.array([500.0, 1450.0, 2500.0])
    formants, widths = np.tile(neutral, (frames, 1)), np.tile([90.0, 110.0, 170.0], (frames, 1))
    voicing, breath, nasal = np.zeros(frames), np.zeros(frames), np.zeros(frames)
    for timed in phones:
        phone = PHONES[timed.phone]
        at = slice(round(timed.start_s * FRAME_RATE), round(timed.end_s * FRAME_RATE))
        count = at.stop - at.start
        shape = np.clip((np.linspace(0, 1, count) - DIPHTHONG_FROM) / (1 - DIPHTHONG_FROM), 0, 1)[:, None]
        formants[at] = np.array(phone.start) * (1 - shape) + np.array(phone.end) * shape
        widths[at] = phone.width
        voicing[at] = phone.voicing
        nasal[at] = phone.kind == "nasal"
        if phone.kind == "aspirate":
            breath[at] = 1.0
        if phone.breath_s:
            breath[at.stop - round(count * _release_share(timed)) : at.stop] = 0.9
    _carry_formants(phones, formants)
    for start_s, end_s in breaths:
        at = slice(round(start_s * FRAME_RATE), round(end_s * FRAME_RATE))
        breath[at] = 0.35 * np.sin(np.linspace(0, np.pi, at.stop - at.start)) ** 0.7
    sigma, quick = ARTICULATION_S * FRAME_RATE, LEVEL_S * FRAME_RATE
    return _Tracks(
        gaussian_filter1d(formants, sigma, axis=0),
        gaussian_filter1d(widths, sigma, axis=0),
        np.maximum(gaussian_filter1d(voicing, quick), 0),
        np.maximum(gaussian_filter1d(breath, quick), 0),
        gaussian_filter1d(nasal, quick),
    )


def _release_share(timed: TimedPhone) -> float:
    phone = PHONES[timed.phone]
    return phone.breath_s / (phone.breath_s + phone.seconds)


def _carry_formants(phones: list[TimedPhone], formants: Mono) -> None:
    """An h is a whispered form of the vowel that follows it."""
    for timed, following in pairwise(phones):
        if PHONES[timed.phone].kind == "aspirate":
            at = slice(round(timed.start_s * FRAME_RATE), round(timed.end_s * FRAME_RATE))
            formants[at] = PHONES[following.phone].start


def _source(pitch: Mono, rng: np.random.Generator) -> tuple[Mono, Mono]:
    """Glottal flow derivative and where in its cycle the glottis is open (1) or shut (0), both [n]."""
    samples = len(pitch) * HOP
    hertz = np.interp(np.arange(samples) / HOP, np.arange(len(pitch)), pitch)
    cycles = np.cumsum(hertz) / RATE
    shimmer = 1 + SHIMMER * rng.standard_normal(int(cycles[-1]) + 2)
    tables, harmonics = _tables()
    wanted = np.clip(np.searchsorted(harmonics, 0.45 * RATE / hertz, side="right") - 1, 0, len(harmonics) - 1)
    place = (cycles % 1.0) * TABLE
    left = place.astype(np.int64)
    share = place - left
    pulses = tables[wanted, left] * (1 - share) + tables[wanted, (left + 1) % TABLE] * share
    tilt = np.exp(-2 * np.pi * TILT_HZ / RATE)
    tilted = lfilter([1 - tilt], [1, -tilt], pulses * shimmer[cycles.astype(np.int64)])
    return np.asarray(tilted), (cycles % 1.0 < OPEN_QUOTIENT).astype(np.float64)


def _tables() -> tuple[Mono, Mono]:
    """One period [k, TABLE] of the pulse cut off above `harmonics[k]`, rms 1."""
    phase = np.arange(TABLE) / TABLE
    flow_slope = np.where(phase < OPEN_QUOTIENT, 2 * phase / OPEN_QUOTIENT - 3 * (phase / OPEN_QUOTIENT) ** 2, 0.0)
    spectrum = np.fft.rfft(flow_slope)
    spectrum[0] = 0
    harmonics = np.unique(np.geomspace(20, 400, 40).astype(np.int64))
    kept = np.arange(len(spectrum))[None] <= harmonics[:, None]
    tables = np.fft.irfft(spectrum[None] * kept, TABLE, axis=1)
    return np.asarray(tables / tables.std(axis=1, keepdims=True)), harmonics.astype(np.float64)


def _tract(source: Mono, tracks: _Tracks, singer: Singer) -> Mono:
    """Cascade of formants; nasals add a pole and a zero that cancel elsewhere."""
    scale = singer.formant_scale
    frames = len(tracks.voicing)
    sections = [_nasal_pair(tracks.nasal)]
    sections += [_resonator(tracks.formants[:, k] * scale, tracks.widths[:, k]) for k in range(3)]
    sections += [_resonator(np.full(frames, f * scale), np.full(frames, w)) for f, w in SINGER_POLES]
    sos = np.stack(sections, axis=1)
    state = np.zeros((sos.shape[1], 2))
    voice = np.empty_like(source)
    for frame in range(frames):
        at = slice(frame * HOP, (frame + 1) * HOP)
        voice[at], state = sosfilt(sos[frame], source[at], zi=state)
    for frequency, width in HIGH_POLES:
        section = _resonator(np.array([min(frequency * scale, 0.47 * RATE)]), np.array([width]))
        voice = np.asarray(sosfilt(section, voice))
    return voice


def _resonator(frequency: Mono, width: Mono) -> Mono:
    """[frames, 6] second-order sections with gain 1 at 0 Hz (Klatt 1980, equation 2)."""
    radius = np.exp(-np.pi * width / RATE)
    b = 2 * radius * np.cos(2 * np.pi * frequency / RATE)
    c = -(radius**2)
    zero = np.zeros_like(b)
    return np.stack([1 - b - c, zero, zero, zero + 1, -b, -c], axis=1)


def _nasal_pair(nasal: Mono) -> Mono:
    """[frames, 6] the nose: a pole at 270 Hz and a zero that cancels it, or parts from it as the velum falls.

    Both sit in one section, and first: a zero that moves clicks a little, and the formants then soften the clicks.
    """
    pole = _resonator(np.full(len(nasal), NASAL_POLE_HZ), np.full(len(nasal), 100.0))
    zero = _resonator(NASAL_POLE_HZ + NASAL_ZERO_RISE_HZ * nasal, 100.0 + 40.0 * nasal)
    return np.concatenate([zero[:, 3:] * pole[:, :1] / zero[:, :1], pole[:, 3:]], axis=1)


def _add_noise(voice: Mono, timed: TimedPhone, rng: np.random.Generator) -> None:
    """Adds a fricative's hiss, or a stop's burst at the end of its closure."""
    phone = PHONES[timed.phone]
    if phone.noise is None:
        return
    start_s, end_s = timed.start_s, timed.end_s
    if phone.kind == "stop":
        start_s = end_s - _release_share(timed) * (end_s - start_s) - BURST_S * (not phone.breath_s)
        end_s = start_s + 3 * BURST_S
    at = slice(round(start_s * RATE), min(round(end_s * RATE), len(voice)))
    count = at.stop - at.start
    if count < 2:
        return
    time_s = np.arange(count) / RATE
    swell = np.exp(-time_s / BURST_S) if phone.kind == "stop" else np.sin(np.linspace(0, np.pi, count)) ** 0.6
    voice[at] += _hiss(count, phone.noise, rng) * swell


def _hiss(count: int, noise: Noise, rng: np.random.Generator) -> Mono:
    sos = butter(2, [noise.low_hz, noise.high_hz], btype="bandpass", fs=RATE, output="sos")
    raw = sosfilt(sos, rng.standard_normal(count + 200))[200:]
    return np.asarray(raw * (noise.level * HISS_GAIN / (raw.std() + 1e-12)))


HISS_GAIN = 6.0
"""Rms of an open vowel after the tract, so that `Noise.level` is relative to it."""


def _to_samples(track: Mono, samples: int) -> Mono:
    return np.interp(np.arange(samples) / HOP, np.arange(len(track)), track)
