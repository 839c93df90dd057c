"""The three loops over pixels that numpy has no word for: triangles to a backward flow, a layer over a picture, a tint.

Flows are OpenCV's fixed-point maps (`cv2.convertMaps`): int16 whole pixels and uint16 fractions of 1/32 px, which
`cv2.remap` reads without converting them again, about twice as fast as float maps.
"""

import numba
import numpy as np
from numpy.typing import NDArray

SUBPIXELS = 32
"""Steps to a pixel in OpenCV's fixed-point maps (INTER_TAB_SIZE)."""

_EDGE = 1e-5
"""Barycentric slack, so that no pixel falls between two triangles."""


@numba.njit(cache=True, nogil=True)
def flow(
    positions: NDArray[np.float32],
    source: NDArray[np.float32],
    triangles: NDArray[np.int32],
    left: int,
    top: int,
    whole: NDArray[np.int16],
    fraction: NDArray[np.uint16],
) -> None:
    """Writes where each pixel comes from; later triangles cover earlier ones, other pixels are left as they are.

    positions: [n, 2] px of the output. source: [n, 2] px of the texture. left, top: the map's corner in the output.
    whole: [h, w, 2], fraction: [h, w].
    """
    height, width = fraction.shape
    for i in range(triangles.shape[0]):
        a, b, c = triangles[i, 0], triangles[i, 1], triangles[i, 2]
        ax, ay = float(positions[a, 0]) - left, float(positions[a, 1]) - top
        bx, by = float(positions[b, 0]) - left, float(positions[b, 1]) - top
        cx, cy = float(positions[c, 0]) - left, float(positions[c, 1]) - top
        doubled = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        if abs(doubled) < 1e-9:
            continue
        first_row = max(0, int(np.ceil(min(ay, by, cy) - _EDGE)))
        last_row = min(height - 1, int(np.floor(max(ay, by, cy) + _EDGE)))
        first_column = max(0.0, np.ceil(min(ax, bx, cx) - 1e-6))
        last_column = min(width - 1.0, np.floor(max(ax, bx, cx) + 1e-6))
        if first_row > last_row or first_column > last_column:
            continue
        # barycentric weights of b and c are linear in x and y
        bdx, bdy = (cy - ay) / doubled, -(cx - ax) / doubled
        cdx, cdy = -(by - ay) / doubled, (bx - ax) / doubled
        u0, v0 = float(source[a, 0]), float(source[a, 1])
        ub, vb = float(source[b, 0]) - u0, float(source[b, 1]) - v0
        uc, vc = float(source[c, 0]) - u0, float(source[c, 1]) - v0
        udx, vdx = (bdx * ub + cdx * uc) * SUBPIXELS, (bdx * vb + cdx * vc) * SUBPIXELS
        adx = -bdx - cdx
        for y in range(first_row, last_row + 1):
            wb = (0.0 - ax) * bdx + (y - ay) * bdy
            wc = (0.0 - ax) * cdx + (y - ay) * cdy
            low, high = first_column, last_column
            # each weight must be >= 0: three half-lines in x
            for k in range(3):
                if k == 0:
                    slope, level = bdx, wb
                elif k == 1:
                    slope, level = cdx, wc
                else:
                    slope, level = adx, 1.0 - wb - wc
                if slope > 1e-12:
                    low = max(low, np.ceil((-_EDGE - level) / slope))
                elif slope < -1e-12:
                    high = min(high, np.floor((-_EDGE - level) / slope))
                elif level < -_EDGE:
                    high = -1.0
            start, stop = int(low), int(high) + 1
            u = (u0 + (wb + start * bdx) * ub + (wc + start * cdx) * uc) * SUBPIXELS + 0.5
            v = (v0 + (wb + start * bdx) * vb + (wc + start * cdx) * vc) * SUBPIXELS + 0.5
            for x in range(start, stop):
                ui, vi = int(np.floor(u)), int(np.floor(v))
                whole[y, x, 0] = ui >> 5
                whole[y, x, 1] = vi >> 5
                fraction[y, x] = ((vi & 31) << 5) | (ui & 31)
                u += udx
                v += vdx


@numba.njit(cache=True, nogil=True)
def over(layer: NDArray[np.uint8], background: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
    """Premultiplied RGBA [h, w, 4] over RGB [h, w, 3] into `out`; opaque pixels, nearly all, are copied."""
    for y in range(layer.shape[0]):
        for x in range(layer.shape[1]):
            alpha = np.int32(layer[y, x, 3])
            if alpha == 255:
                for k in range(3):
                    out[y, x, k] = layer[y, x, k]
            else:
                for k in range(3):
                    behind = (np.int32(background[y, x, k]) * (255 - alpha) + 127) // 255
                    out[y, x, k] = np.uint8(min(np.int32(255), np.int32(layer[y, x, k]) + behind))


@numba.njit(cache=True, nogil=True)
def soften_folds(
    whole: NDArray[np.int16], jump: int, out: NDArray[np.uint8], rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    """Averages pixels of `out` with their neighbours where the flow beside them jumps: folds have no edge of their own.

    jump: px of the texture. rows, columns: first and last + 1 to look at, inside the picture by a pixel.
    """
    above = np.zeros((columns[1] - columns[0], 3), np.uint8)  # the row above, as it was before
    for y in range(rows[0], rows[1]):
        before = np.zeros(3, np.uint8)
        for x in range(columns[0], columns[1]):
            folded = False
            for k in range(2):
                here = np.int32(whole[y, x, k])
                folded |= abs(here - whole[y, x + 1, k]) > jump or abs(here - whole[y, x - 1, k]) > jump
                folded |= abs(here - whole[y + 1, x, k]) > jump or abs(here - whole[y - 1, x, k]) > jump
            for k in range(3):
                own = out[y, x, k]
                if folded:
                    left = before[k] if x > columns[0] else out[y, x - 1, k]
                    top = above[x - columns[0], k] if y > rows[0] else out[y - 1, x, k]
                    around = np.int32(left) + np.int32(top) + np.int32(out[y, x + 1, k]) + np.int32(out[y + 1, x, k])
                    out[y, x, k] = np.uint8((2 * np.int32(own) + around + 3) // 6)
                before[k] = own
                above[x - columns[0], k] = own


@numba.njit(cache=True, nogil=True)
def paint(out: NDArray[np.uint8], colour: NDArray[np.float32], alpha: NDArray[np.float32], left: int, top: int) -> None:
    """Straight colour [h, w, 3] 0..255 over `out` by alpha [h, w] 0..1, at (left, top); cut off at the borders."""
    for y in range(max(0, -top), min(alpha.shape[0], out.shape[0] - top)):
        for x in range(max(0, -left), min(alpha.shape[1], out.shape[1] - left)):
            a = alpha[y, x]
            if a > 0:
                for k in range(3):
                    below = np.float32(out[y + top, x + left, k])
                    mixed = below + (colour[y, x, k] - below) * a + np.float32(0.5)
                    out[y + top, x + left, k] = np.uint8(min(max(mixed, np.float32(0)), np.float32(255)))
