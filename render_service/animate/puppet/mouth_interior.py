"""Paints what shows between the lips: cavity, tongue, two rows of teeth, and the shadow the lips throw on them."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from render_service.animate.puppet import raster
from render_service.animate.puppet.boxes import Box, whole
from render_service.animate.puppet.camera import Camera
from render_service.animate.puppet.controls import SHAPES, Pose
from render_service.animate.puppet.deform import Drawn
from render_service.animate.puppet.jaw import turn_about_hinge
from render_service.animate.puppet.masks import line_mask, polygon_mask
from render_service.animate.puppet.mesh import Mesh
from render_service.animate.puppet.mouth import Anchor, Mouth
from render_service.animate.puppet.own_teeth import OwnTeeth
from render_service.animate.puppet.shapes import smoothstep
from render_service.animate.puppet.teeth import (
    LOWER_EDGE_CM,
    SHEET_CM,
    TONGUE_CENTRE_CM,
    UPPER_EDGE_CM,
)
from render_service.portrait.face import Points
from render_service.stages import Frame

TEETH_DEPTH_CM = 0.7
"""How far the upper teeth lie behind the seam; the lower ones and the tongue lie further in."""
LOWER_TEETH_BEHIND_CM, TONGUE_BEHIND_CM = 0.35, 0.9
UPPER_EDGE_BELOW_SEAM_CM = 0.36
"""Upper incisors end this far below the line where resting lips meet (2-4 mm show at rest; Vig & Brundo 1978)."""
LOWER_EDGE_BELOW_SEAM_CM = 0.22
TONGUE_BELOW_SEAM_CM = 0.88
TONGUE_FOLLOWS = 0.92
"""Share of the jaw's angle that the tongue's back follows."""
SHADOW_CM, SHADOW_OF_OPENING = 0.16, 0.28
"""Radius of the lips' shadow, never more than this share of the opening."""
STRAYED_CM = (0.02, 0.30)
"""How far lips may be from where the photo has them before what it shows between them is painted over."""
ROUND = SHAPES.index("round")
POUT_SHADE = 0.35
"""Light lost behind rounded lips, which stand away from the teeth."""
NARROW_CM, NARROW_LIGHT = (0.15, 0.8), 0.65
"""Openings over which light comes in, and its share through the narrowest: parted lips are no grin."""
MARGIN_PX = 3
"""Around the mouth, for soft edges."""
SEAM_CM, SEAM_SHADE, SEAM_DARKNESS = 0.07, 0.38, 0.62
"""The line drawn where the lips of an open photo meet: its width, its colour as a share of the lips', its strength."""


@dataclass(frozen=True)
class _Hung:
    """Something in the mouth: its origin [3] cm, the rim it hangs from, and the jaw's angle it follows."""

    origin: Points
    anchor: Anchor
    angle: float


def _fade_in(start_cm: float, end_cm: float, open_cm: float) -> float:
    return float(smoothstep(start_cm, end_cm, np.array(open_cm)))


