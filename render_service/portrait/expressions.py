"""52 expression coefficients from landmarks, in ARKit's order (MediaPipe's face blendshape model)."""

import numpy as np
from numpy.typing import NDArray

from render_service.portrait.face import Face
from render_service.portrait.networks import network
from render_service.stages import ARKIT_NAMES

SUBSET = (
    0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65, 66, 67, 70, 78, 80,
    81, 82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136, 144, 145, 146, 148, 149, 150, 152, 153,
    154, 155, 157, 158, 159, 160, 161, 162, 163, 168, 172, 173, 176, 178, 181, 185, 191, 195, 197, 234, 246, 249,
    251, 263, 267, 269, 270, 276, 282, 283, 284, 285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314,
    317, 318, 321, 323, 324, 332, 334, 336, 338, 356, 361, 362, 365, 373, 374, 375, 377, 378, 379, 380, 381, 382,
    384, 385, 386, 387, 388, 389, 390, 397, 398, 400, 402, 405, 409, 415, 454, 466, 468, 469, 470, 471, 472, 473,
    474, 475, 476, 477,
)  # fmt: skip
"""The 146 landmarks the model reads (MediaPipe's face blendshapes graph)."""

_WITHOUT_TONGUE = sorted(ARKIT_NAMES[:-1])
"""The model's outputs after the first, which is `_neutral`: alphabetical, as MediaPipe names them."""


class Expressions:
    """Loads once. Raises Fault (WEIGHTS_MISSING)."""

    def __init__(self) -> None:
        self._network = network("face_landmarker.task", "face_blendshapes.tflite")

    def measure(self, face: Face) -> NDArray[np.float32]:
        """[52] float32 in 0..1, in the order of `ARKIT_NAMES`; tongueOut is not measured and always 0."""
        points = face.landmarks[None, list(SUBSET), :2].astype(np.float32)
        measured = dict(zip(_WITHOUT_TONGUE, self._network.run(points)[0][1:], strict=True))
        return np.array([measured.get(name, 0) for name in ARKIT_NAMES], np.float32)
