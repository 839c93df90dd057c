"""`serenade perform`: a song in, the curves of its performance out, as CSV."""

import tempfile
from pathlib import Path

from cli.interrupts import stoppable
from render_service.hearing import hear
from render_service.media.songs import PyAVSongReader
from render_service.perform.csv import write
from render_service.perform.model import SungMotionModel
from render_service.separate.spleeter import SpleeterSeparator
from render_service.stages import SEPARATION_RATE, Performance
from shared.errors import BadOption, ErrorCode
from shared.settings import IntakeLimits


@stoppable()
def perform(song: Path, out: Path, *, fps: int, seed: int) -> None:
    """Writes the whole table or nothing. Raises BadSong, and BadOption where `out` can't be written."""
    _check_output(out, song)
    performance = _performed(song, fps=fps, seed=seed)
    part = out.with_name(f".{out.name}.part")
    try:
        with part.open("w", newline="", encoding="utf-8") as file:
            write(performance, file)
        part.replace(out)
    except OSError as wrong:
        raise _bad_output(str(wrong)) from wrong
    finally:
        part.unlink(missing_ok=True)


def _check_output(out: Path, song: Path) -> None:
    """Raises BadOption before any work is done where the table could not be put."""
    try:
        if out.is_dir() or (out.exists() and song.exists() and out.samefile(song)):
            raise _bad_output(f"{out} is a folder, or the song itself")
        with tempfile.TemporaryFile(dir=out.parent):
            pass
    except OSError as wrong:
        raise _bad_output(str(wrong)) from wrong


def _bad_output(detail: str) -> BadOption:
    return BadOption(ErrorCode.OPTION_INVALID, detail, name="--output", allowed="a new file in a folder of yours")


def _performed(song: Path, *, fps: int, seed: int) -> Performance:
    reader = PyAVSongReader(IntakeLimits())
    duration_s = reader.probe(song).duration_s
    blocks = reader.blocks(song, rate=SEPARATION_RATE)
    heard = hear(blocks, SpleeterSeparator(), duration_s=duration_s, report=lambda _share: None)
    return SungMotionModel().perform(heard, fps=fps, frame_count=round(duration_s * fps), seed=seed)
