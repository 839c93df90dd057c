"""Teeth and tongue made up for mouths that the photo shows closed: flat pictures in centimetres, tinted by the face."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from render_service.animate.puppet.colours import Colour, Colours
from render_service.animate.puppet.shapes import smoothstep
from render_service.portrait.face import Points

SHEET_CM = (6.4, 3.2)
"""Width and height of each picture; x = 0 is in the middle."""
UPPER_WIDTHS_CM, UPPER_HEIGHTS_CM = (0.84, 0.64, 0.70, 0.55, 0.45, 0.35), (0.98, 0.86, 0.94, 0.80, 0.74, 0.70)
LOWER_WIDTHS_CM, LOWER_HEIGHTS_CM = (0.52, 0.56, 0.62, 0.55, 0.48, 0.40), (0.80, 0.82, 0.86, 0.78, 0.72, 0.70)
"""Crowns from the middle outwards, incisors to molar, as seen from the front (Ash & Nelson, Dental Anatomy)."""
AVERAGE_MOUTH_CM = 4.9
"""Width between the corners that goes with these teeth."""
LOWER_SHADE = 0.78
"""Lower teeth lie further in, in the shade of the upper ones."""
FINENESS = 2.0
"""Pixels of the pictures to one of the photo."""


@dataclass(frozen=True)
class MouthSheets:
    """Premultiplied RGBA uint8 of `SHEET_CM`, and their pixels a centimetre.

    upper: row 0 is the root line. lower: the edge of the teeth is `LOWER_EDGE_CM` below row 0. tongue: on the jaw.
    """

    upper: NDArray[np.uint8]
    lower: NDArray[np.uint8]
    tongue: NDArray[np.uint8]
    px_per_cm: float


UPPER_EDGE_CM = max(UPPER_HEIGHTS_CM)
"""From row 0 of the upper sheet down to the edge of the teeth."""
LOWER_EDGE_CM = SHEET_CM[1] - max(LOWER_HEIGHTS_CM)
"""From row 0 of the lower sheet down to the edge of the teeth."""
TONGUE_CENTRE_CM = 0.62 * SHEET_CM[1]


def mouth_sheets(colours: Colours, mouth_width_cm: float, px_per_cm: float) -> MouthSheets:
    """Draws teeth and tongue for one face at one scale."""
    fine = float(np.clip(FINENESS * px_per_cm, 8, 80))
    size = float(np.clip(mouth_width_cm / AVERAGE_MOUTH_CM, 0.85, 1.15))
    x, y = _axes(fine)
    upper = _row(x, y, [w * size for w in UPPER_WIDTHS_CM], UPPER_HEIGHTS_CM)
    lower = _row(x, y, [w * size for w in LOWER_WIDTHS_CM], LOWER_HEIGHTS_CM)
    return MouthSheets(
        upper=_toothed(x, y, upper, colours, 1.0, 2.9 * size, 0.86),
        lower=_toothed(x, y, lower, colours, LOWER_SHADE, 2.4 * size, 0.70)[::-1].copy(),
        tongue=_tongue(x, y, colours.tongue),
        px_per_cm=fine,
    )


def _axes(fine: float) -> tuple[Points, Points]:
    """x and y of every pixel centre in cm, y down from row 0."""
    columns, rows = round(SHEET_CM[0] * fine), round(SHEET_CM[1] * fine)
    x, y = np.meshgrid((np.arange(columns) + 0.5) / fine - SHEET_CM[0] / 2, (np.arange(rows) + 0.5) / fine)
    return x, y


def _row(x: Points, y: Points, widths: Sequence[float], heights: Sequence[float]) -> tuple[Points, Points]:
    """Coverage and brightness of one row of teeth."""
    coverage, shade = np.zeros_like(x), np.ones_like(x)
    start = 0.0
    for width, height in zip(widths, heights, strict=True):
        for side in (-1, 1):
            centre = side * (start + width / 2)
            across = np.abs(x - centre) / (width / 2)
            # crowns taper to the root and are rounded at the edge
            taper = 1 - 0.10 * np.clip(1 - y / height, 0, 1)
            edge = height - 0.14 * np.clip(across, 0, 1) ** 4
            tooth = smoothstep(1.04, 0.86, across / taper) * smoothstep(0.02, -0.02, y - edge)
            round_off = 1 - 0.13 * np.clip(across, 0, 1) ** 3
            in_shade = 1 - 0.10 * smoothstep(0.5 * height, 0.0, y) - 0.05 * smoothstep(0.75 * height, height, y)
            gleam = 0.10 * np.exp(-(((x - centre + 0.08) / (0.22 * width)) ** 2) - ((y - 0.55 * height) / 0.16) ** 2)
            shade = np.where(tooth > 0.5, round_off * in_shade + gleam, shade)
            coverage = np.maximum(coverage, tooth)
        start += width
    return coverage, shade


def _toothed(
    x: Points,
    y: Points,
    row: tuple[Points, Points],
    colours: Colours,
    brightness: float,
    half_width_cm: float,
    band_cm: float,
) -> NDArray[np.uint8]:
    coverage, shade = row
    # dark gaps between crowns, gum where their roots begin
    band = 0.9 * smoothstep(half_width_cm, half_width_cm - 0.4, np.abs(x)) * smoothstep(band_cm, band_cm - 0.08, y)
    gaps = brightness * (0.66 * colours.tooth + 0.10 * colours.lip)
    # further back less light arrives, and it comes through lips and cheeks: green and blue fade first
    aside = np.clip(np.abs(x) / 2.6, 0, 1)[..., None] ** 1.6
    fading = np.array([0.45, 0.56, 0.60])
    reaching = 1 - aside * (fading * colours.chroma + fading.mean() * (1 - colours.chroma))
    gum = smoothstep(0.20, 0.10, y)[..., None]
    behind = (gaps * (1 - gum) + brightness * colours.gum * gum) * reaching
    enamel = brightness * colours.tooth * shade[..., None] * reaching
    # the gum covers the necks of the crowns in arches
    coverage = coverage * (1 - 0.9 * smoothstep(0.16, 0.08, y))
    colour = behind * (1 - coverage[..., None]) + enamel * coverage[..., None]
    return _premultiplied(colour, np.maximum(coverage, band))


def _tongue(x: Points, y: Points, colour: Colour) -> NDArray[np.uint8]:
    centre = TONGUE_CENTRE_CM
    alpha = 0.92 * smoothstep(1.05, 0.55, (x / 1.75) ** 2 + ((y - centre) / 1.15) ** 2)
    shade = 0.62 + 0.38 * np.exp(-((x / 1.2) ** 2 + ((y - (centre - 0.55)) / 0.6) ** 2))
    furrow = 0.10 * np.exp(-((x / 0.12) ** 2)) * (y > centre - 0.9)
    return _premultiplied(colour * (shade - furrow)[..., None], alpha)


def _premultiplied(colour: Points, alpha: Points) -> NDArray[np.uint8]:
    """RGB 0..255 and alpha 0..1 as one uint8 picture."""
    rgba = np.concatenate([np.clip(colour, 0, 255) * alpha[..., None], 255 * alpha[..., None]], axis=2)
    return np.round(rgba).astype(np.uint8)
