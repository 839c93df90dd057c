"""The skin of a shut lid, which an open-eyed photo doesn't show: filled in from the skin around, without lashes."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from render_service.animate.puppet.colours import face_chroma
from render_service.animate.puppet.glasses import is_clear, wears_glasses
from render_service.animate.puppet.mesh import Mesh
from render_service.portrait.face import Points, Portrait

MARGIN_CM = 1.6
"""Skin around the eye that is looked at."""
SMALLEST_PX = 8
"""An eye that is cut off by the border, or smaller, keeps its stretched lid."""
LASHES_CM, LID_CM = 0.16, 0.42
"""The band above the rim that is filled: lashes along all of it, and more towards the middle of the lid."""
WET_CM = 0.07
"""The band below the lower rim that is filled: the wet line, which is hidden when lids touch."""
EDGE_CM = 0.16
"""Softness of the filled part's edge."""
LOOK_AROUND_CM = 0.28
"""Ring around the filled part whose skin counts."""
SAMPLE_CM, SAMPLE_WEIGHT = 0.22, 0.12
"""Patches of skin further away: their radius, and how little they weigh beside the ring."""
RIGHT_SAMPLES = (225, 224, 223, 222, 221, 229, 230, 231, 228, 232)
LEFT_SAMPLES = (445, 444, 443, 442, 441, 449, 450, 451, 448, 452)
CHEEKS = (50, 101, 118, 117, 280, 330, 347, 346)
RING_LIGHT = (0.62, 1.12)
"""Brightness against the cheek that ring pixels may have: neither lash nor highlight."""
LID_LIGHT, LIT_PERCENTILE = (0.93, 1.0), 80
"""Brightness that the lid may have against this percentile of what is around the eye."""
LIT_TINT = 0.75
"""Share of the lit skin's hue in the lid's."""
LID_SHADE = 0.965
SHADE_HUE = np.array([0.7, 1.05, 1.3])
"""Exponents of R, G, B in shade: light that has been through skin is redder."""
RIM_SHADE, RIM_SHADE_CM = 0.16, 0.18
"""A lid curves away towards its lashes."""
CREASE_SHADE, CREASE_AT_CM, CREASE_CM = 0.05, 0.46, 0.08
"""The fold above a lid stays as a soft line."""
DOME_LIGHT, DOME_AT_CM, DOME_CM = 0.06, 0.24, 0.13
"""Between rim and fold the lid bulges over the eyeball, and catches light."""
GRAIN_LIMIT = 5.0
"""Most grey levels of the photo's grain that the filled skin repeats."""


@dataclass(frozen=True)
class LidSkin:
    """picture: [h, w, 4] uint8 straight RGBA; corner: [2] x, y px of its corner in the padded picture."""

    picture: NDArray[np.uint8]
    corner: NDArray[np.int32]


def build_lid_skins(portrait: Portrait, mesh: Mesh) -> tuple[LidSkin | None, LidSkin | None]:
    """Left and right; None behind glasses whose rims a made-up lid would cut."""
    glasses = wears_glasses(portrait)
    left = _lid_skin(portrait, mesh.source[mesh.left_eye].astype(np.float64), LEFT_SAMPLES, glasses=glasses)
    return left, _lid_skin(portrait, mesh.source[mesh.right_eye].astype(np.float64), RIGHT_SAMPLES, glasses=glasses)


