"""How the photo holds its mouth: the gap between the lips, and for a closed one the exact line where they meet."""

import cv2
import numpy as np
from numpy.typing import NDArray

from render_service.portrait.canonical import CANONICAL
from render_service.portrait.face import HeadFrame, Mouth, Points
from render_service.portrait.head import camera_points
from render_service.portrait.indices import (
    INNER_LOWER_LIP,
    INNER_UPPER_LIP,
    LEFT_MOUTH_CORNER,
    LOWER_LIP_ROWS,
    OUTER_LOWER_LIP,
    OUTER_UPPER_LIP,
    RIGHT_MOUTH_CORNER,
    UPPER_LIP_ROWS,
)
from render_service.portrait.teeth import refit_around_teeth
from render_service.stages import Frame

CLOSED_GAP_CM = 0.30
"""Landmarks of closed lips lie up to this far apart, over the middle five pairs."""
CLOSED_GAP_REFITTED_CM = 0.12
"""The same once the contour was refitted around teeth, which leaves no slack."""
MIDDLE_PAIRS = slice(3, 8)

BROAD_LIFT_CM, BROAD_WIDTH_CM, SLACK_WIDTH_CM = 0.6, 1.2, 0.25
"""A broad smile: corners this much higher and, past what faces differ by anyway, wider. Measured on eighteen portraits,
where those that don't smile stay below a tenth of it."""

COLUMNS, ROWS = 61, 41
"""Grid the seam is searched on: along the mouth, and across it."""
REACH_CM = 0.45
BLUR_CM, MIN_BLUR_PX = 0.06, 0.5
AWAY_COST = 0.25
"""Cost of a path at the edge of the search, next to a darkness scaled to 0..1: prefers the landmarks' own line."""
BEND_COST, MAX_BEND = 0.04, 2
"""Cost of a step of one row from column to column, and the steepest step."""
PATH_SMOOTHING = 2.0
CORNER_SHARE = 0.5
"""The corners follow the seam half: they are landmarks as sure as the seam's ends."""
CLEARANCE_CM = 0.08
"""Distance the next row of lip vertices keeps from the seam."""


def read_mouth(image: Frame, landmarks: Points, head: HeadFrame) -> tuple[Mouth, Points]:
    """The mouth, and the landmarks with the inner lips refitted: around teeth, or both rows on the seam.

    image: RGB; landmarks: [478, 3] px.
    """
    gap, smile = gap_cm(landmarks, head), smile_share(head.from_camera(camera_points(landmarks)))
    limit = CLOSED_GAP_CM
    if gap < limit:
        refitted = refit_around_teeth(image, landmarks, head.px_per_cm)
        if refitted is not None:
            landmarks, limit = refitted, CLOSED_GAP_REFITTED_CM
            gap = gap_cm(landmarks, head)
    closed = gap < limit
    if closed:
        landmarks = snap_to_seam(image, landmarks, head.px_per_cm)
    return Mouth(gap, closed, smile), landmarks


def gap_cm(landmarks: Points, head: HeadFrame) -> float:
    """Mean distance between the inner lips in the middle of the mouth."""
    pairs = landmarks[list(INNER_UPPER_LIP), :2] - landmarks[list(INNER_LOWER_LIP), :2]
    return float(np.linalg.norm(pairs, axis=1)[MIDDLE_PAIRS].mean() / head.px_per_cm)


def smile_share(rest: Points) -> float:
    """0..1: corners of the mouth both higher and further apart than a resting face's. rest: [468, 3] cm."""
    lifts, widths = zip(*(_corners(vertices) for vertices in (rest, CANONICAL.vertices)), strict=True)
    lift, width = (lifts[0] - lifts[1]) / BROAD_LIFT_CM, (widths[0] - widths[1] - SLACK_WIDTH_CM) / BROAD_WIDTH_CM
    return float(np.clip(min(lift, width), 0, 1))


def _corners(vertices: Points) -> tuple[float, float]:
    """cm: how high the corners lie above the middle of the lips, and how far apart they are."""
    right, left = vertices[[RIGHT_MOUTH_CORNER, LEFT_MOUTH_CORNER]]
    middle = vertices[[OUTER_UPPER_LIP[5], OUTER_LOWER_LIP[5]], 1].mean()
    return float((right[1] + left[1]) / 2 - middle), float(left[0] - right[0])


def snap_to_seam(image: Frame, landmarks: Points, px_per_cm: float) -> Points:
    """Both inner rows on the darkest path between the lips: else a strip of one lip would stick to the other."""
    middle = (landmarks[list(INNER_UPPER_LIP), :2] + landmarks[list(INNER_LOWER_LIP), :2]) / 2
    along = middle[-1] - middle[0]
    down = np.array([-along[1], along[0]]) / np.linalg.norm(along)
    shift = _seam_offsets(image, middle, down, px_per_cm)
    shift[[0, -1]] *= CORNER_SHARE
    seam = middle + shift[:, None] * down
    snapped = landmarks.copy()
    for row in (INNER_UPPER_LIP, INNER_LOWER_LIP):
        snapped[list(row), :2] = seam
    for row, side in ((UPPER_LIP_ROWS[1], -1), (LOWER_LIP_ROWS[1], 1)):
        inner = list(row[1:-1])
        missing = CLEARANCE_CM * px_per_cm - side * (snapped[inner, :2] - seam[1:-1]) @ down
        snapped[inner, :2] += side * np.maximum(missing, 0)[:, None] * down
    return snapped


def _seam_offsets(image: Frame, middle: Points, down: Points, px_per_cm: float) -> Points:
    """[11] px: how far below each point of the landmarks' middle line the darkest path lies."""
    at = np.linspace(0, len(middle) - 1, COLUMNS)
    line = np.stack([np.interp(at, np.arange(len(middle)), middle[:, axis]) for axis in (0, 1)], axis=1)
    offsets = np.linspace(-REACH_CM, REACH_CM, ROWS) * px_per_cm
    grid = (line[None] + offsets[:, None, None] * down).astype(np.float32)
    grey = cv2.GaussianBlur(
        cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), max(MIN_BLUR_PX, BLUR_CM * px_per_cm)
    )
    light = cv2.remap(grey, grid[..., 0], grid[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    cost = (light - light.min(0)) / (np.ptp(light) + 1e-6)
    path = darkest_path(cost + AWAY_COST * np.linspace(-1, 1, ROWS)[:, None] ** 2)
    smooth = cv2.GaussianBlur(
        offsets[path].reshape(1, -1), (0, 0), PATH_SMOOTHING, borderType=cv2.BORDER_REPLICATE
    ).ravel()
    return np.asarray(np.interp(np.arange(len(middle)), at, smooth))


def darkest_path(cost: NDArray[np.floating]) -> NDArray[np.intp]:
    """cost: [rows, columns] -> the row of each column on the cheapest left-to-right path (dynamic programming)."""
    rows, columns = cost.shape
    total = cost[:, 0].astype(np.float64)
    came_from = np.zeros((rows, columns), np.intp)
    steps = np.arange(-MAX_BEND, MAX_BEND + 1)
    sources = np.arange(rows)[:, None] + steps
    outside = (sources < 0) | (sources >= rows)
    sources = np.clip(sources, 0, rows - 1)
    for column in range(1, columns):
        candidates = np.where(outside, np.inf, total[sources] + BEND_COST * np.abs(steps))
        best = candidates.argmin(1)
        came_from[:, column] = sources[np.arange(rows), best]
        total = cost[:, column] + candidates[np.arange(rows), best]
    path = np.empty(columns, np.intp)
    path[-1] = total.argmin()
    for column in range(columns - 1, 0, -1):
        path[column - 1] = came_from[path[column], column]
    return path
