"""The order of the stages: prepare once, render segments anywhere, finish once. No queue, no chat, no model code."""

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from render_service.hearing import hear
from render_service.prepared import Plan, Prepared
from render_service.stages import (
    AS_THE_PHOTO,
    SEPARATION_RATE,
    Animator,
    Encoder,
    Frame,
    FrameSize,
    HeardSong,
    Look,
    MotionModel,
    Performance,
    PictureReader,
    Rig,
    Separator,
    SongReader,
)
from shared.errors import BadOption, Cancelled, ErrorCode
from shared.models import MAX_HEIGHT, MIN_HEIGHT, RenderOptions, Stage

DEFAULT_HEIGHT = 720
"""The most a video gets unless asked: every chat plays it, and two cores keep up."""
MAX_WIDTH = 3840
"""px; banners are scaled down to what H.264 level 5.2 players show."""
SHORTEST_S = 1.0
"""The least of a song that is worth animating."""

_A = TypeVar("_A")
_B = TypeVar("_B")

StageReport = Callable[[Stage, float], None]
"""Told which stage is how far, 0..1; may raise Cancelled. Called from several threads."""


@dataclass(frozen=True)
class Parts:
    """The backends of one worker. The heavy ones are loaded when first used: a worker may only ever see segments."""

    songs: SongReader
    pictures: PictureReader
    encoder: Encoder
    separator: Callable[[], Separator]
    motion: Callable[[], MotionModel]
    animator: Callable[[], Animator]


class Pipeline:
    """Runs the steps of a render on local files."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def prepare(
        self,
        song: Path,
        portrait: Path,
        options: RenderOptions,
        report: StageReport,
        *,
        background_picture: Path | None = None,
    ) -> Prepared:
        """Hears the song and rigs the portrait, side by side: one waits for the separator, the other for pictures.

        background_picture: what goes behind the singer where `options.background` is "picture".
        Raises BadInput for either file or an option; the first failure stops the other half.
        """
        facts = self._parts.songs.probe(song)
        start_s, end_s = _range(options, facts.duration_s)
        picture = self._parts.pictures.read(portrait)
        look = self._look(options, background_picture)
        size, rate = self._parts.encoder.plan(
            frame_size(picture, options.height),
            fps=options.fps,
            duration_s=end_s - start_s,
            max_bytes=options.max_bytes,
        )
        plan = Plan(
            size=size,
            rate=rate,
            fps=options.fps,
            frame_count=max(1, round((end_s - start_s) * options.fps)),
            start_s=start_s,
            seed=options.seed,
            max_bytes=options.max_bytes,
        )

        def performance() -> Performance:
            heard = self._hear(song, start_s, end_s, stoppable)
            stoppable(Stage.PERFORM, 0.0)
            performed = self._parts.motion().perform(heard, fps=plan.fps, frame_count=plan.frame_count, seed=plan.seed)
            stoppable(Stage.PERFORM, 1.0)
            return performed

        def rig() -> Rig:
            stoppable(Stage.RIG, 0.0)
            made = self._parts.animator().rig(picture, plan.size, face=options.face, look=look)
            stoppable(Stage.RIG, 1.0)
            return made

        stop = threading.Event()

        def stoppable(stage: Stage, fraction: float) -> None:
            if stop.is_set():
                raise Cancelled("the other half of prepare failed")
            report(stage, fraction)

        performed, made = _both(performance, rig, stop)
        return Prepared(plan=plan, performance=performed, rig=made)

    def render_segment(self, prepared: Prepared, index: int, out: Path, report: StageReport) -> int:
        """Draws and encodes one segment into `out`, a pure function of `prepared`; returns its number of frames."""
        frames = prepared.plan.segment(index)
        drawn = self._parts.animator().animate(prepared.rig, prepared.performance, frames)
        return self._parts.encoder.segment(
            _counted(drawn, len(frames), report),
            out,
            size=prepared.plan.size,
            fps=prepared.plan.fps,
            rate=prepared.plan.rate,
        )

    def finish(self, plan: Plan, segments: Iterable[Path], song: Path, out: Path, report: StageReport) -> None:
        """Joins the segments and puts the song's own sound under them."""
        report(Stage.FINISH, 0.0)
        self._parts.encoder.join(
            segments,
            song,
            out,
            fps=plan.fps,
            start_s=plan.start_s,
            duration_s=plan.duration_s,
            max_bytes=plan.max_bytes,
        )
        report(Stage.FINISH, 1.0)

    def _look(self, options: RenderOptions, background_picture: Path | None) -> Look:
        """Raises BadPortrait for a background that is no picture."""
        kind = options.background
        if kind == "keep":
            return AS_THE_PHOTO
        if kind == "blur":
            return Look(backdrop="blur")
        if kind == "picture":
            if background_picture is None:
                raise BadOption(ErrorCode.OPTION_INVALID, "no background picture", name="background")
            return Look(backdrop=self._parts.pictures.read(background_picture))
        return Look(backdrop=np.frombuffer(bytes.fromhex(kind[1:]), np.uint8).reshape(1, 1, 3))

    def _hear(self, song: Path, start_s: float, end_s: float, report: StageReport) -> HeardSong:
        blocks = self._parts.songs.blocks(song, rate=SEPARATION_RATE, start_s=start_s, end_s=end_s)
        return hear(
            blocks,
            self._parts.separator(),
            duration_s=end_s - start_s,
            report=lambda fraction: report(Stage.SEPARATE, fraction),
        )


