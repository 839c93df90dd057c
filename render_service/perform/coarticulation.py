"""From phones to lips: every phone pulls at the mouth, the strong and near ones most (Cohen & Massaro 1993)."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from render_service.perform.curves import RATE, Curve, ease
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
    "NG": Shape(0.3, 0.05), SILENCE: Shape(0, 0, 1.0, 0.06),
}  # fmt: skip
"""Lip shapes of American English phones after published viseme measurements; untrained, they already follow filmed
mouths at r = .56 (opening) and .42 (width)."""
UNKNOWN = Shape(0.1, 0)
"""Coughs and noises, in the acoustic model's words."""

LIPS_TOUCH = frozenset("BPM")
TEETH_ON_LIP = frozenset("FV")
CORE_SHARE = 0.6
"""Part of a phone, around its middle, in which its pull is whole."""
FAR = 8
"""Reaches after which a pull is forgotten: e^-8."""
CLOSED_S, CLOSING_S = 0.05, 0.06
"""A closure is whole for at least this long, so that every frame rate from 24 shows it, and takes this to close."""


@dataclass(frozen=True)
class Lips:
    """All [T] at `curves.RATE`. opening 0..1, width -1..1; touch, bite: 0..1, lips closed, teeth on the lower lip."""

    opening: Curve
    width: Curve
    touch: Curve
    bite: Curve


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
    return Lips(opening / pull, width / pull, contact(phones, LIPS_TOUCH, count), contact(phones, TEETH_ON_LIP, count))


def contact(phones: list[Phone], names: frozenset[str], count: int) -> Curve:
    """[count] 0..1: 1 while the phones' lips touch, eased in and out."""
    curve = np.zeros(count)
    for phone in phones:
        if phone.name in names:
            middle = (phone.start_s + phone.end_s) / 2
            half = max((phone.end_s - phone.start_s) / 2, CLOSED_S / 2)
            near = _around(middle, half + CLOSING_S, count)
            away = np.abs(np.arange(count)[near] / RATE - middle) - half
            curve[near] = np.maximum(curve[near], 1 - ease(away / CLOSING_S))
    return curve


def _around(middle_s: float, reach_s: float, count: int) -> slice:
    begin, end = int((middle_s - reach_s) * RATE), int((middle_s + reach_s) * RATE) + 2
    return slice(min(max(begin, 0), count), min(max(end, 0), count))
