"""Blinks, eyes closed on held notes, and a gaze that rests, shifts at once and stays where it is as the head turns."""

import numpy as np

from render_service.perform.curves import RATE, Curve, ease, spans
from render_service.perform.gate import Phrase
from render_service.perform.pitch import Pitch

BLINK_MEAN_S, BLINK_LEAST_S = 3.6, 1.0
"""About 15 blinks a minute with the ones at phrase ends, as in conversation (Bentivoglio et al. 1997)."""
BLINK_SHAPE = 2.0
"""Of the gamma distribution of pauses beyond the least: irregular, with no favourite."""
CLOSING_S, SHUT_S, OPENING_S = 0.08, 0.04, 0.16
"""A blink (VanderWerf et al. 2003)."""
PHRASE_BLINK = 0.35
"""Chance of a blink as a phrase ends."""
HELD_LEAST_S, HELD_CHANCE = 0.9, 0.4
"""Notes held this long are sometimes sung with closed eyes."""
HELD_APART_S = 8.0
HELD_CLOSING_S, HELD_OPENING_S, HELD_MOST_S = 0.25, 0.40, 2.2
LID_SHUT = 1.0

FULL_LOOK_DEG = 30.0
"""Turn of the eye that a look coefficient of 1 means."""
GAZE_S = (0.7, 3.2)
GAZE_ACROSS_DEG, GAZE_UP_DEG = 4.0, 2.0
LISTENER_CHANCE = 0.6
"""Most of the time the singer looks at the one who watches."""
SACCADE_S = 0.05
HEAD_FOLLOW = 0.7
"""Share of a head turn that the eyes undo to stay where they look (vestibulo-ocular reflex)."""


def lids(times_s: Curve, phrases: list[Phrase], pitch: Pitch, rng: np.random.Generator) -> Curve:
    """[T] 0 open .. 1 shut, both eyes."""
    duration_s = float(times_s[-1])
    held = _held_closings(pitch, rng)
    blinks = _blink_times(duration_s, phrases, rng)
    curve = np.zeros(len(times_s))
    for begin, end in held:
        np.maximum(curve, _closing(times_s, (begin, end), HELD_CLOSING_S, HELD_OPENING_S), out=curve)
    for at in blinks:
        if not any(begin - 0.6 < at < end + 0.8 for begin, end in held):
            slowness = rng.uniform(0.85, 1.2)
            blink = _closing(times_s, (at, at + SHUT_S), CLOSING_S * slowness, OPENING_S * slowness)
            np.maximum(curve, blink, out=curve)
    return LID_SHUT * curve


def gaze(times_s: Curve, head_yaw: Curve, head_pitch: Curve, rng: np.random.Generator) -> tuple[Curve, Curve]:
    """Degrees [T], relative to the head: across (> 0 to the singer's left) and up."""
    across, up = np.zeros(len(times_s)), np.zeros(len(times_s))
    at, old = 0.0, np.zeros(2)
    while at < times_s[-1]:
        aimed = rng.random() < LISTENER_CHANCE
        spread = np.array([0.5, 0.3]) if aimed else np.array([GAZE_ACROSS_DEG, GAZE_UP_DEG])
        new = np.clip(rng.standard_normal(2), -2, 2) * spread
        shift = ease((times_s - at) / SACCADE_S)
        across, up = across + (new[0] - old[0]) * shift, up + (new[1] - old[1]) * shift
        at, old = at + rng.uniform(*GAZE_S), new
    return across - HEAD_FOLLOW * head_yaw, up + HEAD_FOLLOW * head_pitch


def looks(across_deg: Curve, up_deg: Curve) -> dict[str, Curve]:
    """The eight eyeLook coefficients, 0..1."""
    left, right = (np.clip(side * across_deg / FULL_LOOK_DEG, 0, 1) for side in (1, -1))
    up, down = (np.clip(side * up_deg / FULL_LOOK_DEG, 0, 1) for side in (1, -1))
    return {
        "eyeLookOutLeft": left, "eyeLookInRight": left, "eyeLookInLeft": right, "eyeLookOutRight": right,
        "eyeLookUpLeft": up, "eyeLookUpRight": up, "eyeLookDownLeft": down, "eyeLookDownRight": down,
    }  # fmt: skip


def _blink_times(duration_s: float, phrases: list[Phrase], rng: np.random.Generator) -> list[float]:
    wanted = [phrase.end_s + rng.uniform(-0.1, 0.25) for phrase in phrases if rng.random() < PHRASE_BLINK]
    at = rng.uniform(0.5, BLINK_MEAN_S)
    while at < duration_s:
        wanted.append(at)
        at += BLINK_LEAST_S + rng.gamma(BLINK_SHAPE, (BLINK_MEAN_S - BLINK_LEAST_S) / BLINK_SHAPE)
    apart: list[float] = []
    for blink in sorted(wanted):
        if blink > 0.2 and (not apart or blink - apart[-1] > BLINK_LEAST_S):
            apart.append(blink)
    return apart


def _held_closings(pitch: Pitch, rng: np.random.Generator) -> list[tuple[float, float]]:
    """When the eyes are shut on held notes: begin and end of being shut, seconds."""
    chosen: list[tuple[float, float]] = []
    for begin, end in spans(pitch.held):
        start_s, end_s = begin / RATE + 0.2, min(end / RATE, begin / RATE + HELD_MOST_S)
        free = not chosen or start_s - chosen[-1][1] > HELD_APART_S
        if end - begin > HELD_LEAST_S * RATE and free and rng.random() < HELD_CHANCE:
            chosen.append((start_s, max(end_s, start_s + 0.3)))
    return chosen


def _closing(times_s: Curve, shut_s: tuple[float, float], closing_s: float, opening_s: float) -> Curve:
    """[T] 0..1: one closing, shut from the first to the second time."""
    begin, end = shut_s
    return np.minimum(ease((times_s - begin) / closing_s + 1), 1 - ease((times_s - end) / opening_s))
