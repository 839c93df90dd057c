"""The head: a slow drift, a new direction with every phrase, nods on the beats, a lift on high notes."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from render_service.perform.curves import Curve, smooth, through, wander
from render_service.perform.gate import Phrase
from render_service.perform.music import Music

DRIFT_S = (3.0, 2.2, 3.6)
DRIFT_DEG = (1.6, 0.8, 1.0)
"""Yaw, pitch, roll while nothing else happens."""
TURN_DEG = (4.0, 1.5, 2.0)
"""Deviation of a phrase's direction."""
TURN_S = (0.8, 1.5)
NEXT_TURN_S = (2.0, 4.5)
"""Inside a long phrase the head takes a new direction this often."""
NOD_DEG = 3.2
"""Depth of a full nod; accents and the song's pulse make it less."""
NOD_LEAST_APART_S = 0.7
"""Faster beats are nodded every second or fourth time."""
NOD_IDLE = 0.5
"""Share of a nod while the voice rests."""
LIFT_DEG = 2.5
"""Chin up on the song's highest notes."""
LIMIT_DEG = (11.0, 8.0, 7.0)
BREATH_RISE, LEAN = 0.004, 0.03
"""Face heights: up with a full breath, towards the camera in the loudest moments."""
SWAY = 0.012


@dataclass(frozen=True)
class HeadCues:
    """What moves the head, all [T] at `curves.RATE`. energy: 0..1. height: pitch against the song's, about -1..1."""

    energy: Curve
    height: Curve
    breath: Curve


def head(times_s: Curve, phrases: list[Phrase], music: Music, cues: HeadCues, rng: np.random.Generator) -> Curve:
    """[T, 6]: yaw, pitch, roll in degrees and x, y, z in face heights, as in `Performance.head`."""
    count = len(times_s)
    pose = np.stack([deg * wander(rng, count, s) for deg, s in zip(DRIFT_DEG, DRIFT_S, strict=True)], axis=1)
    pose += _turns(times_s, phrases, rng)
    pose[:, 1] += nods(times_s, music, rng) * (NOD_IDLE + (1 - NOD_IDLE) * cues.energy)
    pose[:, 1] -= LIFT_DEG * smooth(np.clip(cues.height, -0.5, 1) * cues.energy, 0.5)
    limits = np.array(LIMIT_DEG)
    pose = limits * np.tanh(pose / limits)
    x = SWAY * wander(rng, count, 4.0) + 0.002 * pose[:, 2]
    y = BREATH_RISE * cues.breath
    z = LEAN * smooth(cues.energy, 1.0) + 0.008 * wander(rng, count, 5.0)
    return np.asarray(np.column_stack([pose, x, y, z]) * _start(times_s))


def nods(times_s: Curve, music: Music, rng: np.random.Generator) -> Curve:
    """[T] degrees down. The head is at its lowest, and still, on the beat."""
    every = 1
    while music.interval_s * every < NOD_LEAST_APART_S:
        every *= 2
    chosen = music.beats_s[_strongest_phase(music.accents, every) :: every]
    if len(chosen) < 2:
        return np.zeros(len(times_s))
    depth = NOD_DEG * np.clip(music.pulse * 3, 0.4, 1.0)
    anchors_t, anchors_v = [0.0], [0.0]
    for here, after in pairwise(chosen):
        if here > anchors_t[-1]:
            anchors_t += [here, here + (after - here) * rng.uniform(0.42, 0.55)]
            anchors_v += [depth * rng.uniform(0.4, 1.0), -0.3 * depth * rng.uniform(0.3, 1.0)]
    return through(anchors_t, anchors_v, times_s)


def _strongest_phase(accents: Curve, every: int) -> int:
    """Which of the beats to start on, so that the nods fall on the accented ones."""
    return int(np.argmax([accents[phase::every].sum() for phase in range(every)]))


def _turns(times_s: Curve, phrases: list[Phrase], rng: np.random.Generator) -> Curve:
    """[T, 3]: directions held for a while, taken up around phrase starts and now and then inside phrases."""
    anchors_t, poses = [0.0], [np.zeros(3)]
    for phrase in phrases:
        at = phrase.start_s - 0.25
        while at < phrase.end_s:
            length = rng.uniform(*TURN_S)
            direction = np.clip(rng.standard_normal(3), -1.8, 1.8) * TURN_DEG
            if at > anchors_t[-1] + 0.1:
                anchors_t += [at, at + length]
                poses += [poses[-1], direction]
            at += length + rng.uniform(*NEXT_TURN_S)
    columns = np.array(poses).T
    return np.stack([through(anchors_t, list(column), times_s) for column in columns], axis=1)


def _start(times_s: Curve) -> Curve:
    """[T, 1]: the first frame is the photo's own pose."""
    return through([0.0, 1.0], [0.0, 1.0], times_s)[:, None]
