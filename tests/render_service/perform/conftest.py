"""A voice for tests: pulses through resonators, so that vowels, pitch and times are known."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import scipy.signal
import soxr
from numpy.typing import NDArray

from render_service.perform.model import SungMotionModel
from render_service.stages import MIX_RATE, VOICE_RATE, HeardSong, Performance

FORMANTS_HZ = {
    "a": (800, 1200, 2600, 3500),
    "i": (300, 2300, 3000, 3600),
    "u": (320, 800, 2300, 3300),
}
BANDWIDTHS_HZ = (80, 100, 150, 200)
VIBRATO_HZ, VIBRATO_SHARE = 5.5, 0.01


@dataclass(frozen=True)
class Sung:
    """A test song and where its vowels are: (vowel, start_s, end_s)."""

    song: HeardSong
    notes: tuple[tuple[str, float, float], ...]


def vowel(name: str, seconds: float, hertz: float = 150.0) -> NDArray[np.float32]:
    """[n] mono at VOICE_RATE, peak 0.5, faded in and out over 30 ms."""
    times = np.arange(round(seconds * VOICE_RATE)) / VOICE_RATE
    instant = hertz * (1 + VIBRATO_SHARE * np.sin(2 * np.pi * VIBRATO_HZ * times))
    cycles = np.cumsum(instant) / VOICE_RATE
    sound = np.diff(np.floor(cycles), prepend=0.0)
    sound = scipy.signal.lfilter([1.0], [1.0, -0.95], sound)
    for centre, width in zip(FORMANTS_HZ[name], BANDWIDTHS_HZ, strict=True):
        radius = np.exp(-np.pi * width / VOICE_RATE)
        turn = 2 * np.pi * centre / VOICE_RATE
        sound = scipy.signal.lfilter([1 - radius], [1.0, -2 * radius * np.cos(turn), radius**2], sound)
    fade = np.minimum(1, np.minimum(times, times[::-1]) / 0.03)
    return np.asarray(0.5 * sound * fade / np.abs(sound).max(), np.float32)


def song_of(*parts: tuple[str, float]) -> Sung:
    """parts: vowel names or "-" for silence, with their seconds. The mix adds a click on every beat."""
    pieces, notes, at = [], [], 0.0
    for name, seconds in parts:
        silent = name == "-"
        pieces.append(np.zeros(round(seconds * VOICE_RATE), np.float32) if silent else vowel(name, seconds))
        if not silent:
            notes.append((name, at, at + seconds))
        at += seconds
    vocals = np.concatenate(pieces)
    mix = soxr.resample(vocals, VOICE_RATE, MIX_RATE).astype(np.float32)
    return Sung(HeardSong(vocals, mix + clicks(len(mix) / MIX_RATE, 0.6)[: len(mix)]), tuple(notes))


def clicks(seconds: float, interval_s: float, level: float = 0.2) -> NDArray[np.float32]:
    """[m] mono at MIX_RATE: decaying noise every `interval_s`."""
    sound = np.zeros(round(seconds * MIX_RATE) + MIX_RATE, np.float32)
    burst = np.random.default_rng(0).standard_normal(MIX_RATE // 20) * np.exp(-np.arange(MIX_RATE // 20) / 200)
    for at in np.arange(0.0, seconds, interval_s):
        begin = round(at * MIX_RATE)
        sound[begin : begin + len(burst)] += level * burst
    return sound[: round(seconds * MIX_RATE)]


@pytest.fixture(scope="session")
def make_vowel() -> Callable[..., NDArray[np.float32]]:
    return vowel


@pytest.fixture(scope="session")
def make_song() -> Callable[..., Sung]:
    return song_of


@pytest.fixture(scope="session")
def make_clicks() -> Callable[..., NDArray[np.float32]]:
    return clicks


@pytest.fixture(scope="session")
def model() -> SungMotionModel:
    return SungMotionModel()


VERSE = (
    ("-", 1.0), ("a", 1.2), ("-", 0.8), ("i", 1.2), ("-", 0.8), ("u", 1.2), ("-", 1.0), ("a", 0.6), ("i", 0.6),
    ("-", 2.0),
)  # fmt: skip


@pytest.fixture(scope="session")
def verse() -> Sung:
    """Three vowels apart, two together, silence between."""
    return song_of(*VERSE)


@pytest.fixture(scope="session")
def sung_verse(verse: Sung, model: SungMotionModel) -> Performance:
    """The verse at 50 frames a second, seed 7."""
    return model.perform(verse.song, fps=50, frame_count=round(verse.song.duration_s * 50), seed=7)


@pytest.fixture(scope="session")
def media() -> Path:
    """Real recordings beside the checkout."""
    folder = Path(__file__).parents[4] / "shared" / "media"
    if not folder.exists():
        pytest.skip("no ../shared/media beside the checkout")
    return folder
