"""The sounds the singer can make: formant targets, loudness and noise of each ARPAbet phone.

Formants and bandwidths are the values of Klatt, "Software for a cascade/parallel formant synthesizer", JASA 67(3),
1980, tables II and III (an adult male). Noise bands follow the spectra of English stops and fricatives in Stevens,
"Acoustic Phonetics", 1998, chapters 7 and 8 (lips have no cavity before them: their bursts are weak and flat);
durations follow Klatt, JASA 59(5), 1976, shortened as singers do to keep the vowel on the beat.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["vowel", "glide", "nasal", "stop", "fricative", "aspirate"]
Formants = tuple[float, float, float]


@dataclass(frozen=True)
class Noise:
    """Noise made in the mouth, beside the voice.

    low_hz, high_hz: its band.
    level:           rms relative to a full vowel.
    """

    low_hz: float
    high_hz: float
    level: float


@dataclass(frozen=True)
class Phone:
    """One ARPAbet phone.

    start, end:  F1..F3 in Hz at its beginning and end; they differ in diphthongs.
    width:       bandwidths of F1..F3 in Hz.
    voicing:     amplitude of the voice, 1 is an open vowel.
    seconds:     how long it takes before or after the vowel; vowels fill what is left of their note.
    noise:       hiss of a fricative, burst of a stop.
    breath_s:    aspiration between a voiceless stop's burst and the vowel.
    """

    kind: Kind
    start: Formants
    end: Formants
    width: Formants
    voicing: float
    seconds: float = 0.0
    noise: Noise | None = None
    breath_s: float = 0.0


def _vowel(start: Formants, end: Formants, width: Formants) -> Phone:
    return Phone("vowel", start, end, width, 1.0)


def _glide(at: Formants, width: Formants, seconds: float = 0.085) -> Phone:
    return Phone("glide", at, at, width, 0.62, seconds)


def _nasal(at: Formants, width: Formants) -> Phone:
    return Phone("nasal", at, at, width, 0.5, 0.095)


def _stop(at: Formants, width: Formants, burst: Noise, *, voiced: bool) -> Phone:
    if voiced:
        return Phone("stop", at, at, width, 0.1, 0.075, burst)
    return Phone("stop", at, at, width, 0.0, 0.085, burst, breath_s=0.04)


def _fricative(at: Formants, width: Formants, hiss: Noise, *, voiced: bool) -> Phone:
    return Phone("fricative", at, at, width, 0.35 if voiced else 0.0, 0.085 if voiced else 0.13, hiss)


PHONES: dict[str, Phone] = {
    "IY": _vowel((310, 2020, 2960), (290, 2070, 2960), (45, 200, 300)),
    "IH": _vowel((400, 1800, 2570), (440, 1700, 2600), (50, 100, 140)),
    "EY": _vowel((480, 1720, 2520), (330, 2020, 2600), (70, 100, 200)),
    "EH": _vowel((530, 1680, 2500), (580, 1600, 2530), (60, 90, 200)),
    "AE": _vowel((620, 1660, 2430), (650, 1590, 2470), (70, 130, 250)),
    "AA": _vowel((700, 1220, 2600), (700, 1220, 2600), (110, 70, 160)),
    "AO": _vowel((600, 930, 2570), (610, 960, 2600), (90, 90, 80)),
    "AH": _vowel((620, 1220, 2550), (600, 1230, 2550), (80, 60, 140)),
    "OW": _vowel((540, 1100, 2300), (430, 870, 2300), (80, 70, 80)),
    "UH": _vowel((450, 1100, 2350), (470, 1120, 2390), (80, 100, 90)),
    "UW": _vowel((340, 1050, 2200), (310, 880, 2200), (65, 100, 140)),
    "ER": _vowel((470, 1270, 1560), (430, 1310, 1560), (90, 60, 110)),
    "AY": _vowel((680, 1200, 2550), (400, 1880, 2500), (100, 70, 180)),
    "AW": _vowel((660, 1230, 2550), (420, 940, 2350), (80, 70, 140)),
    "OY": _vowel((550, 960, 2400), (360, 1820, 2450), (80, 60, 130)),
    "W": _glide((290, 610, 2150), (50, 80, 90)),
    "Y": _glide((260, 2070, 3020), (40, 250, 400)),
    "R": _glide((320, 1060, 1400), (70, 100, 120)),
    "L": _glide((320, 1000, 2880), (50, 100, 250)),
    "M": _nasal((350, 1050, 2130), (60, 200, 250)),
    "N": _nasal((350, 1450, 2470), (60, 250, 300)),
    "NG": _nasal((350, 1990, 2850), (60, 250, 300)),
    "B": _stop((200, 950, 2150), (60, 110, 130), Noise(200, 7000, 0.03), voiced=True),
    "D": _stop((200, 1650, 2600), (60, 100, 170), Noise(3000, 8000, 0.20), voiced=True),
    "G": _stop((200, 1990, 2850), (60, 150, 280), Noise(1500, 2800, 0.16), voiced=True),
    "P": _stop((350, 950, 2150), (200, 150, 220), Noise(200, 8000, 0.06), voiced=False),
    "T": _stop((350, 1650, 2600), (200, 120, 250), Noise(3000, 8000, 0.24), voiced=False),
    "K": _stop((300, 1990, 2850), (200, 160, 330), Noise(1400, 3000, 0.22), voiced=False),
    "F": _fricative((340, 1000, 2080), (200, 120, 150), Noise(1500, 11000, 0.085), voiced=False),
    "V": _fricative((230, 1000, 2080), (60, 90, 120), Noise(1500, 9000, 0.04), voiced=True),
    "TH": _fricative((320, 1290, 2540), (200, 90, 200), Noise(2500, 12000, 0.06), voiced=False),
    "DH": _fricative((270, 1290, 2540), (60, 80, 170), Noise(2500, 9000, 0.03), voiced=True),
    "S": _fricative((320, 1390, 2530), (200, 80, 200), Noise(4300, 10000, 0.20), voiced=False),
    "Z": _fricative((240, 1390, 2530), (70, 60, 180), Noise(4300, 10000, 0.10), voiced=True),
    "SH": _fricative((300, 1740, 2750), (200, 100, 300), Noise(2200, 6500, 0.22), voiced=False),
    "HH": Phone("aspirate", (500, 1400, 2500), (500, 1400, 2500), (200, 150, 200), 0.0, 0.08),
}


def is_vowel(name: str) -> bool:
    return PHONES[name].kind == "vowel"
