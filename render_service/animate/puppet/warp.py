"""Draws the posed photo: its pixels where the mesh puts them, over the background, inside the region that moves."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from render_service.animate.puppet import raster
from render_service.animate.puppet.mesh import Mesh
from render_service.portrait.face import Portrait
from render_service.stages import Frame

FINE_TEXTURE_BYTES = 300_000_000
"""Photos whose doubled texture would be larger are sampled as they are: at 2160 high nobody sees the difference."""

FOLD_PX = 3
"""Neighbouring pixels that come from places further apart than this are the two sides of a fold."""


@dataclass(frozen=True)
class Layers:
    """The pictures a frame is made of, cut down to what moves.

    photo:      [H, W, 3], the output at rest.
    region:     left, top, right, bottom px of the part of the output that can move.
    foreground: premultiplied RGBA of the padded picture from `corner` (x, y) on.
    background: RGB behind the region.
    """

    photo: Frame
    region: NDArray[np.int32]
    foreground: NDArray[np.uint8]
    corner: NDArray[np.int32]
    background: Frame


def cut_layers(portrait: Portrait, mesh: Mesh) -> Layers:
    """Keeps of a portrait's pictures what the mesh can reach."""
    pad = portrait.pad
    height, width = (n - 2 * pad for n in portrait.image.shape[:2])
    moved = mesh.source[np.unique(mesh.triangles)]
    low, high = np.floor(moved.min(axis=0)).astype(int), np.ceil(moved.max(axis=0)).astype(int) + 1
    left, top = np.maximum(low - pad, 0)
    right, bottom = np.minimum(high - pad, [width, height])
    corner = np.maximum(low - 1, 0)
    foreground = portrait.foreground[corner[1] : high[1] + 1, corner[0] : high[0] + 1]
    inner = slice(pad, pad + height), slice(pad, pad + width)
    return Layers(
        photo=portrait.image[inner].copy(),
        region=np.array([left, top, right, bottom], np.int32),
        foreground=foreground.copy(),
        corner=corner.astype(np.int32),
        background=portrait.background[inner][top:bottom, left:right].copy(),
    )


class Warper:
    """Holds the texture and the buffers of one portrait; a frame overwrites everything the frame before drew."""

    def __init__(self, layers: Layers, mesh: Mesh, pad: int) -> None:
        self._layers = layers
        self.scale = 2 if layers.foreground.size * 4 <= FINE_TEXTURE_BYTES else 1
        self.texture = fine_texture(layers.foreground) if self.scale == 2 else layers.foreground
        self._source = self.to_texture(mesh.source)
        self._triangles, self._face_count = mesh.triangles, mesh.face_count
        self.corner = layers.corner
        self.region = left, top, right, bottom = [int(n) for n in layers.region]
        self._still = self._identity(left + pad, top + pad, right + pad, bottom + pad)
        self.whole, self.fraction = self._still[0].copy(), self._still[1].copy()

    def to_texture(self, source: NDArray[np.floating]) -> NDArray[np.float32]:
        """[n, 2] px of the padded picture to px of the texture; pixel centres stay centres."""
        at = (np.asarray(source) - self._layers.corner + 0.5) * self.scale - 0.5
        return at.astype(np.float32)

    def draw(self, positions: NDArray[np.float32], canvas: Frame) -> None:
        """Fills the moving region of `canvas`; `whole` and `fraction` then hold its flow."""
        left, top, right, bottom = self.region
        np.copyto(self.whole, self._still[0])
        np.copyto(self.fraction, self._still[1])
        raster.flow(positions, self._source, self._triangles, left, top, self.whole, self.fraction)
        moved = cv2.remap(self.texture, self.whole, self.fraction, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        picture = canvas[top:bottom, left:right]
        raster.over(np.asarray(moved, np.uint8), self._layers.background, picture)
        low, high = positions[: self._face_count].min(axis=0), positions[: self._face_count].max(axis=0)
        columns = max(1, int(low[0]) - left), min(right - left - 1, int(high[0]) + 1 - left)
        rows = max(1, int(low[1]) - top), min(bottom - top - 1, int(high[1]) + 1 - top)
        raster.soften_folds(self.whole, FOLD_PX * self.scale, picture, rows, columns)

    def _identity(self, left: int, top: int, right: int, bottom: int) -> tuple[NDArray[np.int16], NDArray[np.uint16]]:
        """The flow of a photo at rest, for padded px: where nothing moves, pixels come from where they are."""
        columns, rows = np.meshgrid(np.arange(left, right), np.arange(top, bottom))
        at = self.to_texture(np.stack([columns, rows], axis=2).reshape(-1, 2)).reshape(*rows.shape, 2)
        x, y = np.ascontiguousarray(at[..., 0]), np.ascontiguousarray(at[..., 1])
        whole, fraction = cv2.convertMaps(x, y, cv2.CV_16SC2)
        return np.asarray(whole, np.int16), np.asarray(fraction, np.uint16)


def fine_texture(foreground: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The foreground at twice the size, such that sampling it halfway between pixels gives the foreground back.

    Lanczos first, then one back-projection (Irani & Peleg 1991): linear sampling alone would soften the photo.
    """
    height, width = foreground.shape[:2]
    fine = cv2.resize(foreground, (2 * width, 2 * height), interpolation=cv2.INTER_LANCZOS4)
    coarse = cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA)
    missing = cv2.subtract(foreground, coarse, dtype=cv2.CV_16S)
    missing = cv2.resize(missing, (2 * width, 2 * height), interpolation=cv2.INTER_NEAREST)
    return np.asarray(cv2.add(fine, missing, dtype=cv2.CV_8U))
