"""A Performance as CSV, laid out like Live Link Face recordings: timecode, count, 52 coefficients, then the head."""

import csv
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from render_service.stages import ARKIT_NAMES, Performance
from shared.errors import BadInput, ErrorCode

HEAD_NAMES = ("headYaw", "headPitch", "headRoll", "headX", "headY", "headZ")
HEADER = ("Timecode", "BlendshapeCount", *ARKIT_NAMES, *HEAD_NAMES, "breath")
DECIMALS = 5


def write(performance: Performance, out: TextIO) -> None:
    """One row a frame. Timecode is HH:MM:SS:FF.mmm of the frame's beginning, frames counted from 0."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    table = np.concatenate([performance.blendshapes, performance.head, performance.breath[:, None]], axis=1)
    for index, row in enumerate(table):
        numbers = (f"{value:.{DECIMALS}f}" for value in row)
        writer.writerow([timecode(index, performance.fps), len(ARKIT_NAMES), *numbers])


def read(path: Path) -> Performance:
    """Columns are found by name, in any order and capitals; missing coefficients and head columns are 0.

    Raises BadInput (FILE_MISSING, OPTION_INVALID) where it is no such table.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
        columns = {name.strip().lower(): [row[name] for row in rows] for name in (rows[0] if rows else {})}
        codes = columns["timecode"]
        values = {name: np.array(columns[name], np.float32) for name in columns if name in _KNOWN}
        fps = rate_of(codes)
    except FileNotFoundError as missing:
        raise BadInput(ErrorCode.FILE_MISSING, str(path)) from missing
    except (KeyError, ValueError, TypeError, AttributeError, csv.Error) as wrong:
        raise BadInput(
            ErrorCode.OPTION_INVALID, f"{path.name}: {wrong!r}", name="CSV", allowed="Live Link Face"
        ) from wrong
    return Performance(
        fps=fps,
        blendshapes=_gathered(values, ARKIT_NAMES, len(codes)),
        head=_gathered(values, HEAD_NAMES, len(codes)),
        breath=_gathered(values, ("breath",), len(codes))[:, 0],
    )


def timecode(index: int, fps: int) -> str:
    """Frame 30 at 25 a second is 00:00:01:05.000."""
    seconds, frame = divmod(index, fps)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{frame:02d}.000"


def rate_of(codes: list[str]) -> int:
    """Frames a second: frames between the first and the last code that lie a whole number of seconds apart.

    Recordings shorter than a second don't tell; they count as 60, what phones record. Raises ValueError.
    """
    frames = [(h * 3600 + m * 60 + s, float(f)) for h, m, s, f in (_split(code) for code in codes)]
    starts = [index for index in range(1, len(frames)) if frames[index][0] > frames[index - 1][0]]
    if not starts:
        return 60
    if len(starts) > 1:
        return round((starts[-1] - starts[0]) / (frames[starts[-1]][0] - frames[starts[0]][0]))
    return int(max(frame for _, frame in frames)) + 1


def _split(code: str) -> tuple[int, int, int, str]:
    hours, minutes, seconds, frame = code.split(":")
    return int(hours), int(minutes), int(seconds), frame


def _gathered(values: dict[str, NDArray[np.float32]], names: tuple[str, ...], count: int) -> NDArray[np.float32]:
    missing = np.zeros(count, np.float32)
    return np.stack([values.get(name.lower(), missing) for name in names], axis=1)


_KNOWN = frozenset(name.lower() for name in HEADER[2:])
