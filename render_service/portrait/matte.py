"""Cuts the person out of the picture: segmentation of head and shoulders, sharpened along the picture's own edges."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from render_service.portrait.face import HeadFrame, Points
from render_service.portrait.guided import guided_filter
from render_service.portrait.indices import CHIN, FACE_VERTICES
from render_service.portrait.matting import settle
from render_service.portrait.networks import network
from render_service.stages import Frame

Plane = NDArray[np.float32]
Mask = NDArray[np.bool_]
Window = tuple[slice, slice]

SEGMENTER_PX = 256
NEAR_REACH_CM, FAR_REACH_CM, REACH_DOWN = 24.0, 60.0, 1.1
"""Half sides of the windows that are segmented, and how much further they reach down: head and shoulders finely, what
is around them coarsely. The near one must hold the widest hair with something around it."""
NEAR_FADE_CM = 3.0
BACKGROUND_BELOW = 0.3
GUIDED_RADIUS_CM, GUIDED_EPSILON = 0.6, 1e-4
GENEROUS_FROM, GENEROUS_SPAN = 0.25, 0.45
"""The soft matte is read generously: a rim of background that moves along is seen less than a cut-off ear."""
NARROW_FROM, NARROW_SPAN = 0.3, 0.55
"""Read narrowly before another background, where a rim of the old one is what is seen."""
WIDEN_CM, BLUR_CM, MIN_BLUR_PX = 0.12, 0.10, 0.7
STILL_FROM_CM, STILL_FULL_CM = 11.0, 15.0
"""Below the chin: from here on nothing moves, so the moving layer may be the whole picture."""
MIN_FACE_COVER, MIN_BACKGROUND_SHARE = 0.85, 0.03
"""A matte that misses part of the face, or a crop that is all person: no layers then."""


@dataclass(frozen=True)
class Matte:
    """layered: whether the cut is good enough to use; person, alpha: see `Portrait`.

    opacity: [H, W] 0..1, how much of each pixel is the person, as narrow as the photo shows them.
    """

    layered: bool
    person: Mask
    alpha: Plane
    opacity: Plane


class Segmenter:
    """Persons against background (MediaPipe's selfie segmentation). Loads once. Raises Fault (WEIGHTS_MISSING)."""

    def __init__(self) -> None:
        self._network = network("selfie_segmentation.tflite")

    def segment(self, picture: Frame) -> Plane:
        """[H, W] 0..1, soft: the mean over the picture and its mirror image, which err at different places."""
        small = cv2.resize(picture, (SEGMENTER_PX, SEGMENTER_PX), interpolation=cv2.INTER_AREA)
        small = np.asarray(small, np.float32) * np.float32(1 / 255)
        mask = (self._mask(small) + self._mask(small[:, ::-1])[:, ::-1]) / 2
        return np.asarray(cv2.resize(mask, picture.shape[1::-1], interpolation=cv2.INTER_LINEAR))

    def _mask(self, small: Plane) -> Plane:
        return self._network.run(small[None])[0][0, :, :, 0]


def cut_out(
    segmenter: Segmenter, image: Frame, pad: int, landmarks: Points, head: HeadFrame, others: list[Points]
) -> Matte:
    """image: padded; landmarks: [478, 3] px on it; others: those of the other faces, whose owners stay still."""
    scale = head.px_per_cm
    soft, layered = _soft_matte(segmenter, image, pad, landmarks, scale)
    face = _face_mask(image.shape[:2], landmarks)
    soft *= _nearer_share(image.shape[:2], landmarks, others)
    generous = np.clip((soft - GENEROUS_FROM) / GENEROUS_SPAN, 0, 1)
    generous = np.maximum(generous, cv2.GaussianBlur(face, (0, 0), 1))
    generous *= _connected(generous, landmarks)
    person = generous > 0.5
    if not layered:
        return Matte(False, person, *[np.ones(image.shape[:2], np.float32)] * 2)
    narrow = np.clip((soft - NARROW_FROM) / NARROW_SPAN, 0, 1) * _connected(generous, landmarks)
    opacity = np.maximum(narrow, cv2.GaussianBlur(face, (0, 0), 1)).astype(np.float32)
    alpha = np.maximum(_widened(generous, scale), _still_part(image.shape[:2], landmarks, head))
    return Matte(True, person, np.clip(alpha, 0, 1).astype(np.float32), opacity)


def _soft_matte(segmenter: Segmenter, image: Frame, pad: int, landmarks: Points, scale: float) -> tuple[Plane, bool]:
    """The matte on the whole padded picture, and whether it is good enough to cut by."""
    picture = image[pad : image.shape[0] - pad, pad : image.shape[1] - pad]
    centre = landmarks[:FACE_VERTICES, :2].mean(0) - pad
    near, far = (_window(picture.shape[:2], centre, reach * scale) for reach in (NEAR_REACH_CM, FAR_REACH_CM))
    matte = np.zeros(picture.shape[:2], np.float32)
    matte[far] = segmenter.segment(picture[far])
    if near != far:
        matte[near] += _inner_share(matte.shape, near, NEAR_FADE_CM * scale) * (
            segmenter.segment(picture[near]) - matte[near]
        )
    radius = max(2, int(GUIDED_RADIUS_CM * scale))
    guide = _unit(picture[far])
    matte[far] = np.clip(guided_filter(guide, matte[far], radius, GUIDED_EPSILON), 0, 1)
    face = _face_mask(picture.shape[:2], landmarks - np.array([pad, pad, 0])) > 0
    good = matte[face].mean() > MIN_FACE_COVER and (matte[near] < BACKGROUND_BELOW).mean() > MIN_BACKGROUND_SHARE
    matte[far] = settle(guide, matte[far], face[far], scale)
    matte[far[0].stop :] = matte[far[0].stop - 1]
    whole = cv2.copyMakeBorder(matte, pad, pad, pad, pad, cv2.BORDER_REFLECT_101)
    return np.asarray(whole), bool(good)


def _unit(picture: Frame) -> Plane:
    return picture.astype(np.float32) * np.float32(1 / 255)


def _window(shape: tuple[int, ...], centre: Points, reach: float) -> Window:
    """Rows and columns around the centre, `REACH_DOWN` further below it, within the picture."""
    x0, y0 = np.maximum(0, (centre - reach).astype(int))
    x1, y1 = np.minimum([shape[1], shape[0]], (centre + np.array([reach, reach * REACH_DOWN])).astype(int))
    return slice(int(y0), int(y1)), slice(int(x0), int(x1))


def _inner_share(shape: tuple[int, ...], window: Window, fade: float) -> Plane:
    """Of the window's size: 1 inside, falling to 0 at its edges, except where they are the picture's own."""
    shares = []
    for extent, part in zip(shape, window, strict=True):
        at = np.arange(part.start, part.stop)
        low = np.inf if part.start == 0 else (at - part.start) / fade
        high = np.inf if part.stop == extent else (part.stop - 1 - at) / fade
        shares.append(np.clip(np.minimum(low, high) + np.zeros(len(at)), 0, 1))
    return np.asarray(np.minimum.outer(*shares), np.float32)


def _face_mask(shape: tuple[int, int], landmarks: Points) -> Plane:
    mask = np.zeros(shape, np.uint8)
    hull = cv2.convexHull(landmarks[:FACE_VERTICES, :2].astype(np.float32))
    cv2.fillConvexPoly(mask, hull.astype(np.int32), 1)
    return mask.astype(np.float32)


def _nearer_share(shape: tuple[int, int], landmarks: Points, others: list[Points]) -> Plane:
    """1 where the chosen face is nearest, in sizes of each face; fading to 0 over where another one is."""
    share = np.ones(shape, np.float32)
    own = _distance_in_faces(shape, landmarks) if others else share
    for other in others:
        margin = _distance_in_faces(shape, other) - own
        share *= np.clip(margin / 0.3 + 0.5, 0, 1)
    return share


def _distance_in_faces(shape: tuple[int, int], landmarks: Points) -> Plane:
    flat = landmarks[:FACE_VERTICES, :2]
    (x, y), size = flat.mean(0), np.ptp(flat, axis=0).max()
    right = np.arange(shape[1], dtype=np.float32) - np.float32(x)
    down = np.arange(shape[0], dtype=np.float32) - np.float32(y)
    return np.asarray(np.hypot(right[None], down[:, None]) / np.float32(size))


def _connected(matte: Plane, landmarks: Points) -> Plane:
    """1 on the connected part that holds the face, and a little around it."""
    _, labels = cv2.connectedComponents((matte > 0.5).astype(np.uint8))
    height, width = matte.shape
    x, y = np.clip(landmarks[:FACE_VERTICES, :2].mean(0).astype(int), 0, [width - 1, height - 1])
    part = (labels == labels[y, x]).astype(np.uint8)
    return np.asarray(cv2.dilate(part, np.ones((5, 5), np.uint8)), np.float32)


def _widened(matte: Plane, scale: float) -> Plane:
    reach = max(1, round(WIDEN_CM * scale))
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    return np.asarray(cv2.GaussianBlur(cv2.dilate(matte, disk), (0, 0), max(MIN_BLUR_PX, BLUR_CM * scale)))


def _still_part(shape: tuple[int, int], landmarks: Points, head: HeadFrame) -> Plane:
    """Rises from 0 to 1 below the chin, along the head's own down."""
    roll = np.deg2rad(head.yaw_pitch_roll[2])
    x, y = landmarks[CHIN, :2]
    along_x = -(np.arange(shape[1]) - x) * np.sin(roll) / head.px_per_cm
    along_y = (np.arange(shape[0]) - y) * np.cos(roll) / head.px_per_cm
    below = np.add.outer(along_y.astype(np.float32), along_x.astype(np.float32))
    t = np.clip((below - np.float32(STILL_FROM_CM)) / np.float32(STILL_FULL_CM - STILL_FROM_CM), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))
