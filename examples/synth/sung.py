"""A song sung: score in, true stems and true times out."""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from examples.synth.band import play
from examples.synth.mix import add_room, balance
from examples.synth.pitch import pitch_curve
from examples.synth.score import Song, TimedNote, TimedPhone, lay_out
from examples.synth.voice import FRAME_RATE, HOP, RATE, TENOR, Mono, Singer, sing_dry

Samples = NDArray[np.float32]

BREATH_S, BREATH_BEFORE_S = 0.3, 0.02
"""A breath's length, and the pause between it and the first phone."""
MIN_BREATH_S = 0.06


@dataclass(frozen=True)
class Event:
    """One phone. pitch_hz: median of the true pitch while it sounds; note: the written note it is sung on."""

    phone: str
    start_s: float
    end_s: float
    pitch_hz: float
    note: str
    syllable: str


@dataclass(frozen=True)
class Span:
    """A stretch of time; text is what is sung in it, empty for a breath."""

    start_s: float
    end_s: float
    text: str = ""


@dataclass(frozen=True)
class Sung:
    """A song and all that is true of it.

    mix, vocals, accompaniment: [n, 2] float32 at `sample_rate`; vocals + accompaniment = mix, exactly.
    dry:      [n] float32, the voice without the room: what a recogniser should hear.
    pitch_hz: [n // 110] the singer's pitch, one value every 110 samples, also where nothing is sung.
    """

    title: str
    sample_rate: int
    tempo_bpm: float
    mix: Samples
    vocals: Samples
    accompaniment: Samples
    dry: Samples
    pitch_hz: NDArray[np.float64]
    events: tuple[Event, ...]
    phrases: tuple[Span, ...]
    breaths: tuple[Span, ...]
    beats: tuple[float, ...]
    downbeats: tuple[float, ...]

    @property
    def duration_s(self) -> float:
        return len(self.mix) / self.sample_rate

    def truth(self) -> dict[str, object]:
        """All but the samples, as JSON takes it; times rounded to 0.1 ms."""
        return {
            "title": self.title,
            "sample_rate": self.sample_rate,
            "duration_s": round(self.duration_s, 4),
            "tempo_bpm": self.tempo_bpm,
            "beats": [round(t, 4) for t in self.beats],
            "downbeats": [round(t, 4) for t in self.downbeats],
            "phrases": [_rounded(asdict(span)) for span in self.phrases],
            "breaths": [_rounded(asdict(span)) for span in self.breaths],
            "events": [_rounded(asdict(event)) for event in self.events],
        }


def _rounded(row: dict[str, object]) -> dict[str, object]:
    return {key: round(value, 4) if isinstance(value, float) else value for key, value in row.items()}


def sing(song: Song, *, singer: Singer = TENOR, seed: int = 0, duration_s: float | None = None) -> Sung:
    """Sings and plays `song`; `duration_s` cuts or lengthens the file, else it is as long as the score.

    The same song, singer and seed give the same samples on one machine, and nearly the same on another.
    """
    song = song.transposed(singer.semitones)
    length_s = song.duration_s if duration_s is None else duration_s
    samples = round(length_s * RATE)
    rng = np.random.default_rng(seed)
    laid = [lay_out(phrase, song.beat_s) for phrase in song.phrases]
    phones = [phone for line, _ in laid for phone in line]
    breaths = _breaths([line for line, _ in laid])
    frames = int(np.ceil(max(samples, round(song.duration_s * RATE)) / HOP)) + 1
    pitch = pitch_curve([notes for _, notes in laid], frames, FRAME_RATE, rng)
    dry = sing_dry(phones, [(b.start_s, b.end_s) for b in breaths], pitch, singer, rng)[:samples]
    vocals, band = _mixed(song, dry, samples, rng)
    beats = np.arange(int(song.beats)) * song.beat_s
    phrases = [Span(line[0].start_s, line[-1].end_s, p.text) for p, (line, _) in zip(song.phrases, laid, strict=True)]
    return Sung(
        title=song.title,
        sample_rate=RATE,
        tempo_bpm=song.tempo_bpm,
        mix=vocals + band,
        vocals=vocals,
        accompaniment=band,
        dry=(dry / np.abs(dry).max() * 0.8).astype(np.float32),
        pitch_hz=pitch[: samples // HOP],
        events=tuple(e for e in _events(laid, pitch) if e.end_s <= length_s),
        phrases=tuple(p for p in phrases if p.end_s <= length_s),
        breaths=tuple(b for b in breaths if b.end_s <= length_s),
        beats=tuple(float(t) for t in beats if t < length_s),
        downbeats=tuple(float(t) for t in beats[:: song.beats_per_bar] if t < length_s),
    )


def _breaths(lines: list[list[TimedPhone]]) -> list[Span]:
    """One breath before each phrase, as long as the pause allows."""
    found, free_s = [], 0.0
    for line in lines:
        end_s = line[0].start_s - BREATH_BEFORE_S
        start_s = max(end_s - BREATH_S, free_s + BREATH_BEFORE_S)
        if end_s - start_s >= MIN_BREATH_S:
            found.append(Span(start_s, end_s))
        free_s = line[-1].end_s
    return found


def _mixed(song: Song, dry: Mono, samples: int, rng: np.random.Generator) -> tuple[Samples, Samples]:
    voice = np.zeros((samples, 2))
    voice[: len(dry)] = dry[:, None]
    fade = np.minimum(1.0, np.arange(samples)[::-1] / (0.4 * RATE))[:, None]
    vocals = add_room(voice, rng) * fade
    band = add_room(play(song, samples, rng), rng) * fade
    return balance(vocals, band)


def _events(laid: list[tuple[list[TimedPhone], list[TimedNote]]], pitch: Mono) -> list[Event]:
    events = []
    for line, notes in laid:
        for timed in line:
            middle_s = (timed.start_s + timed.end_s) / 2
            note = next((n.note for n in notes if n.start_s <= middle_s < n.end_s), timed.vowel_note)
            at = slice(round(timed.start_s * FRAME_RATE), max(round(timed.end_s * FRAME_RATE), 1))
            hertz = float(np.median(pitch[at]))
            events.append(Event(timed.phone, timed.start_s, timed.end_s, hertz, note.name, timed.syllable))
    return events
