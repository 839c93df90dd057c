"""`serenade perform`: a song in, the curves of its performance out, as CSV."""

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
    performance = _performed(song, fps=fps, seed=seed)
    part = out.with_name(f".{out.name}.part")
    try:
        with part.open("w", newline="", encoding="utf-8") as file:
            write(performance, file)
        part.replace(out)
    except OSError as wrong:
        raise BadOption(
            ErrorCode.OPTION_INVALID, str(wrong), name="--output", allowed="a file in a folder of yours"
        ) from wrong
    finally:
        part.unlink(missing_ok=True)


def _performed(song: Path, *, fps: int, seed: int) -> Performance:
    reader = PyAVSongReader(IntakeLimits())
    duration_s = reader.probe(song).duration_s
    blocks = reader.blocks(song, rate=SEPARATION_RATE)
    heard = hear(blocks, SpleeterSeparator(), duration_s=duration_s, report=lambda _share: None)
    return SungMotionModel().perform(heard, fps=fps, frame_count=round(duration_s * fps), seed=seed)
