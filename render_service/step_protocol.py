"""What a worker runs: the three steps of a render, and what each hands back: references, the files are in the store."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.models import AssetRef, JobRequest, Stage, StageSeconds, VideoFacts

Report = Callable[[Stage, float], None]
"""Told which stage is how far, 0..1, as often as one likes, from any thread. Raises `Cancelled` when the step is no
longer wanted: call it at least once a second."""


@dataclass(frozen=True)
class PreparedJob:
    """The song heard and the portrait rigged; `segments` is how many pieces are to be rendered, at least one."""

    prepared: AssetRef
    segments: int
    stage_seconds: tuple[StageSeconds, ...] = ()


@dataclass(frozen=True)
class SegmentDone:
    """One rendered piece."""

    segment: AssetRef
    stage_seconds: tuple[StageSeconds, ...] = ()


@dataclass(frozen=True)
class Finished:
    """The video; the queue fills in `facts.stages` with what all workers spent."""

    video: AssetRef
    facts: VideoFacts
    stage_seconds: tuple[StageSeconds, ...] = ()


class Steps(Protocol):
    """Each may be run again, by another worker, after the first was killed at any point: the result is the same.

    All raise BadInput, Refused, Fault, or Cancelled out of `report`.
    """

    def prepare(self, request: JobRequest, report: Report) -> PreparedJob: ...

    def render_segment(self, request: JobRequest, prepared: AssetRef, index: int, report: Report) -> SegmentDone: ...

    def finish(
        self, request: JobRequest, prepared: AssetRef, segments: Sequence[AssetRef], report: Report
    ) -> Finished: ...
