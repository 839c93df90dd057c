"""Two layers that give the photo back: the person, premultiplied, over the background without them."""

import cv2
import numpy as np
from numpy.typing import NDArray

from render_service.portrait.inpaint import fill_background, grain
from render_service.stages import Frame

Colours = NDArray[np.uint8]

WIDEN_CM = 0.12
"""What the fill must not read around the matte: the person's rim colours the background."""
VISIBLE, RIM = 0.02, 0.15
"""Alpha under which nothing is seen to move, and from which on a pixel may be taken for the person's."""
TOLERANCE = 8.0
"""Grey levels by which the fill may miss the true background before that makes a pixel opaque."""
KNOWN_ENOUGH = 0.02
"""Share of the surroundings that must be background to judge it."""
STRAY_CM, STRAY_FADE_CM = 1.6, 0.5
"""How far from the person loose hairs and the noise of an edge are looked for, and over what width that ends."""
OPAQUE = 0.95
NOISE = 3.0
"""Grey levels that are no stray hair but noise: they stay behind."""
HEADROOM = 40.0
"""Grey levels that a stray hair may be darker or brighter than any wall: a white one would make noise opaque."""
CALM_SIGMA_CM, CALM_AROUND_CM = 0.5, 1.5
CALM_LEVELS, ROUGH_LEVELS = 3.0, 8.0
"""Deviations of the background next to the person: up to the first the fill is as good as the truth, and whatever
differs from it is the person's; from the second on it may as well be the background's own."""


def split_layers(
    image: Frame, alpha: NDArray[np.float32], px_per_cm: float
) -> tuple[NDArray[np.uint8], Frame, NDArray[np.float32]]:
    """foreground [H, W, 4] premultiplied RGBA, background [H, W, 3], alpha [H, W].

    foreground + (1 - alpha) background = image. Where no colour at this opacity can give the image, the rim becomes
    more opaque, and what is left bends the fill towards the image.
    """
    near = alpha > VISIBLE
    stray = _calm(image, near, px_per_cm) * _nearby(near, px_per_cm)
    unknown = _dilated(near, WIDEN_CM * px_per_cm) | (stray > 0.5)
    filled = fill_background(image, unknown, px_per_cm)
    steps = np.round(alpha * 255).astype(np.uint8)
    share = np.maximum(stray, steps > 0)[..., None]
    background = np.round(image + (filled.astype(np.float32) - image) * share).astype(np.uint8)
    foreground = np.dstack([image, steps])
    foreground[steps == 0] = 0
    rim = ((steps > 0) | (stray > 0)) & (steps < 255)
    foreground[rim], background[rim] = _split_rim(image[rim], background[rim], alpha[rim][:, None], stray[rim][:, None])
    return foreground, background, foreground[..., 3] * np.float32(1 / 255)


def _dilated(mask: NDArray[np.bool_], reach_px: float) -> NDArray[np.bool_]:
    reach = max(1, round(reach_px))
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    return np.asarray(cv2.dilate(mask.astype(np.uint8), disk) > 0)


def _nearby(person: NDArray[np.bool_], px_per_cm: float) -> NDArray[np.float32]:
    """1 near the person, 0 from `STRAY_CM` on."""
    distance = cv2.distanceTransform((~person).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5) / px_per_cm
    return np.asarray(np.clip((STRAY_CM - distance) / STRAY_FADE_CM, 0, 1), np.float32)


def _calm(image: Frame, person: NDArray[np.bool_], px_per_cm: float) -> NDArray[np.float32]:
    """1 where the background around is smooth, judged beyond what may be stray, 0 where it is busy."""
    known = (~_dilated(person, STRAY_CM * px_per_cm)).astype(np.float32)
    rough = (grain(image.astype(np.float32), known, CALM_SIGMA_CM * px_per_cm) ** 2).mean(2) * known
    weight, total = (cv2.GaussianBlur(plane, (0, 0), CALM_AROUND_CM * px_per_cm) for plane in (known, rough))
    deviation = np.sqrt(total / np.maximum(weight, 1e-6))
    calm = np.clip((ROUGH_LEVELS - deviation) / (ROUGH_LEVELS - CALM_LEVELS), 0, 1)
    return np.asarray(calm * np.clip(weight / KNOWN_ENOUGH, 0, 1), np.float32)


def _split_rim(
    image: Colours, filled: Colours, alpha: NDArray[np.float32], stray: NDArray[np.float32]
) -> tuple[Colours, Colours]:
    """Pixels [n, 3], their alpha and calm [n, 1] -> premultiplied foreground [n, 4], background [n, 3]."""
    photo, background = image.astype(np.float32), filled.astype(np.float32)
    opacity = np.ceil(_opaque_enough(alpha, photo, background, stray) * 255).astype(np.float32) / np.float32(255)
    opacity[opacity > OPAQUE] = 1  # so little shows through that it could not be told from the photo
    background = np.round(_allowed(background, photo, opacity))
    colour = np.clip(np.round(photo - (1 - opacity) * background), 0, 255 * opacity)
    return np.hstack([colour, 255 * opacity]).round().astype(np.uint8), background.astype(np.uint8)


def _opaque_enough(
    alpha: NDArray[np.float32], photo: NDArray[np.float32], background: NDArray[np.float32], stray: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Alpha raised to the least that lets some colour over this background give the photo: loose hair, mostly."""
    difference = photo - background
    certain = np.clip(np.abs(difference).max(1, keepdims=True) / TOLERANCE - 1, 0, 1)
    near = np.clip((alpha - VISIBLE) / (RIM - VISIBLE), 0, 1) * certain
    beyond_noise = difference - np.clip(difference, -NOISE, NOISE)
    hair = _least(beyond_noise, np.clip(background, HEADROOM, 255 - HEADROOM))
    missing = np.where(stray > 0, hair, near * _least(difference, background))
    return np.asarray(np.clip(np.maximum(alpha, missing), 0, 1), np.float32)


def _least(difference: NDArray[np.float32], background: NDArray[np.float32]) -> NDArray[np.float32]:
    """[n, 1] the opacity at which black or white over the background just makes the difference."""
    least = np.maximum(-difference / np.maximum(background, 1), difference / np.maximum(255 - background, 1))
    return np.asarray(least.max(1, keepdims=True))


def _allowed(
    background: NDArray[np.float32], photo: NDArray[np.float32], opacity: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Clipped to the backgrounds over which some colour of this opacity gives the photo."""
    through = np.maximum(1 - opacity, np.float32(1e-6))
    darkest = np.clip((photo - 255 * opacity) / through, 0, 255)
    brightest = np.clip(photo / through, 0, 255)
    return np.asarray(np.where(opacity < 1, np.clip(background, darkest, brightest), background))
