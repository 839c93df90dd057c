"""Lays the canonical face over landmarks: where the head is, how large, how turned, and how deep each landmark lies."""

import numpy as np

from render_service.portrait.canonical import CANONICAL
from render_service.portrait.face import HeadFrame, Points
from render_service.portrait.indices import FACE_VERTICES
from render_service.portrait.similarity import fit_similarity

STABLE_ABOVE_CM = -3.5
"""Canonical height above which the face is skull: lips and jaw move, so they don't say where the head is."""
_STABLE = CANONICAL.vertices[:, 1] > STABLE_ABOVE_CM
MAX_DEPTH_SLOPE = 3.2
"""Depth over distance in the picture; steeper cheeks fold over when the head turns. Tuned on 100 portraits."""
SLOPE_SWEEPS = 60


def camera_points(landmarks: Points) -> Points:
    """Picture pixels (y down, z away) to camera pixels (y up, z to the viewer), the face's vertices only."""
    return landmarks[:FACE_VERTICES] * [1, -1, -1]


def head_frame(landmarks: Points) -> HeadFrame:
    """landmarks: [478, 3] px."""
    scale, rotation, translation = fit_similarity(CANONICAL.vertices[_STABLE], camera_points(landmarks)[_STABLE])
    return HeadFrame(scale, rotation, translation)


def misfit_cm(landmarks: Points) -> float:
    """Root mean square distance of the skull's landmarks from the canonical face: how unlike a face they are."""
    rest = head_frame(landmarks).from_camera(camera_points(landmarks))
    distances = np.linalg.norm(rest - CANONICAL.vertices, axis=1)
    return float(np.sqrt((distances[_STABLE] ** 2).mean()))


def limit_depth(landmarks: Points) -> Points:
    """Depth changes at most `MAX_DEPTH_SLOPE` px a px along any edge: what lies deeper comes forward."""
    camera = camera_points(landmarks)
    a, b = CANONICAL.edges.T
    drop = MAX_DEPTH_SLOPE * np.linalg.norm(camera[a, :2] - camera[b, :2], axis=1)
    z = camera[:, 2].copy()
    for _ in range(SLOPE_SWEEPS):
        before = z.copy()
        np.maximum.at(z, a, z[b] - drop)
        np.maximum.at(z, b, z[a] - drop)
        if np.array_equal(before, z):
            break
    limited = landmarks.copy()
    limited[:FACE_VERTICES, 2] = -z
    return limited
