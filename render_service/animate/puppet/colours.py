"""The colours a face lends to what the photo doesn't show: the inside of the mouth, teeth, tongue."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from render_service.animate.puppet.mesh import Mesh
from render_service.portrait.face import Portrait
from render_service.portrait.indices import (
    LEFT_LIDS,
    OUTER_LOWER_LIP,
    OUTER_UPPER_LIP,
    OVAL_LOOP,
    RIGHT_LIDS,
)

Colour = NDArray[np.float32]

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of R, G, B in brightness (ITU-R BT.601)."""
FEW_PIXELS = 8
GREY_SATURATION, COLOUR_SATURATION = 0.02, 0.12
"""Median saturations of a face between which made-up colours go from grey to full: black-and-white photos stay so."""
TOOTH_TINT = np.array([1.0, 0.985, 0.93], np.float32)
"""Enamel under white light: a little yellow."""
SKIN_IN_WHITE_LIGHT = np.array([1.0, 0.76, 0.64], np.float32)
"""Skin of any tone against its own red under white light (means of light and dark skin, Pantone SkinTone ends)."""
LIGHT_FROM_SKIN = 0.7
"""How far the light is judged by the skin: a varnished painting or a lamp tints everything in it, teeth too."""
TOOTH_OF_SKIN, TOOTH_FALL = 1.38, 0.36
"""Enamel against lit skin: brighter than dark skin, a little darker than pale skin, for it stands behind the lips."""
SHADE_OF_SKIN = np.array([0.62, 0.42, 0.36], np.float32)
"""Skin in its own shade against the same skin in light: darker and redder."""
CAVITY_OF_LIP = np.array([0.24, 0.17, 0.20], np.float32)
"""The mouth's inside against its lips: dark, redder in the shade."""
DARKEST_CAVITY = 0.22
"""Share of the skin's brightness that the cavity never exceeds."""


@dataclass(frozen=True)
class Colours:
    """RGB float32 [3], 0..255.

    chroma: 0 for a grey face, 1 for one in colour; a number, like skin_luma, the brightness of skin in 0..255.
    skin: lit skin. lip: the lips' median. tooth, tongue, cavity, gum: made up, like shade, skin in its own folds.
    """

    chroma: float
    skin: Colour
    skin_luma: float
    lip: Colour
    tooth: Colour
    tongue: Colour
    cavity: Colour
    gum: Colour
    shade: Colour


def read_colours(portrait: Portrait, mesh: Mesh) -> Colours:
    """Measures skin, lips and the whites of the eyes, and makes up the rest under the same light."""
    face = pixels_inside(portrait, portrait.landmarks[list(OVAL_LOOP), :2])
    luma = face @ LUMA
    lit = face[(luma > np.percentile(luma, 60)) & (luma < np.percentile(luma, 90))]
    skin = lit.mean(axis=0) if len(lit) else face.mean(axis=0)
    skin_luma = float(np.percentile(luma, 85))
    lips = portrait.landmarks[[*OUTER_UPPER_LIP, *OUTER_LOWER_LIP[-2:0:-1]], :2]
    lip_pixels = pixels_inside(portrait, lips, but_not=mesh.source[mesh.mouth])
    lip = np.median(lip_pixels, axis=0) if len(lip_pixels) > FEW_PIXELS else skin * np.array([0.85, 0.6, 0.6])
    white = _eye_white(portrait, mesh, skin)
    light = (0.35 * white / max(float(white.mean()), 1.0) + 0.65) * light_of_skin(skin)
    enamel_luma = skin_luma * (TOOTH_OF_SKIN - TOOTH_FALL * skin_luma / 255)
    chroma = face_chroma(portrait)

    def made_up(colour: NDArray[np.floating]) -> Colour:
        return np.asarray(colour * chroma + colour.mean() * (1 - chroma), np.float32)

    return Colours(
        chroma=chroma,
        skin=np.asarray(skin, np.float32),
        skin_luma=skin_luma,
        lip=np.asarray(lip, np.float32),
        tooth=made_up(np.clip(light * TOOTH_TINT * enamel_luma, 0, 245)),
        tongue=made_up(0.35 * lip + 0.35 * skin * np.array([1.0, 0.72, 0.75])),
        cavity=made_up(np.minimum(lip * CAVITY_OF_LIP, skin_luma * DARKEST_CAVITY)),
        shade=made_up(skin * SHADE_OF_SKIN),
        gum=made_up(0.62 * lip + 0.20 * skin * np.array([1.0, 0.72, 0.72])),
    )


def pixels_inside(
    portrait: Portrait, loop: NDArray[np.floating], *, but_not: NDArray[np.floating] | None = None
) -> NDArray[np.float32]:
    """[n, 3] RGB of the pixels inside one loop and outside another."""
    mask = np.zeros(portrait.image.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round(loop).astype(np.int32)], 1)
    if but_not is not None:
        cv2.fillPoly(mask, [np.round(but_not).astype(np.int32)], 0)
    return portrait.image[mask > 0].astype(np.float32)


def face_chroma(portrait: Portrait) -> float:
    """0 for a grey face, 1 for one in colour."""
    face = pixels_inside(portrait, portrait.landmarks[list(OVAL_LOOP), :2])
    saturation = float(np.median(np.ptp(face, axis=1) / np.maximum(face.max(axis=1), 1)))
    return float(np.clip((saturation - GREY_SATURATION) / (COLOUR_SATURATION - GREY_SATURATION), 0, 1))


def light_of_skin(skin: NDArray[np.floating]) -> NDArray[np.floating]:
    """[3], at most 1: what the light leaves of white, judged by how much warmer skin looks than in white light.

    Paler skin says nothing of the light, so the tint only ever warms.
    """
    seen = skin / max(float(skin[0]), 1.0) / SKIN_IN_WHITE_LIGHT
    return np.asarray(np.clip(seen, 0.25, 1.0) ** LIGHT_FROM_SKIN)


def _eye_white(portrait: Portrait, mesh: Mesh, fallback: NDArray[np.floating]) -> NDArray[np.floating]:
    """Mean colour of the brighter pixels between lids and iris: what the light makes of something white."""
    mask = np.zeros(portrait.image.shape[:2], np.uint8)
    for lids, loop in ((RIGHT_LIDS, mesh.right_eye), (LEFT_LIDS, mesh.left_eye)):
        cv2.fillPoly(mask, [np.round(mesh.source[loop]).astype(np.int32)], 1)
        iris, radius = iris_circle(portrait, lids.iris)
        cv2.circle(mask, (round(float(iris[0])), round(float(iris[1]))), int(radius * 1.2), 0, -1)
    pixels = portrait.image[mask > 0].astype(np.float32)
    if len(pixels) <= FEW_PIXELS:
        return fallback
    luma = pixels @ LUMA
    return np.asarray(pixels[luma >= np.percentile(luma, 60)].mean(axis=0))


def iris_circle(portrait: Portrait, index: int) -> tuple[NDArray[np.float64], float]:
    """Centre [2] px and radius px of an iris, from its landmark and the four on its edge."""
    centre = portrait.landmarks[index, :2]
    edge = portrait.landmarks[index + 1 : index + 5, :2]
    return centre, float(np.linalg.norm(edge - centre, axis=1).mean())
