"""Measures the canonical face: `python -m render_service.portrait.measure_canonical CONNECTIONS CLIP... -o FILE`.

Landmarks of people who look ahead with closed lips are laid over each other, averaged, made symmetrical and scaled.
The shipped file was measured on ten talkers of the GRID corpus (Cooke et al. 2006; CC BY 4.0 by secondary sources),
with the 16:15 pixels of PAL that its files don't mention (`--pixel-aspect 1.0667`). Its triangles come from the
tesselation that MediaPipe lists as edges (`face_mesh_connections.py`, Apache-2.0): each three edges in a row close one
triangle.
"""

import argparse
import re
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from render_service.portrait.face import Points
from render_service.portrait.finder import FaceFinder
from render_service.portrait.head import camera_points
from render_service.portrait.indices import (
    CHIN,
    FACE_VERTICES,
    FOREHEAD_TOP,
    INNER_LOWER_LIP,
    INNER_UPPER_LIP,
    LEFT_CHEEK,
    LEFT_LIDS,
    NOSE_TIP,
    RIGHT_CHEEK,
    RIGHT_LIDS,
)
from render_service.portrait.similarity import fit_similarity

PUPIL_DISTANCE_CM = 6.3
"""Mean of adults, both sexes (Dodgson 2004, "Variation and extrema of human interpupillary distance")."""
EYES_Y_CM, EARS_Z_CM = 2.65, -2.43
"""Origin: where the animator's hand-tuned fields expect the eye line and the ear end of the cheeks."""
CLOSED_GAP = 0.02
"""Largest gap between the inner lips, in face heights, of a mouth that counts as closed."""
FRONTAL_OFFSET = 0.05
"""Largest sideways offset of the nose tip from the middle of the cheeks, in face widths, of a face that looks ahead."""
ROUNDS = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("connections", type=Path)
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--pixel-aspect", type=float, default=1.0, help="width of a pixel over its height")
    arguments = parser.parse_args()
    finder = FaceFinder()
    faces = [neutral_face(finder, clip, arguments.pixel_aspect) for clip in arguments.clips]
    talkers = [face for face in faces if face is not None]
    vertices = scaled(upright(symmetrical(average(talkers))))
    facets = triangles(arguments.connections.read_text())
    np.savez_compressed(arguments.out, vertices=vertices.astype(np.float32), triangles=facets)


def neutral_face(finder: FaceFinder, clip: Path, pixel_aspect: float) -> Points | None:
    """The mean of a clip's frontal, closed-mouthed frames: [468, 3] camera pixels, or None where there is none."""
    video = cv2.VideoCapture(str(clip))
    face, kept = None, []
    while (read := video.read())[0]:
        size = round(read[1].shape[1] * pixel_aspect), read[1].shape[0]
        wide = cv2.resize(read[1], size, interpolation=cv2.INTER_CUBIC)
        face = finder.track(np.asarray(cv2.cvtColor(wide, cv2.COLOR_BGR2RGB), np.uint8), face)
        if face is not None and _neutral(points := camera_points(face.landmarks)):
            kept.append(points)
    return average(kept) if kept else None


def _neutral(points: Points) -> bool:
    flat = points[:, :2]
    gap = np.linalg.norm(flat[list(INNER_UPPER_LIP)] - flat[list(INNER_LOWER_LIP)], axis=1).max()
    cheeks = flat[[RIGHT_CHEEK, LEFT_CHEEK]]
    across = cheeks[1] - cheeks[0]
    offset = abs((flat[NOSE_TIP] - cheeks.mean(0)) @ across) / (across @ across)
    height = np.linalg.norm(flat[FOREHEAD_TOP] - flat[CHIN])
    return bool(gap < CLOSED_GAP * height and offset < FRONTAL_OFFSET)


def average(faces: list[Points]) -> Points:
    """Generalised Procrustes mean (Gower 1975): each face laid over the mean of all, again and again."""
    mean = faces[0] - faces[0].mean(0)
    size = np.sqrt((mean**2).sum())
    for _ in range(ROUNDS):
        laid = []
        for face in faces:
            scale, rotation, translation = fit_similarity(face, mean)
            laid.append(scale * face @ rotation.T + translation)
        centred = np.mean(laid, axis=0) - np.mean(laid, axis=(0, 1))
        mean = centred * size / np.sqrt((centred**2).sum())
    return np.asarray(mean)


def symmetrical(face: Points) -> Points:
    """The mean of a face and its mirror image, the mirror plane at x = 0."""
    mirror = np.array([-1, 1, 1])
    face = _across(face)
    for _ in range(ROUNDS):
        distances = np.linalg.norm((face * mirror)[:, None] - face[None], axis=2)
        partner = linear_sum_assignment(distances)[1]
        scale, rotation, translation = fit_similarity((face * mirror)[partner], face)
        face = (face + scale * (face * mirror)[partner] @ rotation.T + translation) / 2
        face = _across(face)
    if (partner[partner] != np.arange(FACE_VERTICES)).any():
        raise ValueError("the face is too crooked to tell which vertices mirror each other")
    return np.asarray((face + (face * mirror)[partner]) / 2)


def _across(face: Points) -> Points:
    """Turned so that the cheeks lie along x, the plane between them at x = 0."""
    across = face[LEFT_CHEEK] - face[RIGHT_CHEEK]
    x = across / np.linalg.norm(across)
    y = face[FOREHEAD_TOP] - face[CHIN]
    z = np.cross(x, y) / np.linalg.norm(np.cross(x, y))
    return np.asarray((face - face[[LEFT_CHEEK, RIGHT_CHEEK]].mean(0)) @ np.stack([x, np.cross(z, x), z]).T)


def upright(face: Points) -> Points:
    """Pitched so that the chin lies right below the top of the forehead."""
    down = face[CHIN] - face[FOREHEAD_TOP]
    angle = np.arctan2(down[2], -down[1])
    pitch = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    return np.asarray(face @ pitch.T)


def scaled(face: Points) -> Points:
    """In centimetres, the origin where `EYES_Y_CM` and `EARS_Z_CM` put it."""
    eyes = np.array([face[[lids.outer, lids.inner]].mean(0) for lids in (RIGHT_LIDS, LEFT_LIDS)])
    face = face * PUPIL_DISTANCE_CM / np.linalg.norm(eyes[1] - eyes[0])
    eyes_y = face[[RIGHT_LIDS.outer, RIGHT_LIDS.inner], 1].mean()
    return np.asarray(face + np.array([0, EYES_Y_CM - eyes_y, EARS_Z_CM - face[RIGHT_CHEEK, 2]]))


def triangles(connections: str) -> NDArray[np.int16]:
    """[852, 3], facing the viewer, from the source text of the tesselation's edge list."""
    text = connections[connections.index("FACEMESH_TESSELATION") :]
    edges = np.array([(int(a), int(b)) for a, b in re.findall(r"\((\d+), *(\d+)\)", text[: text.index("])")])])
    rings = edges.reshape(-1, 3, 2)
    if not (rings[:, :, 1] == np.roll(rings[:, :, 0], -1, axis=1)).all():
        raise ValueError("the edges don't come in closed triangles")
    return rings[:, :, 0].astype(np.int16)


if __name__ == "__main__":
    main()
