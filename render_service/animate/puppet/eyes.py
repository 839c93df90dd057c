"""The eyes: eyeballs that look around behind the lids, lids without lashes smeared over them, and the lash line."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from render_service.animate.puppet import raster
from render_service.animate.puppet.boxes import Box, whole
from render_service.animate.puppet.camera import Camera
from render_service.animate.puppet.colours import iris_circle
from render_service.animate.puppet.controls import Pose
from render_service.animate.puppet.deform import Drawn
from render_service.animate.puppet.lid_skin import LidSkin, build_lid_skins
from render_service.animate.puppet.masks import line_mask, polygon_mask
from render_service.animate.puppet.mesh import Mesh
from render_service.animate.puppet.shapes import smoothstep
from render_service.animate.puppet.warp import Warper
from render_service.portrait.face import Points, Portrait
from render_service.portrait.indices import LEFT_LIDS, RIGHT_LIDS, Lids
from render_service.stages import Frame

RINGS = (0.3, 0.55, 0.8, 1.0, 1.25)
"""Rings of the eyeball's mesh as shares of the way from its middle to the lids; the last lies behind them."""
IRIS_MOVES, WHITE_STAYS = 1.05, 1.9
"""Distances in iris radii within which the eyeball follows a gaze fully, and beyond which not at all."""
LID_SHADOW_CM, LID_SHADOW = 0.12, 0.5
"""The shadow of a closing lid on the eyeball: its softness and strength."""
LASH_CM, LASH_SHADE_CM, LASH_STRENGTH = 0.10, 0.13, 0.6
"""The line of lashes along a shut lid, the soft shade below it, and how dark both are."""
LASH_FROM, LASH_FULL = 0.5, 0.95
"""Blinks between which the lash line appears."""
SKIN_FROM, SKIN_FULL = 0.1, 0.5
"""Blinks between which the lash-free lid replaces the stretched photo."""
CREASE_CM, CREASE_SOFT_CM, CREASE_STRENGTH = 0.05, 0.07, 0.30
CREASE_HEIGHT = 0.45
"""The fold above a shut lid: its width and softness, how dark it is, and where it lies between the two rows above."""
SHUT_FROM, SHUT = 0.86, 0.97
"""Blinks between which the eyeball disappears."""


_UNSET = 0xFFFF
"""No fraction of a fixed-point map is this large."""


@dataclass(frozen=True)
class Eye:
    """One eyeball as a small polar mesh.

    source: [n, 2] float32 px of the padded picture. rest: [n, 3] cm. triangles: [m, 3].
    follow: [n] share of the gaze each vertex follows. loop: vertices of the face's mesh around the eye.
    crease: [2, 7] vertices of the face's mesh between which the fold above a shut lid lies.
    lash:   [3] RGB of the lashes.
    """

    source: NDArray[np.float32]
    rest: NDArray[np.float64]
    triangles: NDArray[np.int32]
    follow: NDArray[np.float32]
    loop: NDArray[np.int32]
    crease: NDArray[np.int32]
    lash: NDArray[np.float32]


@dataclass(frozen=True)
class Eyes:
    """Both eyes; skins are None behind rims, where lids only stretch."""

    left: Eye
    right: Eye
    left_skin: LidSkin | None
    right_skin: LidSkin | None


def build_eyes(portrait: Portrait, mesh: Mesh) -> Eyes:
    """Cuts the eyeballs out and makes lids for them."""
    left_skin, right_skin = build_lid_skins(portrait, mesh)
    return Eyes(
        left=_eye(portrait, mesh.source, mesh.left_eye, LEFT_LIDS),
        right=_eye(portrait, mesh.source, mesh.right_eye, RIGHT_LIDS),
        left_skin=left_skin,
        right_skin=right_skin,
    )


def _eye(portrait: Portrait, mesh_source: NDArray[np.float32], loop: NDArray[np.int32], lids: Lids) -> Eye:
    rim = mesh_source[loop].astype(np.float64)
    middle = rim.mean(axis=0)
    source = np.concatenate([middle[None], *(middle + (rim - middle) * ring for ring in RINGS)])
    head = portrait.head
    iris, radius = iris_circle(portrait, lids.iris)
    # flat, as deep as the lids: an eyeball that turned with its own depth would swim
    lid_points = portrait.rest[[*lids.upper, *lids.lower]]
    depth = float((lid_points @ head.rotation.T * head.px_per_cm + head.translation)[:, 2].mean())
    rest = head.from_camera(np.stack([source[:, 0], -source[:, 1], np.full(len(source), depth)], axis=1))
    distance = np.linalg.norm(source - iris, axis=1)
    follow = 1 - smoothstep(IRIS_MOVES * radius, WHITE_STAYS * radius, distance)
    return Eye(
        source.astype(np.float32), rest, _polar_triangles(len(rim)), follow.astype(np.float32), loop,
        np.array([lids.upper2, lids.upper3], np.int32), _lash_colour(portrait, rim),
    )  # fmt: skip


