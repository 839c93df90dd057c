"""The worker's side of the queue: take a step up, say how far it is, hand in its result, or give it back.

Every operation names the step and the worker; one that no longer holds this very attempt is not heard, which makes a
late result of a worker thought dead harmless.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from shared.errors import ErrorCode, Param
from shared.models import AssetRef, JobRequest, JobStatus, Model, Stage, VideoFacts
from shared.queue.script import QueueScript

Seconds = Mapping[str, float]
"""Worker seconds by stage."""


class StepKind(StrEnum):
    """The three kinds of work, by the names of their arq functions."""

    PREPARE = "prepare"
    RENDER_SEGMENT = "render_segment"
    FINISH = "finish"


@dataclass(frozen=True)
class StepId:
    """One attempt at one step of one job; `index` is the segment's, else None."""

    job_id: str
    kind: StepKind
    index: int | None
    attempt: int
    text: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads `<job>:<step>:<attempt>`, where the step is `prepare`, `segment-0000` or `finish`."""
        job_id, step, attempt = text.rsplit(":", 2)
        name, _, index = step.partition("-")
        kind = StepKind.RENDER_SEGMENT if name == "segment" else StepKind(name)
        return cls(job_id, kind, int(index) if index else None, int(attempt), text)

    def __str__(self) -> str:
        return self.text


class StepWork(Model):
    """What a step needs: `prepared` for segments and finish, `segments` in order for finish."""

    request: JobRequest
    prepared: AssetRef | None
    segments: tuple[AssetRef, ...]


class StepDesk:
    """Where one worker takes steps up and hands them in. All raise Fault (QUEUE_UNREACHABLE)."""

    def __init__(self, script: QueueScript, worker: str) -> None:
        self._script = script
        self._worker = worker

    async def beat(self, holding: StepId | None, *, reap: bool) -> bool:
        """This worker lives. False: the step it holds is no longer its own and should stop.

        reap: look for steps whose worker is gone, too.
        """
        held = holding and str(holding)
        return bool(await self._script.call("beat", worker=self._worker, id=held, reap=reap))

    async def leave(self) -> None:
        """This worker is counted no longer."""
        await self._script.call("leave", worker=self._worker)

    async def begin(self, step: StepId) -> StepWork | None:
        """Takes the step up; None when it is done, taken over or its job has ended."""
        found = await self._call("begin", step)
        return StepWork.model_validate_json(found) if found else None

    async def progress(self, step: StepId, stage: Stage, fraction: float) -> None:
        """fraction: how much of this step's share of the stage is done, 0..1."""
        await self._call("progress", step, stage=stage, fraction=min(1.0, max(0.0, fraction)))

    async def prepared(self, step: StepId, prepared: AssetRef, segments: int, seconds: Seconds) -> bool:
        """Queues the segments. False: too late. Raises ValueError when there are none."""
        if segments < 1:
            raise ValueError(f"a render needs at least one segment, not {segments}")
        return bool(
            await self._call(
                "prepared", step, prepared=prepared.model_dump_json(), segments=segments, seconds=dict(seconds)
            )
        )

    async def segment_done(self, step: StepId, segment: AssetRef, seconds: Seconds) -> bool:
        """The last one queues the finish. False: too late."""
        return bool(
            await self._call(
                "segment_done", step, index=step.index, segment=segment.model_dump_json(), seconds=dict(seconds)
            )
        )

    async def finished(self, step: StepId, video: AssetRef, facts: VideoFacts, seconds: Seconds) -> bool:
        """The job has succeeded; `facts.stages` is replaced by what all workers spent. False: too late."""
        known = facts.model_dump(mode="json", exclude={"stages"})
        return bool(
            await self._call("finished", step, video=video.model_dump_json(), facts=known, seconds=dict(seconds))
        )

    async def failed(self, step: StepId, code: ErrorCode, params: Mapping[str, Param]) -> bool:
        """The job has failed, and its other steps stop. False: too late."""
        return bool(await self._call("step_failed", step, status=JobStatus.FAILED, outcome=failure(code, params)))

    async def cancelled(self, step: StepId) -> bool:
        """The job was stopped from within. False: too late."""
        return bool(await self._call("step_failed", step, status=JobStatus.CANCELLED, outcome={}))

    async def release(self, step: StepId) -> bool:
        """Gives the step back for another worker to begin anew. False: too late."""
        return bool(await self._call("release", step))

    async def _call(self, operation: str, step: StepId, **arguments: object) -> Any:
        return await self._script.call(operation, worker=self._worker, id=str(step), **arguments)


def failure(code: ErrorCode, params: Mapping[str, Param]) -> dict[str, str]:
    """The outcome of a failed job as it is stored: ProgressEvent's fields, each as JSON."""
    return {"error_code": json.dumps(code), "error_params": json.dumps(dict(params))}
