"""When the voice sounds: a gate with hysteresis, and the phrases it leaves."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from render_service.perform.curves import RATE, Curve, smooth, spans, spread
from render_service.perform.features import LEVEL_RANGE_DB

OPEN_LEVELS = (0.35, 0.50)
"""Level (0..1 over 50 dB) that starts singing: of a clean voice, and of one with much left of room or instruments."""
ABOVE_FLOOR = 0.10
"""5 dB over most of what is heard between phrases. Less follows films a little better, but opens mouths in pauses."""
HYSTERESIS = 0.07
"""3 dB less keep singing up."""
PAUSE_LEVEL = 0.45
FLOOR_PERCENTILE = 80
FLOOR_LEAST_S = 0.3
"""Less pause than this in the whole song does not tell the floor."""
LEAK_SHARE_DB, LEAK_SLOPE = -10.0, 2.0
"""What is softer against the mix than this is more likely a leak, and counts as that much softer, twice. On separated
MIR-1K songs: mouth open in true silence 4 % of the time instead of 12 %, singing lost 2 %."""
SHORTEST_S = 0.06
"""Shorter sounds are clicks and leaks."""
RISE_S, FALL_S = 0.15, 0.20
"""Lips part this long before the voice starts, and are at rest this long after it ends, as filmed."""
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
    """on: [T] bool. amount: [T] 0..1, eased. phrases: in time order. level: [T] what was judged; under `quiet` nobody
    sings. All at `curves.RATE`."""

    on: NDArray[np.bool_]
    amount: Curve
    phrases: list[Phrase]
    level: Curve
    quiet: float


def gate(level: Curve, share_db: Curve | None = None) -> Gate:
    """level: [T] 0..1, as in `VoiceFeatures`. share_db: [T] the voice against the mix, if known."""
    if share_db is not None:
        level = level + np.minimum(share_db - LEAK_SHARE_DB, 0) * LEAK_SLOPE / LEVEL_RANGE_DB
    open_level = _open_level(level)
    quiet = open_level - HYSTERESIS
    on = np.zeros(len(level), dtype=bool)
    for begin, end in spans(level > quiet):
        if end - begin >= SHORTEST_S * RATE and level[begin:end].max() > open_level:
            on[begin:end] = True
    eased = smooth(spread(on.astype(np.float64), RISE_S - FALL_S / 2, FALL_S / 2), FALL_S)
    return Gate(on, eased, _phrases(on), level, quiet)


def _open_level(level: Curve) -> float:
    """A little over what is left of the mix between phrases."""
    pauses = level[level < PAUSE_LEVEL]
    if len(pauses) < FLOOR_LEAST_S * RATE:
        return OPEN_LEVELS[1]
    floor = float(np.percentile(pauses, FLOOR_PERCENTILE))
    return float(np.clip(floor + ABOVE_FLOOR, *OPEN_LEVELS))


def _phrases(on: NDArray[np.bool_]) -> list[Phrase]:
    bridged = on.copy()
    for begin, end in spans(~on):
        if end - begin < BREATH_GAP_S * RATE and begin > 0 and end < len(on):
            bridged[begin:end] = True
    least = PHRASE_LEAST_S * RATE
    return [Phrase(begin / RATE, end / RATE) for begin, end in spans(bridged) if end - begin >= least]
