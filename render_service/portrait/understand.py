"""The whole way from a picture to a `Portrait`."""

import cv2
import numpy as np
from numpy.typing import NDArray

from render_service.portrait.backdrop import put_before
from render_service.portrait.choose import choose_face
from render_service.portrait.face import HeadFrame, Points, Portrait
from render_service.portrait.finder import FaceFinder
from render_service.portrait.head import camera_points, head_frame, limit_depth
from render_service.portrait.indices import FACE_VERTICES
from render_service.portrait.layers import split_layers
from render_service.portrait.matte import Matte, Segmenter, cut_out
from render_service.portrait.mouth import read_mouth
from render_service.stages import AS_THE_PHOTO, Backdrop, Frame, FrameSize, Look
from shared.errors import BadOption, ErrorCode

PAD_FACE_WIDTHS = 0.22
"""Border around the picture, so that what moves in over an edge has something to show."""
MAX_PAD_SHARE = 1 / 3


def understand(picture: Frame, size: FrameSize, *, face: int | None, look: Look = AS_THE_PHOTO) -> Portrait:
    """picture: upright RGB; size: of the video; face: counted from the left from 1, or None for the largest.

    Raises BadPortrait (FACE_MISSING, FACE_NUMBER, FACE_TOO_SMALL, FACE_TURNED_AWAY), BadOption
    (BACKGROUND_NOT_SEPARABLE), Fault (WEIGHTS_MISSING).
    """
    finder = FaceFinder()
    faces = finder.find(picture)
    chosen = choose_face(faces, face)
    x, y = size.width / picture.shape[1], size.height / picture.shape[0]
    landmarks = finder.refine(picture, chosen).resized(x, y).landmarks
    pad = _pad(landmarks, size)
    image = np.asarray(
        cv2.copyMakeBorder(_resized(picture, size), pad, pad, pad, pad, cv2.BORDER_REFLECT_101), np.uint8
    )
    shift = np.array([pad, pad, 0])
    others = [other.resized(x, y).landmarks + shift for other in faces if other is not chosen]
    return _portrait(image, pad, landmarks + shift, others, look.backdrop)


def _portrait(image: Frame, pad: int, landmarks: Points, others: list[Points], backdrop: Backdrop | None) -> Portrait:
    head = head_frame(landmarks)
    mouth, landmarks = read_mouth(image, landmarks, head)
    landmarks = limit_depth(landmarks)
    matte = cut_out(Segmenter(), image, pad, landmarks, head, others)
    if backdrop is None:
        foreground, background, alpha = split_layers(image, matte.alpha, head.px_per_cm)
    else:
        foreground, background, image = _before(image, matte, backdrop, pad, head)
        alpha = matte.opacity
    return Portrait(
        image=image,
        pad=pad,
        landmarks=landmarks,
        head=head,
        rest=head.from_camera(camera_points(landmarks)),
        mouth=mouth,
        layered=matte.layered,
        matte=alpha,
        person=matte.person,
        foreground=foreground,
        background=background,
    )


def _before(
    image: Frame, matte: Matte, backdrop: Backdrop, pad: int, head: HeadFrame
) -> tuple[NDArray[np.uint8], Frame, Frame]:
    if not matte.layered:
        raise BadOption(ErrorCode.BACKGROUND_NOT_SEPARABLE, "the cut misses part of the face, or nothing is around it")
    return put_before(image, matte.opacity, backdrop, pad, head.px_per_cm)


def _resized(picture: Frame, size: FrameSize) -> Frame:
    shrinks = size.width * size.height < picture.shape[0] * picture.shape[1]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, (size.width, size.height), interpolation=interpolation))


def _pad(landmarks: Points, size: FrameSize) -> int:
    face_width = float(np.ptp(landmarks[:FACE_VERTICES, 0]))
    return max(1, round(min(PAD_FACE_WIDTHS * face_width, MAX_PAD_SHARE * min(size.width, size.height))))
