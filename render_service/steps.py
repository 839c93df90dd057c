"""The three steps a worker runs, between store and pipeline: fetch what is needed, work in a private folder, store."""

import logging
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from render_service.pipeline import Pipeline
from render_service.prepared import Prepared
from render_service.registry import build_parts
from render_service.step_protocol import Finished, PreparedJob, Report, SegmentDone
from shared.errors import Fault
from shared.models import AssetRef, JobRequest, Stage, StageSeconds, VideoFacts
from shared.private_folder import private_folder, remove_left_behind
from shared.settings import Settings
from shared.store import AssetStore, store_from

log = logging.getLogger(__name__)

PREPARED_TYPE, SEGMENT_TYPE, VIDEO_TYPE = "application/x-npz", "video/mp4", "video/mp4"
WORK_TTL_S = 86_400.0
"""How long what only the steps need is kept: longer than any render, so that a late takeover still finds it."""


class _Clock:
    """Passes reports on and adds up how long each stage took, stages of parallel halves each by their own time."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._last: dict[Stage, float] = {}
        self._seconds: dict[Stage, float] = defaultdict(float)
        self._began = time.perf_counter()

    def __call__(self, stage: Stage, fraction: float) -> None:
        now = time.perf_counter()
        self._seconds[stage] += now - self._last.get(stage, now if self._last else self._began)
        self._last[stage] = now
        self._report(stage, fraction)

    @property
    def seconds(self) -> tuple[StageSeconds, ...]:
        return tuple(StageSeconds(name=stage.value, seconds=spent) for stage, spent in self._seconds.items())


class StoredSteps:
    """Implements the worker's `Steps` on the asset store and the pipeline."""

    def __init__(self, store: AssetStore, pipeline: Pipeline, *, work_dir: Path, ttl_s: float) -> None:
        self._store = store
        self._pipeline = pipeline
        self._work_dir = work_dir
        self._ttl_s = ttl_s
        self._last: tuple[str, Prepared] | None = None
        self._sweep()

    def prepare(self, request: JobRequest, report: Report) -> PreparedJob:
        clock = _Clock(report)
        with self._folder() as folder:
            song = self._fetch(request.song, folder / "song")
            portrait = self._fetch(request.portrait, folder / "portrait")
            ref = request.background_picture
            behind = self._fetch(ref, folder / "background") if ref else None
            prepared = self._pipeline.prepare(song, portrait, request.options, clock, background_picture=behind)
            with (folder / "prepared.npz").open("wb") as out:
                prepared.save(out)
            stored = self._store.put_file(folder / "prepared.npz", PREPARED_TYPE, WORK_TTL_S)
        self._last = (stored.key, prepared)
        return PreparedJob(stored, prepared.plan.segment_count, clock.seconds)

    def render_segment(self, request: JobRequest, prepared: AssetRef, index: int, report: Report) -> SegmentDone:
        clock = _Clock(report)
        with self._folder() as folder:
            part = folder / "segment.mp4"
            self._pipeline.render_segment(self._prepared(prepared, folder), index, part, clock)
            stored = self._store.put_file(part, SEGMENT_TYPE, WORK_TTL_S)
        return SegmentDone(stored, clock.seconds)

    def finish(self, request: JobRequest, prepared: AssetRef, segments: Sequence[AssetRef], report: Report) -> Finished:
        clock = _Clock(report)
        with self._folder() as folder:
            plan = self._prepared(prepared, folder).plan
            song = self._fetch(request.song, folder / "song")
            parts = [self._fetch(ref, folder / f"{index}.mp4") for index, ref in enumerate(segments)]
            video = folder / "video.mp4"
            self._pipeline.finish(plan, parts, song, video, clock)
            stored = self._store.put_file(video, VIDEO_TYPE, self._ttl_s)
        self._sweep()
        facts = VideoFacts(
            duration_s=plan.duration_s,
            frames=plan.frame_count,
            width=plan.size.width,
            height=plan.size.height,
            fps=plan.fps,
            seed=plan.seed,
        )
        return Finished(stored, facts, clock.seconds)

    def _sweep(self) -> None:
        """What has expired goes, and what killed workers left; that it can't go now is no reason to fail a render."""
        remove_left_behind(self._work_dir)
        try:
            self._store.sweep(time.time())
        except Fault as fault:
            log.warning("the store is not swept: %s", fault.detail)

    def _prepared(self, ref: AssetRef, folder: Path) -> Prepared:
        """Kept between the segments of one job: reading it back costs about as much as ten frames."""
        if self._last is None or self._last[0] != ref.key:
            self._last = (ref.key, Prepared.load(self._fetch(ref, folder / "prepared.npz")))
        return self._last[1]

    def _fetch(self, ref: AssetRef, to: Path) -> Path:
        self._store.fetch(ref.key, to)
        return to

    def _folder(self) -> AbstractContextManager[Path]:
        return private_folder(self._work_dir)


def build_steps(settings: Settings) -> StoredSteps:
    """The real steps, on the default backends."""
    return StoredSteps(
        store_from(settings.store),
        Pipeline(build_parts(settings.intake)),
        work_dir=settings.store.data_dir / "work",
        ttl_s=settings.store.days_kept * 86_400,
    )
