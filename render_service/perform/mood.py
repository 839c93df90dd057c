"""Brows, cheeks and a trace of a smile: from high and loud notes, from mode, tempo and strength of the song."""

from dataclasses import dataclass

import numpy as np

from render_service.perform.curves import Curve, smooth, wander
from render_service.perform.music import Music

RAISE_INNER, RAISE_OUTER = 0.65, 0.5
"""Brows on the highest, loudest notes."""
BROW_S = 0.30
SQUINT = 0.25
"""Eyes narrow in the loudest moments."""
SMILE, CHEER_CHEEK = 0.14, 0.12
SORROW_INNER, SORROW_FROWN = 0.18, 0.08
BRISK_S, SLOW_S = 0.45, 0.9
"""Beat intervals of lively and of slow songs."""


@dataclass(frozen=True)
class Mood:
    """valence: -1 sad .. 1 cheerful. arousal: 0 calm .. 1 lively."""

    valence: float
    arousal: float


def mood_of(music: Music) -> Mood:
    """Major and brisk is cheerful, minor and slow is sad (Juslin & Laukka 2004)."""
    arousal = float(np.clip((SLOW_S - music.interval_s) / (SLOW_S - BRISK_S), 0, 1)) * min(1.0, 0.4 + music.pulse)
    return Mood(float(np.clip(0.7 * music.majorness + 0.5 * (arousal - 0.5), -1, 1)), arousal)


def brows(mood: Mood, energy: Curve, height: Curve, rng: np.random.Generator) -> dict[str, Curve]:
    """Coefficients [T] 0..1. energy: 0..1 loudness while singing. height: pitch against the song's, about -1..1."""
    count = len(energy)
    emphasis = smooth(np.clip(0.55 * np.clip(height, 0, 1.2) + 0.6 * (energy - 0.45), 0, 1), BROW_S)
    living = np.clip(0.65 + 0.3 * wander(rng, count, 3.0), 0.25, 1.0)
    sorrow, cheer = max(-mood.valence, 0.0), max(mood.valence, 0.0)
    inner = RAISE_INNER * emphasis * living + SORROW_INNER * sorrow * (0.4 + 0.6 * energy)
    outer = RAISE_OUTER * emphasis * living * (1 - 0.5 * sorrow)
    lean = 1 + 0.12 * wander(rng, count, 4.0)
    smile = SMILE * cheer * (0.35 + 0.65 * smooth(energy, 0.8))
    squint = SQUINT * smooth(np.clip(energy - 0.6, 0, 1), BROW_S) * living + 0.08 * cheer * energy
    curves = {
        "browInnerUp": inner,
        "browOuterUpLeft": outer * lean,
        "browOuterUpRight": outer * (2 - lean),
        "browDownLeft": SORROW_FROWN * sorrow * energy,
        "browDownRight": SORROW_FROWN * sorrow * energy,
        "cheekSquintLeft": CHEER_CHEEK * cheer * energy,
        "cheekSquintRight": CHEER_CHEEK * cheer * energy,
        "eyeSquintLeft": squint,
        "eyeSquintRight": squint,
        "eyeWideLeft": 0.15 * emphasis * living,
        "eyeWideRight": 0.15 * emphasis * living,
        "mouthSmileLeft": smile * lean,
        "mouthSmileRight": smile * (2 - lean),
        "mouthFrownLeft": 0.06 * sorrow * energy,
        "mouthFrownRight": 0.06 * sorrow * energy,
    }
    return {name: np.clip(curve, 0, 1) for name, curve in curves.items()}
