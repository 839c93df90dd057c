"""Names the held vowels that the phone decoder could not: in songs a fifth of the voiced time, by their formants."""

from itertools import pairwise

import numpy as np

from render_service.perform import formants
from render_service.perform.curves import RATE, Curve, spans
from render_service.perform.features import FORMANT_SCALES_HZ, VoiceFeatures
from render_service.perform.phones import SILENCE, Phone
from render_service.perform.pitch import VOICED

UNNAMED = frozenset({SILENCE, "+SPN+", "+NSN+"})
VOWELS_HZ: dict[str, tuple[float, float]] = {
    "IY": (289, 2528), "IH": (410, 2222), "EH": (569, 2071), "AE": (753, 1878), "AA": (788, 1153),
    "AO": (580, 879), "UH": (455, 1088), "UW": (333, 909), "AH": (697, 1291), "ER": (495, 1488),
}  # fmt: skip
"""F1 and F2, geometric means of men and women (Peterson & Barney 1952)."""
PIECE_S = 0.15
"""Long held sounds are named piece by piece, so that a vowel may change."""
LEAST_S, LEAST_LEVEL = 0.15, 0.7
"""Shorter or softer than this (15 dB below the loud parts) the decoder's silence is believed."""


def named(phones: list[Phone], voice: VoiceFeatures) -> list[Phone]:
    """The same phones, with vowels where the decoder heard nothing it knows although the voice is periodic."""
    voiced = (voice.periodic > VOICED) & (voice.level > LEAST_LEVEL)
    f1, f2 = (n + s * f for n, s, f in zip(formants.NEUTRAL_HZ, FORMANT_SCALES_HZ, (voice.f1, voice.f2), strict=True))
    result: list[Phone] = []
    for phone in phones:
        if phone.name not in UNNAMED:
            result.append(phone)
            continue
        begin, end = round(phone.start_s * RATE), round(phone.end_s * RATE)
        runs = [(begin + a, begin + b) for a, b in spans(voiced[begin:end]) if b - a >= LEAST_S * RATE]
        result += [vowel for run in runs for vowel in _pieces(run, f1, f2)] or [phone]
    return result


def nearest(f1_hz: float, f2_hz: float) -> str:
    """The vowel whose formants are nearest, as ratios."""
    return min(VOWELS_HZ, key=lambda name: np.hypot(*np.log(np.array(VOWELS_HZ[name]) / (f1_hz, f2_hz))))


def _pieces(run: tuple[int, int], f1: Curve, f2: Curve) -> list[Phone]:
    count = max(1, round((run[1] - run[0]) / RATE / PIECE_S))
    borders = np.linspace(*run, count + 1).round().astype(int)
    pieces: list[Phone] = []
    for begin, end in pairwise(borders):
        name = nearest(float(np.median(f1[begin:end])), float(np.median(f2[begin:end])))
        if pieces and pieces[-1].name == name:
            begin = round(pieces.pop().start_s * RATE)  # noqa: PLW2901 - the piece before goes on
        pieces.append(Phone(name, begin / RATE, end / RATE))
    return pieces
