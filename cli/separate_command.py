"""`serenade separate`: a song in, vocals.wav and accompaniment.wav out, which add up to it sample by sample."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import soundfile
import soxr
from rich.console import Console
from rich.progress import Progress

from cli.interrupts import stoppable
from render_service.media.songs import PyAVSongReader
from render_service.separate.spleeter import SpleeterSeparator
from render_service.stages import SEPARATION_RATE, Samples, Separator, SongFacts, SongReader, Stems
from shared.errors import BadOption, ErrorCode
from shared.settings import IntakeLimits

NAMES = ("vocals.wav", "accompaniment.wav")
ELSEWHERE = "a folder that does not hold the song itself"


@stoppable()
def separate(song: Path, out: Path) -> None:
    """Writes both files into the folder `out`, or neither, at the song's own rate, length and number of channels.

    A signal leaves nothing half made. They are float32, so that nothing clips; surround is mixed down to stereo first.
    Raises BadInput and BadSong for the song, BadOption where `out` can't be written.
    """
    reader = PyAVSongReader(IntakeLimits())
    facts = reader.probe(song)
    if any((out / name).exists() and (out / name).samefile(song) for name in NAMES):
        raise BadOption(ErrorCode.OPTION_INVALID, f"{song} would be replaced", name="--output", allowed=ELSEWHERE)
    separator = SpleeterSeparator()
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".separating-", dir=out) as scratch:
            _write(Path(scratch), facts, _stems(reader, song, facts, separator))
            for name in NAMES:
                (Path(scratch) / name).replace(out / name)
    except (OSError, soundfile.LibsndfileError) as wrong:
        raise BadOption(ErrorCode.OPTION_INVALID, str(wrong), name="--output", allowed="a folder of yours") from wrong


def _write(folder: Path, facts: SongFacts, stems: Iterable[Stems]) -> None:
    channels = min(facts.channels, 2)
    with ExitStack() as stack:
        console = Console(stderr=True)
        bar = stack.enter_context(Progress(console=console, transient=True, disable=not console.is_terminal))
        task = bar.add_task("separating", total=facts.duration_s)
        vocals, accompaniment = (
            stack.enter_context(
                soundfile.SoundFile(folder / name, "w", facts.sample_rate, channels, format="WAV", subtype="FLOAT")
            )
            for name in NAMES
        )
        for block in stems:
            vocals.write(block.vocals[:, :channels])
            accompaniment.write(block.accompaniment[:, :channels])
            bar.advance(task, len(block.vocals) / facts.sample_rate)


def _stems(reader: SongReader, song: Path, facts: SongFacts, separator: Separator) -> Iterator[Stems]:
    """Stems at the song's own rate. The song is decoded twice, side by side: to be heard and to be subtracted from."""
    mix = reader.blocks(song, rate=SEPARATION_RATE)
    voice = _at_rate((stems.vocals for stems in separator.separate(mix)), facts.sample_rate)
    whole = reader.blocks(song, rate=facts.sample_rate)
    for block, vocals in _side_by_side(whole, voice):
        yield Stems(vocals, block - vocals)


def _at_rate(voice: Iterable[Samples], rate: int) -> Iterator[Samples]:
    """[n, 2] blocks at SEPARATION_RATE -> blocks at `rate`."""
    if rate == SEPARATION_RATE:
        yield from voice
        return
    stream = soxr.ResampleStream(SEPARATION_RATE, rate, 2, dtype="float32")
    for block in voice:
        yield stream.resample_chunk(block)
    yield stream.resample_chunk(np.zeros((0, 2), np.float32), last=True)


def _side_by_side(song: Iterable[Samples], voice: Iterator[Samples]) -> Iterator[tuple[Samples, Samples]]:
    """Each block of the song with the voice of the same samples: resampling there and back may miss a sample or two."""
    waiting = np.zeros((0, 2), np.float32)
    for block in song:
        pieces = [waiting]
        missing = len(block) - len(waiting)
        while missing > 0:
            piece = next(voice, None)
            if piece is None:
                piece = np.zeros((missing, 2), np.float32)
            pieces.append(piece)
            missing -= len(piece)
        joined = np.concatenate(pieces)
        yield block, joined[: len(block)]
        waiting = joined[len(block) :]
