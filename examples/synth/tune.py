"""Auld Lang Syne: the tune and words, both in the public domain, and songs of any length made of them.

Words: Robert Burns (1759-1796), printed in The Scots Musical Museum, volume 5, 1796. Tune: the Scots air set to them in
George Thomson's Select Collection, 1799. "We'll take" stands for the print's "We'll tak". The arrangement is ours.
"""

import math

from examples.synth.score import Note, Phrase, Song, Syllable

TITLE = "Auld Lang Syne"
TEMPO_BPM = 112.0
BAR = 4
LINE_BARS = 5
"""Four bars of tune and one in which the band plays alone: the mouth must rest there."""
TONIC, FOURTH, FIFTH, SIXTH = (53, 57, 60), (58, 62, 65), (48, 52, 55), (50, 53, 57)
"""F, B flat, C and D minor: the tenor sings from C3 to D4."""

_MIDI = {"C": 48, "D": 50, "E": 52, "F": 53, "G": 55, "A": 57, "c": 60, "d": 62}

_VERSE_OPENING = (
    "Should=SH-UH-D@C1 auld=AO-L-D@F1.5 ac-=AH@F.5 quain-=K-W-EY-N@F1 tance=T-AH-N-S@A1 "
    "be=B-IY@G1.5 for-=F-ER@F.5 got=G-AA-T@G.5"
)
_VERSE_CLOSING = "and=AE-N-D@A1 ne-=N-EH@F1.5 ver=V-ER@F.5 brought=B-R-AO-T@A1 to=T-UW@c1 mind=M-AY-N-D@d2"
_SECOND_OPENING = (
    "Should=SH-UH-D@d1 auld=AO-L-D@c1.5 ac-=AH@A.5 quain-=K-W-EY-N@A1 tance=T-AH-N-S@F1 "
    "be=B-IY@G1.5 for-=F-ER@F.5 got=G-AA-T@G.5"
)
_SECOND_CLOSING = "and=AE-N-D@A1 days=D-EY-Z@F1.5 of=AH-V@D.5 auld=AO-L-D@D1 lang=L-AE-NG@C1 syne=S-AY-N@F3"
_CHORUS_OPENING = "For=F-AO-R@d1 auld=AO-L-D@c1.5+A.5 lang=L-AE-NG@A1+F1 syne=S-AY-N@G1.5 my=M-AY@F.5 dear=D-IH-R@G.5"
_CHORUS_CLOSING = "for=F-AO-R@d1 auld=AO-L-D@c1.5+A.5 lang=L-AE-NG@A1+c1 syne=S-AY-N@d2"
_LAST_OPENING = (
    "We'll=W-IY-L@d1 take=T-EY-K@c1.5 a=AH@A.5 cup=K-AH-P@A1 of=AH-V@F1 "
    "kind-=K-AY-N-D@G1.5 ness=N-AH-S@F.5 yet=Y-EH-T@G.5"
)
_LAST_CLOSING = "for=F-AO-R@A1 auld=AO-L-D@F1.5+D.5 lang=L-AE-NG@D1+C1 syne=S-AY-N@F3"

LINES: tuple[tuple[str, str], ...] = (
    (_VERSE_OPENING, _VERSE_CLOSING),
    (_SECOND_OPENING, _SECOND_CLOSING),
    (_CHORUS_OPENING, _CHORUS_CLOSING),
    (_LAST_OPENING, _LAST_CLOSING),
)
OPEN_CHORDS = (TONIC, FIFTH, TONIC, FOURTH, FIFTH)
CLOSED_CHORDS = (TONIC, FIFTH, SIXTH, TONIC, FIFTH)


def syllables(text: str) -> tuple[Syllable, ...]:
    """Reads `word=PH-ON-ES@C1+d.5`: spelling, ARPAbet, notes with beats; a trailing hyphen joins words."""
    found = []
    for item in text.split():
        spelling, rest = item.split("=")
        phones, notes = rest.split("@")
        pitches = tuple(Note(_MIDI[n[0]], float(n[1:])) for n in notes.split("+"))
        found.append(Syllable(spelling, tuple(phones.split("-")), pitches))
    return tuple(found)


def line(index: int, beat: float) -> tuple[Phrase, Phrase]:
    """One line of the song as two phrases; the upbeat's vowel falls on `beat`."""
    opening, closing = (syllables(text) for text in LINES[index % len(LINES)])
    return Phrase(beat, opening), Phrase(beat + 8, closing)


def example_song() -> Song:
    """The song that is shipped: the first and the last line, about 21 s."""
    return _song((0, 3))


def long_song(duration_s: float) -> Song:
    """The same band and singer, all lines over and over: at least `duration_s` long; cut what is too much."""
    lines = math.ceil(duration_s / (60.0 / TEMPO_BPM) / (BAR * LINE_BARS))
    return _song(tuple(range(max(lines, 1))))


def short_song() -> Song:
    """Six seconds for tests: two short phrases, 1.5 s of band alone between them."""
    first = syllables("Should=SH-UH-D@C1 auld=AO-L-D@F1 ac-=AH@F.5 quain-=K-W-EY-N@F1 tance=T-AH-N-S@A.75")
    second = syllables("for=F-AO-R@A1 auld=AO-L-D@F1 lang=L-AE-NG@D1 syne=S-AY-N@F1.25")
    phrases = (Phrase(1.25, first), Phrase(9.5, second))
    return Song(TITLE, tempo_bpm=140.0, beats=14.0, phrases=phrases, chords=(TONIC, FIFTH, SIXTH, TONIC))


def _song(indices: tuple[int, ...]) -> Song:
    phrases: list[Phrase] = []
    chords: list[tuple[int, int, int]] = [TONIC]
    for k, index in enumerate(indices):
        phrases += line(index, BAR - 1 + k * BAR * LINE_BARS)
        chords += OPEN_CHORDS if index % 2 == 0 else CLOSED_CHORDS
    beats = len(indices) * BAR * LINE_BARS
    return Song(TITLE, TEMPO_BPM, beats, tuple(phrases), tuple(chords))
