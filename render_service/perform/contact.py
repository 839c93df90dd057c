"""When lips touch (B, P, M) and teeth are on the lip (F, V): where the phones say so and the sound agrees."""

import numpy as np
from numpy.typing import NDArray

from render_service.perform.curves import RATE, Curve, ease
from render_service.perform.phones import Phone

LIPS_TOUCH = frozenset({"B", "P", "M"})
TEETH_ON_LIP = frozenset({"F", "V"})
VOWEL_BANDS = slice(3, 6)
"""900-3500 Hz: what closed lips take away even from a hummed M."""
BESIDE_S = 0.15
LEAST_DIP = 0.25
"""15 dB between these bands beside the phone and inside it. Of 19 decoded B, P, M in GRID films, the 17 at which the
lips did touch all dip more; in songs the decoder now and then hears an M in a vowel, which does not."""
DIP_SHARE = 0.4
"""The contact lasts while the dip is deeper than this share of it is shallow."""
CLOSED_S, CLOSING_S = 0.05, 0.08
"""A contact is whole for at least this long, so that every frame rate from 24 shows it, and takes this to close."""


def contact(phones: list[Phone], names: frozenset[str], bands: NDArray[np.float64]) -> Curve:
    """[T] 0..1: 1 while there is contact, eased in and out. bands: [T, 8] from `VoiceFeatures`."""
    times_s = np.arange(len(bands)) / RATE
    loud = bands[:, VOWEL_BANDS].mean(axis=1)
    curve = np.zeros(len(bands))
    for phone in phones:
        if phone.name in names and (span := _dip(loud, phone)) is not None:
            middle, half = (span[0] + span[1]) / 2, max((span[1] - span[0]) / 2, CLOSED_S / 2)
            away = np.abs(times_s - middle) - half
            near = away < CLOSING_S
            curve[near] = np.maximum(curve[near], 1 - ease(away[near] / CLOSING_S))
    return curve


def _dip(loud: Curve, phone: Phone) -> tuple[float, float] | None:
    """Where inside the phone it is quiet, seconds; None where it is not."""
    begin, end = round(phone.start_s * RATE), min(round(phone.end_s * RATE), len(loud))
    beside = round(BESIDE_S * RATE)
    inside, around = loud[begin:end], loud[max(0, begin - beside) : end + beside]
    if not len(inside) or around.max() - inside.min() < LEAST_DIP:
        return None
    quiet = np.flatnonzero(inside <= inside.min() + DIP_SHARE * (around.max() - inside.min()))
    return (begin + int(quiet[0])) / RATE, (begin + int(quiet[-1]) + 1) / RATE
