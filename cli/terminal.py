"""The terminal as a chat: one progress line that is kept up to date, then the video in its place."""

import os
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from bots.texts import stage_name
from shared.errors import ErrorCode
from shared.models import JobStatus, ProgressEvent, Stage

SPANS: dict[Stage, tuple[float, float]] = {
    Stage.RIG: (0.0, 0.0),
    Stage.SEPARATE: (0.0, 0.25),
    Stage.PERFORM: (0.25, 0.45),
    Stage.ANIMATE: (0.45, 0.97),
    Stage.FINISH: (0.97, 1.0),
}
"""Where each stage begins and ends in the whole, as measured by benchmarks/job.py on 30 s of song at 512 high."""


class TerminalReplier:
    """Implements delivery's Replier; afterwards it knows how the job ended.

    output: where the video goes, whole or not at all.
    """

    def __init__(self, output: Path, console: Console) -> None:
        self._output = output
        self._console = console
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[eta]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("Starting", total=1.0, eta="")
        self._told: Stage | None = None
        self.ended: ProgressEvent | None = None
        self.unplaced: OSError | None = None
        """Why a video that was made could not be put where it belongs."""

    def __enter__(self) -> "TerminalReplier":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    async def progress(self, event: ProgressEvent) -> None:
        if event.status is JobStatus.WAITING:
            self._bar.update(self._task, description=f"Waiting, place {event.position or 1}")
        if event.eta_s is not None:
            self._bar.update(self._task, eta=f"ETA {timedelta(seconds=round(event.eta_s))}")
        if event.stage is None:
            return
        begin, end = SPANS[event.stage]
        done = begin + (end - begin) * (event.done / event.total if event.total else 0.0)
        done = max(done, self.share)  # the halves of prepare report in turn
        self._bar.update(self._task, description=stage_name(event.stage), completed=done)
        if not self._console.is_terminal and event.stage is not self._told:
            self._told = event.stage
            self._console.print(f"{stage_name(event.stage)} ({done:.0%})", highlight=False)

    async def deliver(self, event: ProgressEvent, video: Path) -> None:
        try:
            _place(video, self._output)
        except OSError as error:
            self.unplaced = error
        self.ended = event

    async def sorry(self, event: ProgressEvent, sentence: str) -> None:
        self.ended = event

    async def answered(self, event: ProgressEvent) -> bool:
        return self.ended is not None

    @property
    def share(self) -> float:
        """How much is done, 0..1."""
        return self._bar.tasks[0].completed

    @property
    def error_code(self) -> ErrorCode | None:
        """Why there is no video; None where there is one."""
        if self.ended is None:
            return ErrorCode.INTERNAL
        if self.ended.status is JobStatus.CANCELLED:
            return ErrorCode.CANCELLED
        return None if self.ended.status is JobStatus.SUCCEEDED else self.ended.error_code or ErrorCode.INTERNAL


def _place(video: Path, output: Path) -> None:
    """Copies across file systems, then renames: `output` is the old file or the whole new one."""
    descriptor, aside = tempfile.mkstemp(prefix=".serenade-", suffix=".part", dir=output.parent)
    try:
        with os.fdopen(descriptor, "wb") as to, video.open("rb") as content:
            shutil.copyfileobj(content, to)
        umask = os.umask(0)
        os.umask(umask)
        Path(aside).chmod(0o666 & ~umask)
        Path(aside).replace(output)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise
