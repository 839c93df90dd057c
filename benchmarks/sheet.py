"""Contact sheets: a video as one picture, to be looked at.

python -m benchmarks.sheet serenade.mp4 sheet.png [--face] [--columns 8] [--rows 4] [--from S] [--to S]
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

from benchmarks.track import frames
from render_service.portrait.finder import FaceFinder
from render_service.stages import Frame

TILE_PX = 240


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("sheet", type=Path)
    parser.add_argument("--face", action="store_true", help="cut out the face of the first frame")
    parser.add_argument("--columns", type=int, default=8)
    parser.add_argument("--rows", type=int, default=4)
    parser.add_argument("--from", dest="begin", type=float, default=0.0)
    parser.add_argument("--to", dest="end", type=float, default=1e9)
    parser.add_argument("--fps", type=float, default=25.0)
    given = parser.parse_args()
    chosen = [f for i, f in enumerate(frames(given.video)) if given.begin <= i / given.fps < given.end]
    wanted = np.linspace(0, len(chosen) - 1, given.columns * given.rows).round().astype(int)
    tiles = [chosen[index] for index in wanted]
    if given.face:
        tiles = [_around_face(tile, _box(chosen[0])) for tile in tiles]
    height = round(TILE_PX * tiles[0].shape[0] / tiles[0].shape[1])
    small = [cv2.resize(tile, (TILE_PX, height), interpolation=cv2.INTER_AREA) for tile in tiles]
    rows = [np.hstack(small[row * given.columns : (row + 1) * given.columns]) for row in range(given.rows)]
    cv2.imwrite(str(given.sheet), cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR))


def _box(frame: Frame) -> tuple[int, int, int, int]:
    faces = FaceFinder().find(frame)
    if not faces:
        return 0, 0, frame.shape[1], frame.shape[0]
    flat = max((face.landmarks[:, :2] for face in faces), key=np.ptp)
    centre, reach = flat.mean(0), 0.75 * np.ptp(flat, axis=0).max()
    x0, y0 = np.maximum(centre - reach, 0).astype(int)
    x1, y1 = np.minimum(centre + reach, [frame.shape[1], frame.shape[0]]).astype(int)
    return int(x0), int(y0), int(x1), int(y1)


def _around_face(frame: Frame, box: tuple[int, int, int, int]) -> Frame:
    x0, y0, x1, y1 = box
    return frame[y0:y1, x0:x1]


if __name__ == "__main__":
    main()
