"""The mouth as ARKit coefficients: jaw, rounding, spreading, lips that touch, teeth on the lip."""

import numpy as np

from render_service.perform.curves import Curve, wander
from render_service.perform.opening import MouthMotion
from render_service.stages import JAW_OPEN_CM

TOUCH_JAW = 0.35
"""Share of the jaw's opening that stays while lips touch: lips close faster than a jaw."""
BREATH_GAP_CM = 0.22
"""Lips part this far for an inhale."""
PUCKER, FUNNEL = 0.85, 0.55
STRETCH, SPREAD_SMILE, DIMPLE = 0.45, 0.22, 0.12
UPPER_UP, LOWER_DOWN = 0.16, 0.24
"""Lips leave the teeth a little as the mouth opens wide."""
PRESS, ROLL, BITE_ROLL = 0.30, 0.22, 0.55
ASYMMETRY = 0.06
"""Deviation between the sides; no mouth is even."""


def coefficients(motion: MouthMotion, inhale: Curve, rng: np.random.Generator) -> dict[str, Curve]:
    """Coefficients [T] 0..1 of everything below the nose. inhale: [T] 0..1 from `breath.inhales`."""
    touch, bite = motion.touch, motion.bite
    gap_cm = np.maximum(motion.gap_cm, BREATH_GAP_CM * inhale)
    free = 1 - touch
    jaw = np.clip(gap_cm / JAW_OPEN_CM, 0, 1) * (free + TOUCH_JAW * touch)
    rounded, wide = np.maximum(-motion.width, 0) * free, np.maximum(motion.width, 0) * free
    open_ = np.clip(motion.openness, 0, 1) * free
    sides = {
        "mouthStretch": STRETCH * wide,
        "mouthSmile": SPREAD_SMILE * wide,
        "mouthDimple": DIMPLE * wide * (1 - open_),
        "mouthPress": PRESS * touch,
        "mouthUpperUp": UPPER_UP * open_ * (1 + 0.5 * wide) + 0.18 * bite * free,
        "mouthLowerDown": LOWER_DOWN * open_ * (1 - bite) * (1 - 0.5 * rounded),
    }
    lean = ASYMMETRY * wander(rng, len(touch), 2.5) + ASYMMETRY * rng.standard_normal()
    curves = {f"{name}Left": curve * (1 + lean) for name, curve in sides.items()}
    curves |= {f"{name}Right": curve * (1 - lean) for name, curve in sides.items()}
    curves |= {
        "jawOpen": jaw,
        "mouthClose": jaw * touch,
        "mouthPucker": PUCKER * rounded * (1 - 0.6 * open_),
        "mouthFunnel": FUNNEL * rounded * (0.35 + 0.65 * open_),
        "mouthRollLower": ROLL * touch + BITE_ROLL * bite * free,
        "mouthRollUpper": ROLL * touch,
    }
    return {name: np.clip(curve, 0, 1) for name, curve in curves.items()}
