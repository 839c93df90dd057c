"""Steps that render nothing: for tests of the queue, the worker and the front ends, in time that can be chosen."""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from render_service.step_protocol import Finished, PreparedJob, Report, SegmentDone
from shared.errors import BadPortrait, ErrorCode
from shared.models import AssetRef, JobRequest, Stage, StageSeconds, VideoFacts

REPORTS = 20
"""A step tells its progress so many times."""

Trouble = Literal["bad_portrait", "bug", "exit", "hang"]


@dataclass(frozen=True)
class FakeSteps:
    """Each step takes `step_s`, and writes `began <step> <pid>` and `ended <step> <pid>` into `journal`.

    troubles: by step name (`prepare`, `segment 0`, `finish`), what goes wrong there.
    """

    segments: int = 2
    step_s: float = 0.05
    journal: Path | None = None
    troubles: Mapping[str, Trouble] = field(default_factory=dict)

    def prepare(self, request: JobRequest, report: Report) -> PreparedJob:
        spent = self._spend("prepare", Stage.SEPARATE, report)
        return PreparedJob(_asset(request, "prepared"), self.segments, spent)

    def render_segment(self, request: JobRequest, prepared: AssetRef, index: int, report: Report) -> SegmentDone:
        spent = self._spend(f"segment {index}", Stage.ANIMATE, report)
        return SegmentDone(_asset(request, f"segment-{index}"), spent)

    def finish(self, request: JobRequest, prepared: AssetRef, segments: Sequence[AssetRef], report: Report) -> Finished:
        """The video's key lists the segments it was joined from."""
        spent = self._spend("finish", Stage.FINISH, report)
        facts = VideoFacts(duration_s=2, frames=50, width=256, height=256, fps=25, seed=request.options.seed)
        return Finished(_asset(request, "+".join(ref.key for ref in segments)), facts, spent)

    def _spend(self, step: str, stage: Stage, report: Report) -> tuple[StageSeconds, ...]:
        self._note(f"began {step}")
        self._stumble(self.troubles.get(step))
        for i in range(REPORTS):
            time.sleep(self.step_s / REPORTS)
            report(stage, (i + 1) / REPORTS)
        self._note(f"ended {step}")
        return (StageSeconds(name=stage.value, seconds=self.step_s),)

    def _note(self, line: str) -> None:
        if self.journal is not None:
            with self.journal.open("a") as journal:
                journal.write(f"{line} {os.getpid()}\n")

    def _stumble(self, trouble: Trouble | None) -> None:
        match trouble:
            case "bad_portrait":
                raise BadPortrait(ErrorCode.FACE_TOO_SMALL, "a detail for the log", least_px=64)
            case "bug":
                raise ZeroDivisionError("a bug")
            case "exit":
                raise SystemExit(3)
            case "hang":
                time.sleep(3600)
            case None:
                pass


def _asset(request: JobRequest, name: str) -> AssetRef:
    return AssetRef(key=f"{request.job_id}/{name}", size_bytes=1, media_type="application/octet-stream")
