"""Breathing: in through the parted lips just before every phrase, out along it, quietly in the pauses."""

import numpy as np

from render_service.perform.curves import Curve, through
from render_service.perform.gate import Phrase

INHALE_S = (0.25, 0.40)
"""Singers breathe in 200-400 ms before a phrase."""
LONG_PHRASE_S = 8.0
"""A phrase this long takes a full breath and empties it."""
QUIET_S = (3.2, 5.0)
"""One resting breath: 12 to 19 a minute."""
QUIET_DEPTH = 0.25
FULL, EMPTY = 1.0, -0.7


def breaths(phrases: list[Phrase], duration_s: float, rng: np.random.Generator) -> tuple[list[float], list[float]]:
    """Anchors (times, values -1..1) of the breath curve; it starts at 0, the photo."""
    times, values = [0.0], [0.0]
    for phrase in phrases:
        begin = max(phrase.start_s - rng.uniform(*INHALE_S), times[-1] + 0.05)
        _rest(times, values, begin, rng)
        depth = min((phrase.end_s - phrase.start_s) / LONG_PHRASE_S, 1.0)
        _add(times, values, begin, values[-1])
        _add(times, values, max(phrase.start_s, begin + 0.1), 0.35 + (FULL - 0.35) * depth**0.5)
        _add(times, values, phrase.end_s, EMPTY * depth**0.5)
    _rest(times, values, duration_s, rng)
    return times, values


def breath_curve(anchors: tuple[list[float], list[float]], times_s: Curve) -> Curve:
    """[T] -1..1 at the times."""
    return through(*anchors, times_s)


def inhales(phrases: list[Phrase], times_s: Curve, rng: np.random.Generator) -> Curve:
    """[T] 0..1: how far the lips part for breath; a bump that ends as the phrase starts, none where time is short."""
    curve = np.zeros(len(times_s))
    before = 0.0
    for phrase in phrases:
        length = rng.uniform(*INHALE_S)
        if phrase.start_s - before > length:
            part = (times_s - (phrase.start_s - length)) / length
            curve = np.maximum(curve, np.sin(np.pi * np.clip(part, 0, 1)) ** 2 * rng.uniform(0.7, 1.0))
        before = phrase.end_s
    return curve


def _rest(times: list[float], values: list[float], until_s: float, rng: np.random.Generator) -> None:
    """Quiet breathing from the last anchor up to a time."""
    while (cycle := rng.uniform(*QUIET_S)) < until_s - times[-1]:
        begin = times[-1]
        _add(times, values, begin + 0.4 * cycle, QUIET_DEPTH * rng.uniform(0.7, 1.2))
        _add(times, values, begin + cycle, -QUIET_DEPTH * rng.uniform(0.3, 0.8))


def _add(times: list[float], values: list[float], at_s: float, value: float) -> None:
    if at_s > times[-1]:
        times.append(at_s)
        values.append(value)
