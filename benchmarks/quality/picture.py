"""The picture of the README: eight moments of the bundled portrait singing the bundled song.

python -m benchmarks.quality.picture
"""

import tempfile
from pathlib import Path

import cv2
import numpy as np

from benchmarks.quality.cases import BUNDLED, ROOT, cases
from benchmarks.quality.moments import Moment, cut_outs, moments
from benchmarks.quality.rendering import render
from benchmarks.quality.watching import watch
from render_service.portrait.finder import FaceFinder
from render_service.stages import Frame

OUT = ROOT / "docs" / "images" / "example.jpg"
WANTED = ("closed", "half open", "open widest", "round", "wide", "blink", "yaw left", "yaw right")
COLUMNS, TILE_PX = 4, 240
MAX_BYTES = 250_000
QUALITIES = range(92, 40, -4)


def main() -> None:
    case = next(case for case in cases() if case.group == BUNDLED)
    if not case.shippable:
        raise SystemExit("examples/portrait.jpg is missing: pictures of other portraits are not shipped")
    with tempfile.TemporaryDirectory() as folder:
        rendering = render(case, Path(folder))
        watched = watch(rendering.video, rendering.photo, FaceFinder())
        found = {moment.name: moment for moment in moments(watched)}
        chosen = [found[name] for name in WANTED if name in found]
        save(cut_outs(rendering.video, watched, chosen, TILE_PX))
    print(OUT, describe(chosen, case.options.fps))


def describe(chosen: list[Moment], fps: int) -> str:
    return ", ".join(f"{moment.name} at {moment.index / fps:.1f} s" for moment in chosen)


def save(tiles: list[Frame]) -> None:
    """Rows of `COLUMNS`, as a JPEG under `MAX_BYTES`."""
    rows = [np.hstack(tiles[first : first + COLUMNS]) for first in range(0, len(tiles), COLUMNS)]
    sheet = cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR)
    packed = (cv2.imencode(".jpg", sheet, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes() for quality in QUALITIES)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_bytes(next(data for data in packed if len(data) < MAX_BYTES))


if __name__ == "__main__":
    main()
