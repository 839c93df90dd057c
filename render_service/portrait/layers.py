"""Two layers that give the photo back: the person, premultiplied, over the background without them."""

import cv2
import numpy as np
from numpy.typing import NDArray

from render_service.portrait.inpaint import fill_background
from render_service.stages import Frame

Colours = NDArray[np.uint8]

WIDEN_CM = 0.12
"""What the fill must not read around the matte: the person's rim colours the background."""
VISIBLE, RIM = 0.02, 0.15
"""Alpha under which nothing is seen to move, and from which on a pixel may be taken for the person's."""
TOLERANCE = 8.0
"""Grey levels by which the fill may miss the true background before that makes a pixel opaque."""


def split_layers(
    image: Frame, alpha: NDArray[np.float32], px_per_cm: float
) -> tuple[NDArray[np.uint8], Frame, NDArray[np.float32]]:
    """foreground [H, W, 4] premultiplied RGBA, background [H, W, 3], alpha [H, W].

    foreground + (1 - alpha) background = image. Where no colour at this opacity can give the image, the rim becomes
    more opaque, and what is left bends the fill towards the image.
    """
    reach = max(1, round(WIDEN_CM * px_per_cm))
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    unknown = cv2.dilate((alpha > VISIBLE).astype(np.uint8), disk) > 0
    background = fill_background(image, unknown, px_per_cm)
    steps = np.round(alpha * 255).astype(np.uint8)
    foreground = np.dstack([image, steps])
    foreground[steps == 0] = 0
    background[steps == 0] = image[steps == 0]
    rim = (steps > 0) & (steps < 255)
    foreground[rim], background[rim] = _split_rim(image[rim], background[rim], alpha[rim][:, None])
    return foreground, background, foreground[..., 3] * np.float32(1 / 255)


def _split_rim(image: Colours, filled: Colours, alpha: NDArray[np.float32]) -> tuple[Colours, Colours]:
    """Pixels [n, 3] and their alpha [n, 1] -> premultiplied foreground [n, 4], background [n, 3]."""
    photo, background = image.astype(np.float32), filled.astype(np.float32)
    opacity = np.round(_opaque_enough(alpha, photo, background) * 255) / np.float32(255)
    background = np.round(_allowed(background, photo, opacity))
    colour = np.clip(np.round(photo - (1 - opacity) * background), 0, 255 * opacity)
    return np.hstack([colour, 255 * opacity]).round().astype(np.uint8), background.astype(np.uint8)


def _opaque_enough(
    alpha: NDArray[np.float32], photo: NDArray[np.float32], background: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Alpha raised to the least that lets some colour over this background give the photo: loose hair, mostly."""
    difference = photo - background
    least = np.maximum(-difference / np.maximum(background, 1), difference / np.maximum(255 - background, 1))
    certain = np.clip(np.abs(difference).max(1, keepdims=True) / TOLERANCE - 1, 0, 1)
    near = np.clip((alpha - VISIBLE) / (RIM - VISIBLE), 0, 1)
    missing = np.maximum(least.max(1, keepdims=True) - alpha, 0)
    return np.asarray(np.clip(alpha + near * certain * missing, 0, 1), np.float32)


def _allowed(
    background: NDArray[np.float32], photo: NDArray[np.float32], opacity: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Clipped to the backgrounds over which some colour of this opacity gives the photo."""
    through = np.maximum(1 - opacity, np.float32(1e-6))
    darkest = np.clip((photo - 255 * opacity) / through, 0, 255)
    brightest = np.clip(photo / through, 0, 255)
    return np.asarray(np.where(opacity < 1, np.clip(background, darkest, brightest), background))
