"""The values a face is described in: landmarks on the picture, and the head frame that gives them depth and size.

Two coordinate systems are used everywhere in `portrait` and `animate`:
pixels: x right, y down, of the picture in hand.
head:   centimetres, x to the picture's right, y up, z towards the viewer, fixed to the skull. The canonical face
        (an average of real faces) lives there, so the mouth, eyes and ears are where they always are.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from render_service.stages import Frame

Points = NDArray[np.float64]

FOCAL_CM = 60.0
"""Distance of the pretended camera: a portrait's perspective, near enough for every photo tried."""


@dataclass(frozen=True)
class HeadFrame:
    """Where the head is in the picture: a similarity from head coordinates to pixels (Umeyama 1991).

    px_per_cm:   scale of the face.
    rotation:    [3, 3], head axes to camera axes (x right, y up, z to the viewer).
    translation: [3], in camera pixels (y up).
    """

    px_per_cm: float
    rotation: Points
    translation: Points

    def to_pixels(self, head: Points) -> Points:
        """head [n, 3] cm -> [n, 2] px, orthographic: where the photo itself has these points."""
        camera = head @ self.rotation.T * self.px_per_cm + self.translation
        return np.stack([camera[:, 0], -camera[:, 1]], axis=1)

    def from_camera(self, camera: Points) -> Points:
        """camera pixels [n, 3] (y up, z to the viewer) -> head cm [n, 3]."""
        return np.asarray((camera - self.translation) @ self.rotation / self.px_per_cm)

    @property
    def yaw_pitch_roll(self) -> tuple[float, float, float]:
        """Degrees; yaw > 0 looks to the picture's right, pitch > 0 down, roll > 0 clockwise in the picture."""
        r = self.rotation
        yaw = np.arctan2(r[0, 2], r[2, 2])
        pitch = -np.arcsin(np.clip(r[1, 2], -1, 1))
        roll = -np.arctan2(r[1, 0], r[1, 1])
        return float(np.rad2deg(yaw)), float(np.rad2deg(pitch)), float(np.rad2deg(roll))


@dataclass(frozen=True)
class Face:
    """One face found in a picture.

    landmarks: [478, 3] float64 in pixels (z too, smaller is nearer), MediaPipe's order, irises last.
    score:     0..1, how sure the landmarker is that this is a face.
    """

    landmarks: Points
    score: float

    def resized(self, x: float, y: float) -> "Face":
        """The same face on the picture drawn x times as wide, y times as high; pixel centres are whole numbers."""
        centre = np.array([0.5, 0.5, 0.0])
        return Face((self.landmarks + centre) * [x, y, x] - centre, self.score)


@dataclass(frozen=True)
class Mouth:
    """How the photo holds its mouth.

    gap_cm:    mean gap between the inner lips.
    closed:    the lips touch: the mesh is cut along the line between them.
    smile:     0..1, from none to a broad one.
    """

    gap_cm: float
    closed: bool
    smile: float = 0.0


@dataclass(frozen=True)
class Portrait:
    """A photo understood: everything the puppet is built from. All arrays share one padded picture.

    image:     [H, W, 3] uint8 RGB at output scale, reflect-padded by `pad` px on each side.
    pad:       px; the output is image[pad:-pad, pad:-pad].
    landmarks: [478, 3] px on the padded picture, lips already snapped or refitted, depth limited against folds.
    head:      the head frame on the padded picture.
    rest:      [468, 3] cm, the landmarks in head coordinates.
    mouth:     how the photo holds it.
    layered:   the person was cut out well enough to move in front of a background; else all is one elastic sheet.
    matte:     [H, W] float32 0..1, 1 where the moving layer covers; all ones when not layered.
    person:    [H, W] bool, the person itself, before the matte was widened.
    foreground:[H, W, 4] uint8 premultiplied RGBA: over `background` it gives the photo back exactly.
    background:[H, W, 3] uint8, the picture with the person filled in, or what was put in its place.
    """

    image: Frame
    pad: int
    landmarks: Points
    head: HeadFrame
    rest: Points
    mouth: Mouth
    layered: bool
    matte: NDArray[np.float32]
    person: NDArray[np.bool_]
    foreground: NDArray[np.uint8]
    background: Frame
