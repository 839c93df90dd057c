"""478 landmarks of one face from a rotated crop (Kartynnik et al. 2019, "Real-time facial surface geometry")."""

from dataclasses import dataclass
from math import atan2, cos, sin

import cv2
import numpy as np

from render_service.portrait.detector import Detection
from render_service.portrait.face import Face, Points
from render_service.portrait.indices import LANDMARKS, LEFT_LIDS, RIGHT_LIDS
from render_service.portrait.networks import network, sigmoid
from render_service.stages import Frame

INPUT_PX = 256
CROP_SCALE = 1.5
"""Crop side over face box side, as the network was trained (MediaPipe's face landmarker graph)."""


@dataclass(frozen=True)
class Crop:
    """A turned square of a picture.

    centre: [2] px; side: px; turn: radians, clockwise in the picture.
    """

    centre: Points
    side: float
    turn: float

    @staticmethod
    def around(box: Points, eyes: Points, scale: float = CROP_SCALE) -> "Crop":
        """box: x0, y0, x1, y1 px; eyes: [2, 2] px, which end up level."""
        across = eyes[1] - eyes[0]
        return Crop((box[:2] + box[2:]) / 2, scale * float((box[2:] - box[:2]).max()), atan2(across[1], across[0]))

    @staticmethod
    def of_detection(detection: Detection) -> "Crop":
        return Crop.around(detection.box, detection.eyes)

    @staticmethod
    def of_face(face: Face, scale: float = CROP_SCALE) -> "Crop":
        """The next crop of the same face: its upper eye corners level, its landmarks inside."""
        flat = face.landmarks[:, :2]
        return Crop.around(np.concatenate([flat.min(0), flat.max(0)]), flat[[RIGHT_LIDS.outer, LEFT_LIDS.outer]], scale)

    def jittered(self, right: float, down: float, scale: float) -> "Crop":
        """Shifted by parts of its side, and scaled."""
        return Crop(self.centre + self.side * np.array([right, down]), self.side * scale, self.turn)

    def to_picture(self, size: int) -> Points:
        """[2, 3] affine from pixels of the crop drawn at `size` to pixels of the picture; edges meet edges."""
        step = self.side / size
        turn = np.array([[cos(self.turn), -sin(self.turn)], [sin(self.turn), cos(self.turn)]]) * step
        middle = np.array([size / 2, size / 2]) - 0.5
        return np.hstack([turn, (self.centre - turn @ middle)[:, None]])

    def cut(self, picture: Frame, size: int) -> Frame:
        """[size, size, 3]; outside the picture its edge goes on. Averages first where the crop is much larger."""
        affine = self.to_picture(size)
        halvings = max(0, int(np.log2(max(self.side / size, 1))))
        if halvings:
            picture, affine = self._shrunk(picture, affine, halvings)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return np.asarray(cv2.warpAffine(picture, affine, (size, size), flags=flags, borderMode=cv2.BORDER_REPLICATE))

    def _shrunk(self, picture: Frame, affine: Points, halvings: int) -> tuple[Frame, Points]:
        """The part of the picture around the crop at 1 / 2^halvings, and the affine that reads it."""
        reach = int(self.side * 0.75) + (2 << halvings)
        x0, y0 = (max(0, int(edge) - reach) for edge in self.centre)
        part = picture[y0 : max(y0, int(self.centre[1])) + reach, x0 : max(x0, int(self.centre[0])) + reach]
        size = max(1, part.shape[1] >> halvings), max(1, part.shape[0] >> halvings)
        factor = np.array([size[0] / part.shape[1], size[1] / part.shape[0]])
        moved = affine.copy()
        moved[:, :2] *= factor[:, None]
        moved[:, 2] = (affine[:, 2] - [x0, y0] + 0.5) * factor - 0.5
        return np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA)), moved


class Landmarker:
    """Loads once. Raises Fault (WEIGHTS_MISSING)."""

    def __init__(self) -> None:
        self._network = network("face_landmarker.task", "face_landmarks_detector.tflite")

    def landmarks(self, picture: Frame, crop: Crop) -> Face:
        """The face the crop is on; a low score says there is none."""
        outputs = self._network.run(crop.cut(picture, INPUT_PX)[None] * np.float32(1 / 255))
        points = outputs[0].reshape(LANDMARKS, 3).astype(np.float64)
        affine = crop.to_picture(INPUT_PX)
        flat = (points[:, :2] - 0.5) @ affine[:, :2].T + affine[:, 2]
        depth = points[:, 2] * crop.side / INPUT_PX
        return Face(np.column_stack([flat, depth]), float(sigmoid(outputs[1]).item()))
