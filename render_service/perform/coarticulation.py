"""From phones to lips: every phone pulls at the mouth, the strong and near ones most (Cohen & Massaro 1993)."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from render_service.perform.curves import RATE, Curve
from render_service.perform.phones import SILENCE, Phone


class Shape(NamedTuple):
    """opening 0..1; width -1 (rounded) .. 1 (spread); strength: pull on the neighbours; reach_s: how far it pulls."""

    opening: float
    width: float
    strength: float = 0.6
    reach_s: float = 0.045


def _vowel(opening: float, width: float) -> Shape:
    """Vowels pull harder and further when they are open."""
    return Shape(opening, width, 1.0, 0.05) if opening >= 0.3 else Shape(opening, width)


SHAPES: dict[str, Shape] = {
    "AA": _vowel(0.85, 0.0), "AE": _vowel(0.75, 0.35), "AH": _vowel(0.5, 0.0), "AO": _vowel(0.7, -0.5),
    "AW": _vowel(0.75, -0.2), "AY": _vowel(0.75, 0.1), "EH": _vowel(0.55, 0.25), "ER": _vowel(0.35, -0.2),
    "EY": _vowel(0.45, 0.35), "IH": _vowel(0.3, 0.25), "IY": _vowel(0.22, 0.5), "OW": _vowel(0.5, -0.6),
    "OY": _vowel(0.55, -0.4), "UH": _vowel(0.3, -0.4), "UW": _vowel(0.2, -0.8),
    "B": Shape(0, 0, 3.0, 0.03), "P": Shape(0, 0, 3.0, 0.03), "M": Shape(0, 0, 3.0, 0.03),
    "F": Shape(0.08, 0.1, 2.0, 0.035), "V": Shape(0.08, 0.1, 2.0, 0.035), "W": Shape(0.15, -0.8, 1.5, 0.06),
    "R": Shape(0.25, -0.35), "L": Shape(0.3, 0.05), "HH": Shape(0.35, 0), "Y": Shape(0.2, 0.35),
    "T": Shape(0.2, 0.1), "D": Shape(0.2, 0.1), "N": Shape(0.22, 0.1), "TH": Shape(0.2, 0.1), "DH": Shape(0.2, 0.1),
    "S": Shape(0.12, 0.2), "Z": Shape(0.12, 0.2), "SH": Shape(0.2, -0.4), "ZH": Shape(0.2, -0.4),
    "CH": Shape(0.2, -0.4), "JH": Shape(0.2, -0.4), "K": Shape(0.3, 0.05), "G": Shape(0.3, 0.05),
    "NG": Shape(0.3, 0.05), SILENCE: Shape(0, 0, 1.0, 0.06), "+SPN+": Shape(0.3, 0),
}  # fmt: skip
"""Lip shapes of American English phones after published viseme measurements; untrained, they already follow filmed
mouths at r = .56 (opening) and .42 (width)."""
UNKNOWN = Shape(0.1, 0)
"""Noises, in the acoustic model's words; +SPN+ is a voice it makes no sense of, in songs a held vowel."""

CORE_SHARE = 0.6
"""Part of a phone, around its middle, in which its pull is whole."""
FAR = 8
"""Reaches after which a pull is forgotten: e^-8."""


@dataclass(frozen=True)
class Lips:
    """Both [T] at `curves.RATE`. opening 0..1, width -1 rounded .. 1 spread."""

    opening: Curve
    width: Curve


def articulate(phones: list[Phone], count: int) -> Lips:
    """The lips over `count` values. Where no phone is near they are closed and neutral."""
    pull = np.full(count, 1e-6)
    opening, width = np.zeros(count), np.zeros(count)
    for phone in phones:
        shape = SHAPES.get(phone.name, UNKNOWN)
        middle, half = (phone.start_s + phone.end_s) / 2, (phone.end_s - phone.start_s) / 2
        near = _around(middle, half + FAR * shape.reach_s, count)
        away = np.maximum(np.abs(np.arange(count)[near] / RATE - middle) - half * CORE_SHARE, 0)
        dominance = shape.strength * np.exp(-away / shape.reach_s)
        pull[near] += dominance
        opening[near] += dominance * shape.opening
        width[near] += dominance * shape.width
    return Lips(opening / pull, width / pull)


def _around(middle_s: float, reach_s: float, count: int) -> slice:
    begin, end = int((middle_s - reach_s) * RATE), int((middle_s + reach_s) * RATE) + 2
    return slice(min(max(begin, 0), count), min(max(end, 0), count))