class MouthPainter:
    """Paints one portrait's mouth. Stateless between frames."""

    def __init__(self, mouth: Mouth, mesh: Mesh, camera: Camera) -> None:
        self._mouth, self._mesh, self._camera = mouth, mesh, camera
        self._scale = camera.px_per_cm
        self._rest_opening_px = self._opening(mesh.source[mesh.mouth].astype(np.float64))

    def paint(self, canvas: Frame, drawn: Drawn, pose: Pose) -> None:
        """Over a warped photo: first the seam where lips of an open photo meet, then the opening."""
        loop = drawn.positions[self._mesh.mouth].astype(np.float64)
        if drawn.closing > 0.3:
            self._paint_seam(canvas, loop, drawn)
        opening = self._opening(loop)
        amount = float(smoothstep(0.35, max(1.6, 0.10 * self._scale), np.array(opening)))
        if not self._mouth.closed:
            # near its own opening the photo's own mouth is the best picture of it
            strayed = abs(opening - self._rest_opening_px) / self._scale
            amount *= float(smoothstep(*STRAYED_CM, np.array(strayed)))
        box = Box.around(loop, whole(canvas), side=MARGIN_PX, above=MARGIN_PX, below=MARGIN_PX)
        if amount <= 0 or box is None:
            return
        mask = polygon_mask(loop, box, 0.55)
        picture = self._inside(box, drawn, pose, opening / self._scale)
        pout = max(0.0, float(pose.shapes[ROUND]))
        picture *= self._shadow(mask, opening)[..., None] * np.float32(1 - POUT_SHADE * pout)
        raster.paint(canvas, picture, mask * np.float32(amount), *box.corner)

    def _opening(self, loop: Points) -> float:
        """Mean px between the rims over the middle half of the mouth."""
        half = len(loop) // 2
        upper, lower = loop[: half + 1], np.concatenate([loop[half:], loop[:1]])[::-1]
        along = upper[-1] - upper[0]
        normal = np.array([-along[1], along[0]]) / (np.linalg.norm(along) + 1e-6)
        middle = slice(half // 4, 3 * half // 4)
        return float(((lower - upper)[middle] @ normal).mean())

    def _inside(self, box: Box, drawn: Drawn, pose: Pose, open_cm: float) -> NDArray[np.float32]:
        """[height, width, 3] RGB of everything behind the lips."""
        mouth = self._mouth
        fall = np.linspace(0.62, 1.25, box.height, dtype=np.float32)[:, None, None]
        picture = np.broadcast_to(fall * mouth.colours.cavity, (box.height, box.width, 3)).astype(np.float32)
        back = mouth.upper.point[2] - TEETH_DEPTH_CM
        x, jaw = mouth.centre_x_cm, drawn.jaw_angle
        tongue_y = mouth.lower.point[1] - TONGUE_BELOW_SEAM_CM + TONGUE_CENTRE_CM
        lower_y = mouth.lower.point[1] - LOWER_EDGE_BELOW_SEAM_CM + LOWER_EDGE_CM
        upper_y = mouth.upper.point[1] - UPPER_EDGE_BELOW_SEAM_CM + UPPER_EDGE_CM
        tongue = _Hung(np.array([x, tongue_y, back - TONGUE_BEHIND_CM]), mouth.lower, TONGUE_FOLLOWS * jaw)
        lower = _Hung(np.array([x, lower_y, back - LOWER_TEETH_BEHIND_CM]), mouth.lower, jaw)
        upper = _Hung(np.array([x, upper_y, back]), mouth.upper, 0.0)
        sheets = mouth.sheets
        self._lay(picture, sheets.tongue, tongue, box, pose, 0.85 * _fade_in(0.3, 0.9, open_cm))
        self._lay(picture, sheets.lower, lower, box, pose, 0.80 * _fade_in(0.15, 0.6, open_cm))
        self._lay(picture, sheets.upper, upper, box, pose, 1.0)
        if mouth.own is not None:
            self._lay_own(picture, mouth.own, box, pose, jaw)
        return picture

    def _lay(
        self,
        picture: NDArray[np.float32],
        sheet: NDArray[np.uint8],
        hung: _Hung,
        box: Box,
        pose: Pose,
        amount: float,
    ) -> None:
        """Lays a sheet, whose top middle hangs at a point, over the picture."""
        if amount <= 0:
            return
        fine = self._mouth.sheets.px_per_cm
        middle = SHEET_CM[0] / 2 * fine
        corners = np.array([[middle, 0], [middle + 2 * fine, 0], [middle, 2 * fine]], np.float32) - np.float32(0.5)
        affine = cv2.getAffineTransform(corners, self._triangle(hung, pose, box))
        size = box.size
        layer = cv2.warpAffine(sheet, affine, size, flags=cv2.INTER_LINEAR).astype(np.float32) * np.float32(amount)
        picture *= 1 - layer[..., 3:] / 255
        picture += layer[..., :3]

    def _lay_own(self, picture: NDArray[np.float32], own: OwnTeeth, box: Box, pose: Pose, jaw: float) -> None:
        mouth, size = self._mouth, box.size
        x, front = mouth.centre_x_cm, mouth.upper.point[2] - TEETH_DEPTH_CM
        piece = Box(int(own.corner[0]) - self._camera.pad, int(own.corner[1]) - self._camera.pad, 0, 0)
        for alpha, anchor, z, turn in (
            (own.lower, mouth.lower, front + 0.2, jaw),
            (own.upper, mouth.upper, front + 0.4, 0.0),
        ):
            origin = np.array([x, anchor.point[1], z])
            at_rest = self._triangle(_Hung(origin, anchor, 0.0), None, piece)
            affine = cv2.getAffineTransform(at_rest, self._triangle(_Hung(origin, anchor, turn), pose, box))
            layer = cv2.warpAffine(own.picture, affine, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            cover = cv2.warpAffine(alpha, affine, size, flags=cv2.INTER_LINEAR).astype(np.float32)[..., None] / 255
            picture += (layer - picture) * cover

    def _triangle(self, hung: _Hung, pose: Pose | None, box: Box) -> NDArray[np.float32]:
        """[3, 2] px in the box where a point, 2 cm to its right and 2 cm below it are drawn; at rest without a pose.

        A point straight behind the seam is drawn on the seam, whatever its depth and the photo's own turn.
        """
        camera, seam = self._camera, hung.anchor.point
        points = hung.origin + np.array([[0, 0, 0], [2, 0, 0], [0, -2, 0]])
        points = points + turn_about_hinge(points, np.ones(3), hung.angle)
        behind = camera.project(np.array([[seam[0], seam[1], hung.origin[2]]]))[0]
        at = camera.project(points) if pose is None else camera.turn(points, pose)
        return np.asarray(at - behind + hung.anchor.pixel - box.corner, np.float32)

    def _shadow(self, mask: NDArray[np.float32], opening_px: float) -> NDArray[np.float32]:
        """How much light reaches each pixel: less along the rim, least under the upper lip."""
        outside = 1 - mask
        radius = max(0.8, min(SHADOW_CM * self._scale, SHADOW_OF_OPENING * opening_px))
        rim = cv2.GaussianBlur(outside, (0, 0), radius)
        down = np.array([[1, 0, 0], [0, 1, min(0.22 * self._scale, 0.22 * opening_px)]], np.float32)
        size = (mask.shape[1], mask.shape[0])
        thrown = cv2.warpAffine(rim, down, size, borderMode=cv2.BORDER_REPLICATE)
        reaching = NARROW_LIGHT + (1 - NARROW_LIGHT) * _fade_in(*NARROW_CM, opening_px / self._scale)
        light = np.clip(1 - 0.60 * rim - 0.38 * thrown, 0.2, 1) * reaching
        if self._mouth.own is not None:
            # the photo's teeth carry its own shadow where the lips are near their place
            strayed = abs(opening_px - self._rest_opening_px) / self._scale
            light = 1 - (1 - light) * (0.15 + 0.85 * float(smoothstep(0, 0.5, np.array(strayed))))
        return np.asarray(light, np.float32)

    def _paint_seam(self, canvas: Frame, loop: Points, drawn: Drawn) -> None:
        """A soft dark line where lips meet that the photo shows apart: it has no picture of one."""
        strength = SEAM_DARKNESS * float(smoothstep(0.6, 0.97, np.array(drawn.closing)) * drawn.together.mean())
        if strength < 0.02:
            return
        line = loop[: len(loop) // 2 + 1]
        box = Box.around(line, whole(canvas), side=MARGIN_PX, above=MARGIN_PX, below=MARGIN_PX)
        if box is None:
            return
        mask = line_mask(line, box, SEAM_CM * self._scale, max(0.6, 0.035 * self._scale))
        colour = np.broadcast_to(self._mouth.colours.lip * np.float32(SEAM_SHADE), (*mask.shape, 3))
        raster.paint(canvas, np.ascontiguousarray(colour), mask * np.float32(strength), *box.corner)
