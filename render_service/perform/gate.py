"""When the voice sounds: a gate with hysteresis, and the phrases it leaves."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from render_service.perform.curves import RATE, Curve, smooth, spans, spread

OPEN_LEVEL, HOLD_LEVEL = 0.50, 0.38
"""Levels (0..1 over 50 dB) that start and that keep up singing: 25 and 31 dB below the loud parts. What separation
leaves of the instruments mostly stays under both."""
SHORTEST_S = 0.06
"""Shorter sounds are clicks and leaks."""
RISE_S, FALL_S = 0.04, 0.10
"""Lips part this long before the voice starts, and are at rest this long after it ends."""
BREATH_GAP_S = 0.30
"""A shorter pause is inside a phrase: nobody breathes in it."""
PHRASE_LEAST_S = 0.15


@dataclass(frozen=True)
class Phrase:
    """What is sung on one breath."""

    start_s: float
    end_s: float


@dataclass(frozen=True)
class Gate:
    """on: [T] bool. amount: [T] 0..1, eased. phrases: in time order. All at `curves.RATE`."""

    on: NDArray[np.bool_]
    amount: Curve
    phrases: list[Phrase]


def gate(level: Curve) -> Gate:
    """level: [T] 0..1, as in `VoiceFeatures`."""
    on = np.zeros(len(level), dtype=bool)
    for begin, end in spans(level > HOLD_LEVEL):
        if end - begin >= SHORTEST_S * RATE and level[begin:end].max() > OPEN_LEVEL:
            on[begin:end] = True
    eased = smooth(spread(on.astype(np.float64), RISE_S, FALL_S / 2), FALL_S)
    return Gate(on, eased, _phrases(on))


def _phrases(on: NDArray[np.bool_]) -> list[Phrase]:
    bridged = on.copy()
    for begin, end in spans(~on):
        if end - begin < BREATH_GAP_S * RATE and begin > 0 and end < len(on):
            bridged[begin:end] = True
    least = PHRASE_LEAST_S * RATE
    return [Phrase(begin / RATE, end / RATE) for begin, end in spans(bridged) if end - begin >= least]
