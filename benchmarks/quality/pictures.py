"""What the pictures themselves tell: rest against photo, sharpness of the face, the rim of the moving layer."""

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.rendering import Rendering
from benchmarks.quality.watching import Watched
from render_service.portrait.face import Points
from render_service.portrait.indices import CHIN, FACE_VERTICES, OUTER_LOWER_LIP, OUTER_UPPER_LIP
from render_service.stages import Frame

Mask = NDArray[np.bool_]

STABLE = (9, 8, 168, 6, 197, 195, 5, 4, 50, 280, 101, 330, 118, 347, 151, 108, 337, 117, 346)
"""Forehead, nose and cheekbones: what moves with the skull and nothing else."""
EYE_RIMS = (
    (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7),
    (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249),
)
NOSE_BASE, NOSE_BRIDGE = 2, 168
SKIN_MARGIN_CM, RIM_CM = 0.5, 0.25
"""What is left out around lips, lids and the face's edge; half width of the band along the layer's rim."""
FLAT_ENERGY = 0.5
"""Squared levels: a smoother face than this has no sharpness to lose."""


def rest_difference(rendering: Rendering, points: Points) -> tuple[float, float]:
    """Median and 99th percentile, in levels, between the rest frame and the photo where anything can move.

    A photo whose mouth is open or smiling rests with it closed, so there only what is above the nose's base counts.
    """
    apart = np.abs(rendering.rest.astype(int) - rendering.photo).mean(axis=2)
    compared = rendering.alpha > 0
    fields = rendering.rig.fields
    if float(fields.gap_cm) > 0 or float(fields.relax) > 0:
        compared[int(points[NOSE_BASE, 1]) :] = False
    return float(np.median(apart[compared])), float(np.percentile(apart[compared], 99))


def sharpness(rendering: Rendering, watched: Watched, frames: dict[int, Frame]) -> float:
    """Median over frames of the Laplacian's energy on the skin of the face, against the photo's."""
    skin = skin_mask(rendering.photo.shape[:2], watched.photo.points, rendering.rig.camera.px_per_cm)
    if laplacian_energy(rendering.photo, skin) < FLAT_ENERGY:
        return np.nan
    return float(np.median(_ratios(rendering.photo, skin, watched, frames)))


def rim(rendering: Rendering, watched: Watched) -> float:
    """The same along the moving layer's rim above the chin: halos and tears are rough, smears are smooth."""
    band = rim_mask(rendering.alpha, round(RIM_CM * rendering.rig.camera.px_per_cm))
    band[int(watched.photo.points[CHIN, 1]) :] = False
    if band.sum() < 100 or laplacian_energy(rendering.photo, band) < FLAT_ENERGY:
        return np.nan
    return float(np.sqrt(np.median(_ratios(rendering.photo, band, watched, rendering.drawn))))


def cheek_edge(rendering: Rendering, watched: Watched) -> float:
    """The same along the outline of the face, where a turning cheek folds over, and in the worst tenth of frames."""
    photo, points = rendering.photo, watched.photo.points
    outline = _filled(photo.shape, points[:FACE_VERTICES]) * np.uint8(255)
    band = rim_mask(outline, round(RIM_CM * rendering.rig.camera.px_per_cm))
    band[: int(points[NOSE_BRIDGE, 1])] = False
    if laplacian_energy(photo, band) < FLAT_ENERGY:
        return np.nan
    return float(np.sqrt(np.percentile(_ratios(photo, band, watched, rendering.drawn), 90)))


def _ratios(photo: Frame, mask: Mask, watched: Watched, frames: dict[int, Frame]) -> list[float]:
    """Of each frame with a face: energy where the mask has gone with the head, over the photo's."""
    own = laplacian_energy(photo, mask)
    ratios = [
        laplacian_energy(frame, carried(mask, watched.photo.points, watched.points[index])) / own
        for index, frame in frames.items()
        if index < len(watched.points) and np.isfinite(watched.points[index]).all()
    ]
    return ratios or [np.nan]


def laplacian_energy(frame: Frame, mask: Mask) -> float:
    """Mean squared Laplacian in grey levels where the mask is set; NaN where it is nowhere."""
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32)
    energy = cv2.Laplacian(grey, cv2.CV_32F)[mask] ** 2
    return float(energy.mean()) if energy.size else np.nan


def skin_mask(shape: tuple[int, ...], points: Points, px_per_cm: float) -> Mask:
    """[H, W]: the face without lips, lids and its edge."""
    margin = max(1, round(SKIN_MARGIN_CM * px_per_cm))
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * margin + 1, 2 * margin + 1))
    skin = np.asarray(cv2.erode(_filled(shape, points[:FACE_VERTICES]), disk) > 0)
    for hole in ((*OUTER_UPPER_LIP, *OUTER_LOWER_LIP), *EYE_RIMS):
        skin &= cv2.dilate(_filled(shape, points[list(hole)]), disk) == 0
    return skin


def rim_mask(alpha: NDArray[np.uint8], reach: int) -> Mask:
    """[H, W]: within `reach` px of where the layer is half opaque, but not where it ends at the picture's edge."""
    inside = (alpha > 127).astype(np.uint8)
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * max(1, reach) + 1,) * 2)
    return np.asarray(cv2.dilate(inside, disk) != cv2.erode(inside, disk))


def carried(mask: Mask, photo: Points, moved: Points) -> Mask:
    """The mask where the head has gone: pixels are counted, never resampled."""
    steady = list(STABLE)
    matrix, _ = cv2.estimateAffinePartial2D(photo[steady].astype(np.float32), moved[steady].astype(np.float32))
    if matrix is None:
        return np.zeros_like(mask)
    height, width = mask.shape
    return np.asarray(cv2.warpAffine(mask.astype(np.uint8), matrix, (width, height), flags=cv2.INTER_NEAREST) > 0)


def _filled(shape: tuple[int, ...], points: Points) -> NDArray[np.uint8]:
    mask = np.zeros(shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(points.astype(np.float32)).astype(np.int32), 1)
    return mask
