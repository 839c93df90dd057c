"""A face drawn from the canonical one, so that the puppet can be tested without a photo or a landmarker."""

import cv2
import numpy as np
from numpy.typing import NDArray

from render_service.portrait.canonical import CANONICAL
from render_service.portrait.face import HeadFrame, Mouth, Points, Portrait
from render_service.portrait.head import camera_points, head_frame
from render_service.portrait.indices import (
    INNER_LOWER_LIP,
    INNER_UPPER_LIP,
    LEFT_EYE_LOOP,
    LEFT_LIDS,
    MOUTH_LOOP,
    OUTER_LOWER_LIP,
    OUTER_UPPER_LIP,
    OVAL_LOOP,
    RIGHT_EYE_LOOP,
    RIGHT_LIDS,
)
from render_service.stages import Frame

PX_PER_CM = 16.0
HEIGHT, WIDTH, PAD = 512, 448, 48
SKIN, LIPS, WHITE, IRIS, SHIRT = (224, 180, 150), (180, 90, 90), (240, 240, 238), (70, 50, 40), (60, 80, 140)


def drawn_portrait(*, gap_cm: float = 0.0) -> Portrait:
    """Looks straight ahead; with a gap the mouth is open, and dark inside."""
    landmarks = _landmarks(gap_cm)
    background = _texture(np.random.default_rng(5))
    image, person = _draw(landmarks, background)
    background[~person] = image[~person]
    head = head_frame(landmarks)
    matte = cv2.GaussianBlur(cv2.dilate(person.astype(np.float32), np.ones((5, 5), np.uint8)), (0, 0), 1.5)
    matte = np.where(person, 1, matte).astype(np.float32)
    foreground = np.dstack([np.round(image * matte[..., None]), np.round(255 * matte)]).astype(np.uint8)
    return Portrait(
        image=image,
        pad=PAD,
        landmarks=landmarks,
        head=head,
        rest=head.from_camera(camera_points(landmarks)),
        mouth=Mouth(gap_cm=gap_cm, closed=gap_cm == 0),
        layered=True,
        matte=matte,
        person=person,
        foreground=foreground,
        background=background,
    )


def _landmarks(gap_cm: float) -> Points:
    """[478, 3] px: the canonical face in the middle of the picture, its lips exactly on each other or apart."""
    centre = np.array([WIDTH / 2 + PAD, -(HEIGHT * 0.45 + PAD), 0.0])
    vertices = CANONICAL.vertices.copy()
    upper, lower = list(INNER_UPPER_LIP), list(INNER_LOWER_LIP)
    seam = (vertices[upper] + vertices[lower]) / 2
    spread = np.zeros((len(upper), 3))
    spread[:, 1] = gap_cm / 2 * np.sqrt(np.sin(np.linspace(0, np.pi, len(upper))))
    vertices[upper], vertices[lower] = seam + spread, seam - spread
    camera = HeadFrame(PX_PER_CM, np.eye(3), centre)
    points = vertices @ camera.rotation.T * PX_PER_CM + centre
    irises = []
    for lids in (RIGHT_LIDS, LEFT_LIDS):
        middle = points[[lids.outer, lids.inner]].mean(axis=0)
        edge = middle + 0.58 * PX_PER_CM * np.array([[1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0]])
        irises.append(np.concatenate([middle[None], edge]))
    return np.concatenate([points, *irises]) * [1, -1, -1]


def _texture(random: np.random.Generator) -> Frame:
    noise = random.integers(60, 200, ((HEIGHT + 2 * PAD) // 8, (WIDTH + 2 * PAD) // 8, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(noise, (WIDTH + 2 * PAD, HEIGHT + 2 * PAD), interpolation=cv2.INTER_CUBIC))


def _draw(landmarks: Points, background: Frame) -> tuple[Frame, NDArray[np.bool_]]:
    image = background.copy()
    oval = landmarks[list(OVAL_LOOP), :2]
    x, chin = int(landmarks[152, 0]), int(oval[:, 1].max())
    person = np.zeros(image.shape[:2], np.uint8)
    cv2.fillPoly(person, [np.round(oval).astype(np.int32)], 1)
    cv2.rectangle(person, (x - 60, chin - 40), (x + 60, image.shape[0]), 1, -1)
    cv2.ellipse(person, (x, image.shape[0]), (200, 90), 0, 180, 360, 1, -1)
    image[person > 0] = SKIN
    image[(person > 0) & (np.arange(image.shape[0])[:, None] > image.shape[0] - 90)] = SHIRT
    lips = [*OUTER_UPPER_LIP, *OUTER_LOWER_LIP[-2:0:-1]]
    for loop, colour in ((lips, LIPS), (MOUTH_LOOP, (60, 20, 20)), (RIGHT_EYE_LOOP, WHITE), (LEFT_EYE_LOOP, WHITE)):
        cv2.fillPoly(image, [np.round(landmarks[list(loop), :2]).astype(np.int32)], colour, cv2.LINE_AA)
    for iris in (468, 473):
        centre = tuple(int(n) for n in np.round(landmarks[iris, :2]))
        cv2.circle(image, centre, 6, IRIS, -1, cv2.LINE_AA)
    shade = np.random.default_rng(3).normal(0, 3, image.shape[:2])[..., None]
    return np.clip(image + shade, 0, 255).astype(np.uint8), person > 0
