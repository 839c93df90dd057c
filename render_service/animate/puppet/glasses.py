"""Glasses: whether they are worn, and whether their rims leave the eye itself free."""

import cv2
import numpy as np
from numpy.typing import NDArray

from render_service.portrait.face import Portrait

GLASSES_EDGE = 0.085
"""Steepest step of brightness along the nose's root, against its median; a bare nose stays below."""
NOSE_ROOT = (9, 8, 168, 6, 197, 195)
AROUND_CM = 0.35
"""Ring around the eye and its lashes that a lens must leave free."""
RIM_CM, RIM_DARKNESS = 0.5, 0.2
"""Rims are narrower than this, and darker than what is beside them by this share of the cheek's brightness."""
MOST_RIM = 0.12
"""Share of the ring that may look like a rim: lashes and wrinkles stay below a tenth, rims over the lid reach a
quarter."""


def wears_glasses(portrait: Portrait) -> bool:
    """Whether something crosses the root of the nose: the bridge of a frame is an edge no bare nose has."""
    root = portrait.landmarks[list(NOSE_ROOT), :2]
    along = np.linspace(0, len(root) - 1, 60)
    x, y = (np.interp(along, np.arange(len(root)), root[:, k]) for k in (0, 1))
    across = np.array([root[-1, 1] - root[0, 1], root[0, 0] - root[-1, 0]])
    across /= np.linalg.norm(across)
    scale = portrait.head.px_per_cm
    offsets = np.linspace(-0.35, 0.35, 7)[:, None] * scale
    grey = cv2.cvtColor(portrait.image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    soft = cv2.GaussianBlur(grey, (0, 0), max(0.6, 0.05 * scale))
    maps = ((x[None] + across[0] * offsets).astype(np.float32), (y[None] + across[1] * offsets).astype(np.float32))
    profile = np.median(cv2.remap(soft, *maps, cv2.INTER_LINEAR), axis=0)
    return bool(np.abs(np.diff(profile)).max() / max(20.0, float(np.median(profile))) > GLASSES_EDGE)


def is_clear(image: NDArray[np.uint8], eye: NDArray[np.uint8], px_per_cm: float, cheek: float) -> bool:
    """Whether no rim crosses the ring around an eye.

    image: [h, w, 3] around it; eye: [h, w], 1 over the eye and its lashes; cheek: mean grey level of lit skin.
    """
    ring = cv2.dilate(eye, _disc(round(AROUND_CM * px_per_cm))) > eye
    grey = image.astype(np.float32).mean(axis=2)
    thin = cv2.morphologyEx(grey, cv2.MORPH_BLACKHAT, _disc(round(RIM_CM / 2 * px_per_cm)))
    return bool((thin[ring] > RIM_DARKNESS * cheek).mean() < MOST_RIM)


def _disc(radius: int) -> NDArray[np.uint8]:
    side = 2 * max(1, radius) + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)