def _polar_triangles(around: int) -> NDArray[np.int32]:
    """A disc: a fan in the middle, quads in two triangles between the rings."""
    i = np.arange(around)
    after = (i + 1) % around
    parts = [np.stack([np.zeros_like(i), 1 + i, 1 + after], axis=1)]
    for ring in range(len(RINGS) - 1):
        inner, outer = 1 + ring * around, 1 + (ring + 1) * around
        parts.append(np.stack([inner + i, inner + after, outer + after], axis=1))
        parts.append(np.stack([inner + i, outer + after, outer + i], axis=1))
    return np.asarray(np.concatenate(parts), np.int32)


def _lash_colour(portrait: Portrait, rim: Points) -> NDArray[np.float32]:
    """Mean of the darkest quarter of the pixels along the upper lid's rim."""
    upper = rim[: len(rim) // 2 + 1]
    offsets = np.linspace(-0.12, 0.10, 5) * portrait.head.px_per_cm
    x = np.tile(upper[:, 0], (len(offsets), 1)).astype(np.float32)
    y = (upper[None, :, 1] + offsets[:, None]).astype(np.float32)
    pixels = cv2.remap(portrait.image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    pixels = pixels.reshape(-1, 3).astype(np.float32)
    bright = pixels.sum(axis=1)
    return np.asarray(pixels[bright <= np.percentile(bright, 25)].mean(axis=0), np.float32)


@dataclass(frozen=True)
class _FineSkin:
    """A lid's skin at the texture's scale: straight RGBA, and its corner in texture px."""

    picture: NDArray[np.uint8]
    corner: NDArray[np.int16]


def _fine_skin(skin: LidSkin, warper: Warper) -> _FineSkin:
    height, width = skin.picture.shape[:2]
    size = (width * warper.scale, height * warper.scale)
    corner = (skin.corner - warper.corner) * warper.scale
    return _FineSkin(np.asarray(cv2.resize(skin.picture, size), np.uint8), corner.astype(np.int16))


class EyePainter:
    """Paints one portrait's eyes over a warped photo. Stateless between frames."""

    def __init__(self, eyes: Eyes, camera: Camera, warper: Warper) -> None:
        self._eyes, self._camera, self._warper = eyes, camera, warper
        self._scale = camera.px_per_cm
        self._sources = [warper.to_texture(eye.source) for eye in (eyes.left, eyes.right)]
        skins = (eyes.left_skin, eyes.right_skin)
        self._skins = [None if skin is None else _fine_skin(skin, warper) for skin in skins]
        self._at_rest = [camera.project(eye.rest) for eye in (eyes.left, eyes.right)]

    def paint(self, canvas: Frame, drawn: Drawn, pose: Pose) -> None:
        """Lids' skin first, then eyeballs, then lashes."""
        for side, eye in enumerate((self._eyes.left, self._eyes.right)):
            blink = drawn.blink[side]
            skin = self._skins[side]
            if skin is not None and blink > SKIN_FROM:
                self._paint_skin(canvas, skin, drawn.positions[eye.loop], blink)
            if blink < SHUT and (blink != 0 or pose.gaze_cm[side].any()):
                self._paint_ball(canvas, side, eye, drawn, pose)
            if blink > LASH_FROM:
                self._paint_lashes(canvas, eye, drawn.positions[eye.loop], blink)
                if skin is not None:
                    self._paint_crease(canvas, eye, drawn.positions[eye.crease], blink)

    def _paint_skin(self, canvas: Frame, skin: _FineSkin, loop: NDArray[np.float32], blink: float) -> None:
        """The lid without its lashes, moved by the same flow as the photo."""
        box = Box.around(loop, self._warper.region, side=0.9 * self._scale, above=1.3 * self._scale, below=4)
        if box is None:
            return
        rows, columns = box.slices(*self._warper.region[:2])
        flow = self._warper.whole[rows, columns] - skin.corner
        fraction = np.ascontiguousarray(self._warper.fraction[rows, columns])
        moved = cv2.remap(skin.picture, flow, fraction, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        amount = np.float32(smoothstep(SKIN_FROM, SKIN_FULL, np.array(blink)) / 255)
        moved = np.asarray(moved, np.float32)
        raster.paint(canvas, np.asarray(moved[..., :3]), moved[..., 3] * amount, *box.corner)

    def _paint_ball(self, canvas: Frame, side: int, eye: Eye, drawn: Drawn, pose: Pose) -> None:
        """The eyeball follows the head, not the lids; looking around moves the photo under the lids' opening."""
        loop, blink = drawn.positions[eye.loop], drawn.blink[side]
        box = Box.around(loop, whole(canvas), side=2, above=2, below=3)
        if box is None:
            return
        moved = self._camera.turn(eye.rest, pose) - self._at_rest[side]
        positions = (eye.source - np.float32(self._camera.pad) + moved).astype(np.float32)
        gaze_px = pose.gaze_cm[side] * [self._scale, -self._scale] * self._warper.scale
        source = (self._sources[side] - eye.follow[:, None] * gaze_px).astype(np.float32)
        flow = np.zeros((box.height, box.width, 2), np.int16)
        fraction = np.full((box.height, box.width), _UNSET, np.uint16)
        raster.flow(positions, source, eye.triangles, *box.corner, flow, fraction)
        covered = fraction != _UNSET
        fraction[~covered] = 0
        ball = cv2.remap(self._warper.texture, flow, fraction, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        picture = ball[..., :3].astype(np.float32)
        mask = polygon_mask(loop, box, 0.5) * covered
        if blink > 0.02:
            shade = cv2.GaussianBlur(1 - mask, (0, 0), max(1.0, LID_SHADOW_CM * self._scale))
            picture *= (1 - LID_SHADOW * min(1.0, blink * 1.5) * shade)[..., None]
        seen = np.float32(1 - smoothstep(SHUT_FROM, SHUT, np.array(blink)))
        raster.paint(canvas, picture, mask * seen, *box.corner)

    def _paint_lashes(self, canvas: Frame, eye: Eye, loop: NDArray[np.float32], blink: float) -> None:
        """A fine line along the rim of the closing lid and a soft shade under it."""
        upper = loop[1 : len(loop) // 2]
        margin = 3 + 2 * LASH_SHADE_CM * self._scale
        box = Box.around(loop, whole(canvas), side=margin, above=margin, below=margin)
        if box is None:
            return
        line = line_mask(upper, box, LASH_CM * self._scale, 0.6)
        shade = cv2.GaussianBlur(line, (0, 0), max(1.0, LASH_SHADE_CM * self._scale))
        down = np.array([[1, 0, 0], [0, 1, 0.10 * self._scale]], np.float32)
        shade = cv2.warpAffine(shade, down, box.size)
        strength = np.float32(LASH_STRENGTH * smoothstep(LASH_FROM, LASH_FULL, np.array(blink)))
        colour = np.ascontiguousarray(np.broadcast_to(eye.lash, (box.height, box.width, 3)))
        raster.paint(canvas, colour, np.maximum(line, shade) * strength, *box.corner)

    def _paint_crease(self, canvas: Frame, eye: Eye, rows: NDArray[np.float32], blink: float) -> None:
        """A soft arc above the lid, faint at its ends."""
        arc = rows[0] * (1 - CREASE_HEIGHT) + rows[1] * CREASE_HEIGHT
        at = np.linspace(0, len(arc) - 1, 4 * len(arc))
        arc = np.stack([np.polyval(np.polyfit(np.arange(len(arc)), arc[:, k], 3), at) for k in (0, 1)], axis=1)
        margin = 3 + 3 * CREASE_SOFT_CM * self._scale
        box = Box.around(arc, whole(canvas), side=margin, above=margin, below=margin)
        if box is None:
            return
        mask = line_mask(arc, box, CREASE_CM * self._scale, max(0.7, CREASE_SOFT_CM * self._scale))
        across = (np.arange(box.width) + box.left - arc[:, 0].min()) / max(float(np.ptp(arc[:, 0])), 1.0)
        mask *= np.sin(np.pi * np.clip(across, 0, 1)).astype(np.float32)
        strength = np.float32(CREASE_STRENGTH * smoothstep(LASH_FROM, LASH_FULL, np.array(blink)))
        colour = np.ascontiguousarray(np.broadcast_to(eye.lash, (box.height, box.width, 3)))
        raster.paint(canvas, colour, mask * strength, *box.corner)