def _lid_skin(portrait: Portrait, rim: Points, samples: Sequence[int], *, glasses: bool) -> LidSkin | None:
    scale = portrait.head.px_per_cm
    height, width = portrait.image.shape[:2]
    low = np.maximum(np.floor(rim.min(axis=0) - MARGIN_CM * scale).astype(int), 0)
    high = np.minimum(np.ceil(rim.max(axis=0) + MARGIN_CM * scale).astype(int), [width, height])
    if (high - low).min() < SMALLEST_PX:
        return None
    image = portrait.image[low[1] : high[1], low[0] : high[0]]
    rim = rim - low
    unknown = _unknown(rim, image.shape[:2], scale)
    cheek = _cheek(portrait)
    if glasses and not is_clear(image, unknown, scale, float(cheek.mean())):
        return None
    colours, known = _known_skin(portrait, image, unknown, samples, low, float(cheek.sum()))
    skin = _fill(colours, known).astype(np.float64)
    around = _lit_around(image, unknown, scale)
    light = float(around.sum())
    brightness = np.clip(skin.sum(axis=2, keepdims=True), LID_LIGHT[0] * light, LID_LIGHT[1] * light)
    # dark lashes and make-up take the colour out of what lies nearest; lit skin beside the eye gives it back
    skin = skin / np.maximum(skin.sum(axis=2, keepdims=True), 1) * (1 - LIT_TINT) + around / light * LIT_TINT
    skin = skin * brightness
    hue = 1 + (SHADE_HUE - 1) * face_chroma(portrait)
    skin = skin * _shade(rim, image.shape[:2], scale)[..., None] ** hue
    skin = skin + _grain(portrait, image.shape[:2])[..., None]
    alpha = cv2.GaussianBlur(unknown.astype(np.float32), (0, 0), max(0.8, EDGE_CM * scale))
    alpha = np.clip(alpha * 1.25 - 0.1, 0, 1)
    picture = np.concatenate([np.clip(skin, 0, 255), 255 * alpha[..., None]], axis=2)
    return LidSkin(np.round(picture).astype(np.uint8), low.astype(np.int32))


def _unknown(rim: Points, shape: tuple[int, ...], scale: float) -> NDArray[np.uint8]:
    """1 over the eye and the lid's lashes."""
    half = len(rim) // 2
    outer, inner = rim[0], rim[half]
    along = (inner - outer) / np.linalg.norm(inner - outer)
    up = np.array([-along[1], along[0]])
    up *= -np.sign(up[1])
    height = LASHES_CM + LID_CM * np.sqrt(np.sin(np.linspace(0, np.pi, half + 1)))[:, None]
    above = rim[: half + 1] + up * scale * height
    below = rim[half:] - up * scale * WET_CM
    band = np.concatenate([[outer - 0.12 * scale * along], above, [inner + 0.12 * scale * along], below])
    mask = np.zeros(shape[:2], np.uint8)
    for polygon in (band, rim):
        cv2.fillPoly(mask, [polygon.astype(np.int32)], 1)
    return np.asarray(cv2.dilate(mask, np.ones((3, 3), np.uint8)))


def _lit_around(image: NDArray[np.uint8], unknown: NDArray[np.uint8], scale: float) -> Points:
    """[3] RGB of well lit skin beside the lid: one eye may lie in the shade."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * int(scale) + 1, 2 * int(scale) + 1))
    pixels = image[cv2.dilate(unknown, disc) > unknown].astype(np.float32)
    bright = pixels.sum(axis=1)
    lit = np.abs(bright - np.percentile(bright, LIT_PERCENTILE)) <= 0.05 * bright.max()
    return np.asarray(np.maximum(np.median(pixels[lit], axis=0), 1.0), np.float64)


def _cheek(portrait: Portrait) -> Points:
    """[3] RGB of the cheeks' median."""
    patches = [_patch(portrait.image, portrait.landmarks[i, :2], 2) for i in CHEEKS]
    return np.asarray(np.maximum(np.median(np.concatenate(patches), axis=0), 1.0))


def _patch(image: NDArray[np.uint8], centre: Points, radius: int) -> NDArray[np.float32]:
    """[n, 3] pixels of a square, cut off at the border."""
    x, y = np.round(centre).astype(int)
    rows = slice(max(0, y - radius), max(0, y + radius + 1))
    return image[rows, max(0, x - radius) : max(0, x + radius + 1)].reshape(-1, 3).astype(np.float32)


