"""Faces that no camera saw: landmarks and pictures whose every line is known."""

import cv2
import numpy as np

from render_service.portrait.canonical import CANONICAL
from render_service.portrait.face import Points
from render_service.portrait.indices import LANDMARKS, OUTER_LOWER_LIP, OUTER_UPPER_LIP
from render_service.stages import Frame

SKIN, LIP, DARK, TEETH = (205, 160, 140), (170, 85, 85), (60, 25, 25), (235, 230, 220)


def looking(yaw_deg: float = 0.0, *, px_per_cm: float = 20.0, centre: tuple[float, float] = (200.0, 200.0)) -> Points:
    """[478, 3] px: the canonical face turned to the side; its irises are left at the origin."""
    yaw = np.deg2rad(yaw_deg)
    turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    landmarks = np.zeros((LANDMARKS, 3))
    landmarks[:468] = CANONICAL.vertices @ turn.T * px_per_cm * [1, -1, -1]
    landmarks[:, :2] += centre
    return landmarks


def lips(landmarks: Points, line: Points, *, inside: Points | None = None) -> Frame:
    """A mouth on skin: lips between the outer rows, a dark `line` [n, 2] px, or teeth within the polygon `inside`."""
    picture = np.full((420, 400, 3), SKIN, np.uint8)
    outline = landmarks[[*OUTER_UPPER_LIP, *OUTER_LOWER_LIP[-2:0:-1]], :2]
    cv2.fillPoly(picture, [np.round(outline * 16).astype(np.int32)], LIP, cv2.LINE_AA, 4)
    if inside is not None:
        cv2.fillPoly(picture, [np.round(inside * 16).astype(np.int32)], TEETH, cv2.LINE_AA, 4)
    cv2.polylines(picture, [np.round(line * 16).astype(np.int32)], False, DARK, 3, cv2.LINE_AA, 4)
    return picture