def frame_size(picture: Frame, height: int | None) -> FrameSize:
    """The video's size: the picture's own shape, at the asked height or its own up to DEFAULT_HEIGHT; both even."""
    own_height, own_width = picture.shape[:2]
    wanted = height or min(max(own_height, MIN_HEIGHT), DEFAULT_HEIGHT)
    tall = _even(min(wanted, MAX_HEIGHT, MAX_WIDTH * own_height // own_width))
    return FrameSize(width=_even(tall * own_width / own_height), height=tall)


def _even(pixels: float) -> int:
    return max(2, 2 * round(pixels / 2))


def _range(options: RenderOptions, duration_s: float) -> tuple[float, float]:
    """The part of the song that is asked for. Raises BadOption where there is nothing of it."""
    start_s = options.start_s or 0.0
    if options.end_s is not None and options.end_s <= start_s:
        raise BadOption(ErrorCode.OPTION_INVALID, name="the end", allowed="a time after the start")
    end_s = min(options.end_s or duration_s, duration_s)
    if end_s - start_s < SHORTEST_S:
        raise BadOption(ErrorCode.RANGE_OUTSIDE_SONG, f"{start_s}..{end_s}", duration_s=round(duration_s, 1))
    return start_s, end_s


def _both(first: Callable[[], _A], second: Callable[[], _B], stop: threading.Event) -> tuple[_A, _B]:
    """Runs two halves in threads; the first error stops the other half and is the one that is raised."""
    with ThreadPoolExecutor(2, thread_name_prefix="prepare") as pool:
        a, b = pool.submit(_half, first, stop), pool.submit(_half, second, stop)
    errors = [error for error in (a.exception(), b.exception()) if error]
    # being told to stop is the consequence, never the cause
    errors.sort(key=lambda error: isinstance(error, Cancelled))
    if errors:
        raise errors[0]
    return a.result(), b.result()


def _half(work: Callable[[], _A], stop: threading.Event) -> _A:
    try:
        return work()
    except BaseException:
        stop.set()
        raise


def _counted(frames: Iterator[Frame], total: int, report: StageReport) -> Iterator[Frame]:
    """Passes frames on and tells how far they are; raising here ends the encoder too."""
    for done, frame in enumerate(frames):
        report(Stage.ANIMATE, done / total)
        yield frame
    report(Stage.ANIMATE, 1.0)
