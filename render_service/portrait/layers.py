"""Two layers that give the photo back: the person, premultiplied, over the background without them."""

import cv2
import numpy as np
from numpy.typing import NDArray

from render_service.portrait.inpaint import fill_background
from render_service.stages import Frame

WIDEN_CM = 0.12
"""What the fill must not read around the matte: the person's rim colours the background."""
VISIBLE = 0.02
GRAIN_CM = 0.5


def split_layers(image: Frame, alpha: NDArray[np.float32], px_per_cm: float) -> tuple[NDArray[np.uint8], Frame]:
    """foreground [H, W, 4] premultiplied RGBA, background [H, W, 3]: foreground + (1 - alpha) background = image.

    The background is bent, where the matte is thin, to what the photo allows: no foreground is darker than black.
    """
    reach = max(1, round(WIDEN_CM * px_per_cm))
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    unknown = cv2.dilate((alpha > VISIBLE).astype(np.uint8), disk) > 0
    opacity = np.round(alpha * 255)[..., None] / np.float32(255)
    filled = fill_background(image, unknown, GRAIN_CM * px_per_cm)
    background = np.round(_allowed(filled, image, opacity))
    colour = np.clip(np.round(image - (1 - opacity) * background), 0, 255)
    foreground = np.concatenate([colour, opacity * 255], axis=2).round().astype(np.uint8)
    return foreground, background.astype(np.uint8)


def _allowed(background: NDArray[np.float32], image: Frame, opacity: NDArray[np.float32]) -> NDArray[np.float32]:
    """Clipped to the backgrounds over which some colour of this opacity gives the image."""
    through = np.maximum(1 - opacity, 1e-6)
    darkest = np.clip((image - 255 * opacity) / through, 0, 255)
    brightest = np.clip(image / through, 0, 255)
    return np.clip(background, darkest, brightest)
