"""What is sung and when: syllables on notes, laid out in phones whose vowels start on the beat."""

from dataclasses import dataclass, field, replace

from examples.synth.phones import PHONES, is_vowel

PITCH_CLASSES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
MAX_CONSONANT_SHARE = 0.6
"""Share of the time between two vowels that consonants may take before they are shortened."""


@dataclass(frozen=True)
class Note:
    """midi: 69 is A4 = 440 Hz."""

    midi: int
    beats: float

    @property
    def name(self) -> str:
        return f"{PITCH_CLASSES[self.midi % 12]}{self.midi // 12 - 1}"


@dataclass(frozen=True)
class Syllable:
    """text as spelt, phones in ARPAbet with one vowel among them, and the notes it is sung on."""

    text: str
    phones: tuple[str, ...]
    notes: tuple[Note, ...]

    @property
    def beats(self) -> float:
        return sum(note.beats for note in self.notes)


@dataclass(frozen=True)
class Phrase:
    """What is sung on one breath. The first vowel starts at `beat`, counted from the start of the song."""

    beat: float
    syllables: tuple[Syllable, ...]

    @property
    def beats(self) -> float:
        return sum(syllable.beats for syllable in self.syllables)

    @property
    def text(self) -> str:
        words = "".join(s.text if s.text.endswith("-") else s.text + " " for s in self.syllables)
        return words.replace("-", "").strip()


@dataclass(frozen=True)
class Song:
    """A score: phrases and one chord a bar of `beats_per_bar` beats.

    chords: MIDI numbers of a triad in root position, root first.
    """

    title: str
    tempo_bpm: float
    beats: float
    phrases: tuple[Phrase, ...]
    chords: tuple[tuple[int, int, int], ...]
    beats_per_bar: int = 4

    @property
    def beat_s(self) -> float:
        return 60.0 / self.tempo_bpm

    @property
    def duration_s(self) -> float:
        return self.beats * self.beat_s

    def chord_at(self, beat: float) -> tuple[int, int, int]:
        return self.chords[int(beat // self.beats_per_bar) % len(self.chords)]

    def transposed(self, semitones: int) -> "Song":
        def move(note: Note) -> Note:
            return replace(note, midi=note.midi + semitones)

        phrases = tuple(
            replace(p, syllables=tuple(replace(s, notes=tuple(map(move, s.notes))) for s in p.syllables))
            for p in self.phrases
        )
        chords = tuple((a + semitones, b + semitones, c + semitones) for a, b, c in self.chords)
        return replace(self, phrases=phrases, chords=chords)


@dataclass(frozen=True)
class TimedNote:
    note: Note
    start_s: float
    end_s: float


@dataclass(frozen=True)
class TimedPhone:
    phone: str
    start_s: float
    end_s: float
    syllable: str
    vowel_note: Note


@dataclass
class _Line:
    """Phones of one phrase while they are being laid out."""

    phones: list[TimedPhone] = field(default_factory=list)
    notes: list[TimedNote] = field(default_factory=list)


def lay_out(phrase: Phrase, beat_s: float) -> tuple[list[TimedPhone], list[TimedNote]]:
    """Times of one phrase: vowels on the beat, consonants before them, the last consonants inside the last note."""
    line = _Line()
    parts = [_split(syllable.phones) for syllable in phrase.syllables]
    vowel_s = phrase.beat * beat_s
    _consonants(line, parts[0][0], vowel_s, phrase.syllables[0], before=True)
    for i, syllable in enumerate(phrase.syllables):
        end_s = vowel_s + syllable.beats * beat_s
        after = list(parts[i][2])
        following = list(parts[i + 1][0]) if i + 1 < len(parts) else []
        wanted = sum(PHONES[p].seconds + PHONES[p].breath_s for p in after + following)
        scale = min(1.0, MAX_CONSONANT_SHARE * (end_s - vowel_s) / wanted) if wanted else 1.0
        vowel_end_s = end_s - wanted * scale
        line.phones.append(TimedPhone(parts[i][1], vowel_s, vowel_end_s, syllable.text, syllable.notes[0]))
        at_s = _run(line, after, vowel_end_s, scale, syllable)
        if following:
            _run(line, following, at_s, scale, phrase.syllables[i + 1])
        _notes(line, syllable, vowel_s, beat_s)
        vowel_s = end_s
    return line.phones, line.notes


def _split(phones: tuple[str, ...]) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
    at = next(i for i, phone in enumerate(phones) if is_vowel(phone))
    return phones[:at], phones[at], phones[at + 1 :]


def _run(line: _Line, phones: list[str], start_s: float, scale: float, syllable: Syllable) -> float:
    for phone in phones:
        end_s = start_s + (PHONES[phone].seconds + PHONES[phone].breath_s) * scale
        line.phones.append(TimedPhone(phone, start_s, end_s, syllable.text, syllable.notes[0]))
        start_s = end_s
    return start_s


def _consonants(line: _Line, phones: tuple[str, ...], vowel_s: float, syllable: Syllable, *, before: bool) -> None:
    total = sum(PHONES[p].seconds + PHONES[p].breath_s for p in phones)
    _run(line, list(phones), vowel_s - total if before else vowel_s, 1.0, syllable)


def _notes(line: _Line, syllable: Syllable, start_s: float, beat_s: float) -> None:
    for note in syllable.notes:
        line.notes.append(TimedNote(note, start_s, start_s + note.beats * beat_s))
        start_s += note.beats * beat_s
