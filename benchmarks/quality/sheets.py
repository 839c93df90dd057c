"""Contact sheets to look at: the photo beside the moments of its video, faces large."""

from pathlib import Path

import cv2
import numpy as np

from benchmarks.quality.moments import Moment, cut_out, cut_outs, moments
from benchmarks.quality.rendering import Rendering
from benchmarks.quality.watching import Watched

TILE_PX, COLUMNS, ROWS = 260, 6, 3


def save_sheet(path: Path, rendering: Rendering, watched: Watched) -> None:
    """Photo, extremes, then frames from all over the video."""
    chosen = moments(watched)
    room = COLUMNS * ROWS - 1 - len(chosen)
    even = np.linspace(0, rendering.count - 1, room + 2).astype(int)[1:-1]
    chosen += [Moment("", int(index)) for index in even]
    tiles = [cut_out(rendering.photo, watched, TILE_PX), *cut_outs(rendering.video, watched, chosen, TILE_PX)]
    for tile, label in zip(tiles, ["photo", *(f"{m.index} {m.name}" for m in chosen)], strict=True):
        for colour, thickness in (((0, 0, 0), 3), ((255, 255, 255), 1)):
            cv2.putText(tile, label, (5, 15), cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, thickness, cv2.LINE_AA)
    rows = [np.hstack(tiles[row * COLUMNS : (row + 1) * COLUMNS]) for row in range(ROWS)]
    cv2.imwrite(str(path), cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR))