def _known_skin(
    portrait: Portrait,
    image: NDArray[np.uint8],
    unknown: NDArray[np.uint8],
    samples: Sequence[int],
    corner: NDArray[np.int_],
    cheek: float,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Colours [h, w, 3] and how much each is trusted [h, w]."""
    scale = portrait.head.px_per_cm
    radius = max(2, int(SAMPLE_CM * scale))
    colours, known = np.zeros(image.shape, np.float32), np.zeros(unknown.shape, np.float32)
    found = []
    for i in samples:
        pixels = _patch(portrait.image, portrait.landmarks[i, :2], radius)
        if len(pixels) < 4:
            continue
        bright = pixels.sum(axis=1)
        plain = (bright >= np.percentile(bright, 45)) & (bright <= np.percentile(bright, 85))
        found.append((portrait.landmarks[i, :2] - corner, pixels[plain].mean(axis=0)))
    middle = np.median([colour for _, colour in found], axis=0)
    for (x, y), colour in found:
        odd = np.abs(colour - middle).max() > 45
        blended = middle if odd else 0.7 * colour + 0.3 * middle
        centre = (round(float(x)), round(float(y)))
        cv2.circle(known, centre, radius, SAMPLE_WEIGHT, -1)
        cv2.circle(colours, centre, radius, [float(c) for c in blended], -1)
    reach = max(2, int(LOOK_AROUND_CM * scale))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    smooth = cv2.GaussianBlur(image, (0, 0), max(0.6, 0.05 * scale)).astype(np.float32)
    bright = smooth.sum(axis=2)
    ring = (cv2.dilate(unknown, disc) > unknown) & (bright > RING_LIGHT[0] * cheek) & (bright < RING_LIGHT[1] * cheek)
    colours[ring], known[ring] = smooth[ring], 1.0
    return colours, known


def _fill(colours: NDArray[np.float32], known: NDArray[np.float32]) -> NDArray[np.float32]:
    """Spreads known colours over the rest by a pyramid: averages going down, filling gaps coming up (push-pull)."""
    height, width = known.shape
    weighted = colours * known[..., None]
    if min(height, width) <= 4:
        mean = weighted.sum(axis=(0, 1)) / max(float(known.sum()), 1e-4)
        coarse = np.broadcast_to(mean, colours.shape)
    else:
        size = ((width + 1) // 2, (height + 1) // 2)
        smaller, trusted = (
            np.asarray(cv2.resize(cv2.GaussianBlur(a, (0, 0), 1), size, interpolation=cv2.INTER_AREA), np.float32)
            for a in (weighted, known)
        )
        smaller = _fill(smaller / np.maximum(trusted, 1e-4)[..., None], trusted)
        coarse = cv2.resize(smaller, (width, height), interpolation=cv2.INTER_LINEAR)
    trust = np.clip(known, 0, 1)[..., None]
    return np.asarray(colours * trust + coarse * (1 - trust), np.float32)


def _shade(rim: Points, shape: tuple[int, ...], scale: float) -> NDArray[np.float32]:
    line = np.ones(shape[:2], np.uint8)
    cv2.polylines(line, [rim[: len(rim) // 2 + 1].astype(np.int32)], False, 0, 1)
    distance = distance_transform_edt(line) / scale
    towards_rim = RIM_SHADE * np.exp(-((distance / RIM_SHADE_CM) ** 2))
    crease = CREASE_SHADE * np.exp(-(((distance - CREASE_AT_CM) / CREASE_CM) ** 2))
    dome = DOME_LIGHT * np.exp(-(((distance - DOME_AT_CM) / DOME_CM) ** 2))
    return np.asarray(LID_SHADE * (1 - towards_rim - crease + dome), np.float32)


def _grain(portrait: Portrait, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Noise like the photo's on its cheek; without it filled skin looks painted."""
    mask = np.zeros(portrait.image.shape[:2], np.uint8)
    cv2.fillPoly(mask, [portrait.landmarks[[50, 101, 118, 117], :2].astype(np.int32)], 1)
    rough = portrait.image.astype(np.float32) - cv2.GaussianBlur(portrait.image, (0, 0), 1.2)
    pixels = rough[mask > 0]
    deviation = float(np.clip(pixels.std() if len(pixels) > 20 else 1, 0, GRAIN_LIMIT))
    noise = np.random.default_rng(0).normal(0, 1.6 * deviation, shape[:2]).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(noise, (0, 0), 0.7))
