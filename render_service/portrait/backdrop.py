"""Puts the person before another background: clean colours at the rims, and what is behind blurred or exchanged."""

import cv2
import numpy as np
from numpy.typing import NDArray

from render_service.portrait.inpaint import fill_background
from render_service.portrait.layers import VISIBLE, WIDEN_CM
from render_service.stages import Backdrop, Frame

Plane = NDArray[np.float32]

BLUR_CM = 1.5
"""Sigma at the face's scale: a portrait lens wide open, seen on eight portraits; less still shows what is there."""
FAR_REACH_CM, NEAR_REACH_CM = 2.0, 0.25
"""Half sides of the two windows that colours are gathered from: what the person is like here, then its strands."""
PURE = 3
"""Power of the opacity that a pixel counts with: what is half the background's colour tells little of the person's."""
LEAST_WEIGHT = 1e-4


def put_before(
    image: Frame, opacity: Plane, backdrop: Backdrop, pad: int, px_per_cm: float
) -> tuple[NDArray[np.uint8], Frame, Frame]:
    """image: [H, W, 3] padded by `pad`; opacity: [H, W] 0..1, the person alone; backdrop: see `Backdrop`.

    Returns foreground [H, W, 4] premultiplied RGBA, background [H, W, 3] and the first over the second [H, W, 3].
    """
    opacity = np.where(opacity > VISIBLE, opacity, 0).astype(np.float32)
    if isinstance(backdrop, str):
        behind = _blurred(image, opacity, px_per_cm)
    else:
        height, width = (n - 2 * pad for n in image.shape[:2])
        behind = np.asarray(
            cv2.copyMakeBorder(_covering(backdrop, width, height), pad, pad, pad, pad, cv2.BORDER_REFLECT_101), np.uint8
        )
    colours = clean_colours(image, opacity, px_per_cm)
    steps = np.round(opacity * 255)
    foreground = np.dstack([np.round(colours * steps[..., None] / 255), steps]).astype(np.uint8)
    through = 255 - foreground[..., 3:].astype(np.uint32)
    composed = foreground[..., :3] + ((behind * through + 127) // 255).astype(np.uint8)
    return foreground, behind, composed


def clean_colours(image: Frame, opacity: Plane, px_per_cm: float) -> Plane:
    """The person's own colours [H, W, 3] 0..255 also where the photo mixes them with its background.

    Blur fusion (Forte 2021, "Approximate Fast Foreground Colour Estimation"): both layers are local means weighted
    by their opacity, corrected by what their mixture misses of the photo; once widely, once finely.
    """
    photo = image.astype(np.float32)
    person = behind = photo
    for reach_cm in (FAR_REACH_CM, NEAR_REACH_CM):
        side = 2 * max(1, round(reach_cm * px_per_cm)) + 1
        person = _local_mean(person, opacity**PURE, side)
        behind = _local_mean(behind, (1 - opacity) ** PURE, side)
        share = opacity[..., None]
        person = np.clip(person + share * (photo - share * person - (1 - share) * behind), 0, 255)
    return np.where(opacity[..., None] < 1, person, photo)


def _local_mean(colours: Plane, weight: Plane, side: int) -> Plane:
    total = cv2.blur(weight, (side, side))
    return np.asarray(cv2.blur(colours * weight[..., None], (side, side)) / np.maximum(total, LEAST_WEIGHT)[..., None])


def _blurred(image: Frame, opacity: Plane, px_per_cm: float) -> Frame:
    """The background without the person, out of focus: a mean that never reads what the person covers."""
    reach = max(1, round(WIDEN_CM * px_per_cm))
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    hidden = cv2.dilate((opacity > 0).astype(np.uint8), disk) > 0
    filled = fill_background(image, hidden, px_per_cm)
    return np.asarray(cv2.GaussianBlur(filled, (0, 0), BLUR_CM * px_per_cm), np.uint8)


def _covering(picture: Frame, width: int, height: int) -> Frame:
    """The middle of a picture, as large as it must be to cover the frame."""
    scale = max(width / picture.shape[1], height / picture.shape[0])
    across, down = min(picture.shape[1], round(width / scale)), min(picture.shape[0], round(height / scale))
    left, top = (picture.shape[1] - across) // 2, (picture.shape[0] - down) // 2
    part = picture[top : top + max(1, down), left : left + max(1, across)]
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(part, (width, height), interpolation=interpolation), np.uint8)
