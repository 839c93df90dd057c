"""Runs one step at a time in a thread, so that the event loop stays free, and tells the queue whatever comes of it."""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from render_service.step_protocol import Finished, PreparedJob, Report, SegmentDone, Steps
from shared.errors import BadInput, Cancelled, ErrorCode, Fault, Refused, SerenadeError
from shared.models import Stage, StageSeconds
from shared.queue import StepDesk, StepId, StepKind, StepWork

log = logging.getLogger(__name__)

TELL_EVERY_S = 0.25
"""How often progress is passed on: a few times a second at most."""
HAND_IN_PATIENCE_S = 60.0
"""How long a result waits for Redis to come back: a segment costs about ten seconds to make again."""

Result = PreparedJob | SegmentDone | Finished


class Overdue(Exception):
    """The thread did not come back in time; only the end of the process stops it."""


class StepRunner:
    """One step at a time. `holding` is the step in work.

    step_limit_s: a step that takes longer hangs. grace_s: how long it may take to stop when the worker must end.
    """

    def __init__(self, steps: Steps, desk: StepDesk, *, step_limit_s: float, grace_s: float) -> None:
        self._steps = steps
        self._desk = desk
        self._step_limit_s = step_limit_s
        self._grace_s = grace_s
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="step")
        self._stopping = False
        self._lost = False
        self._give_up_at = 0.0
        self.holding: StepId | None = None

    def lost(self, step: StepId) -> None:
        """The job has ended, or another took the step over: it stops at its next report, and nothing is handed in."""
        self._lost = self._lost or self.holding == step

    def stop(self) -> None:
        """This worker must end: gives back its step and any that comes. After the grace `run` raises Overdue."""
        self._stopping = True
        self._give_up_at = min(self._give_up_at, time.monotonic() + self._grace_s)

    async def run(self, step: StepId) -> None:
        """Does the step and hands in what came of it. Raises Overdue; nothing else that a step can cause."""
        try:
            work = await self._desk.begin(step)
            if work is None:
                log.info("%s is no longer to be done", step)
                return
            self._begin(step)
            await self._hand_in(step, await self._work(step, work))
        except Exception as error:
            await self._explain(step, error)
            if isinstance(error, Overdue):
                raise
        finally:
            self.holding = None

    def _begin(self, step: StepId) -> None:
        self.holding = step
        self._lost = False
        self._give_up_at = time.monotonic() + (self._grace_s if self._stopping else self._step_limit_s)

    async def _work(self, step: StepId, work: StepWork) -> Result:
        latest: dict[Stage, float] = {}
        call = self._call(step, work, self._reporter(step, latest))
        running = asyncio.get_running_loop().run_in_executor(self._thread, _sheltered, call)
        told: dict[Stage, float] = {}
        while not (await asyncio.wait({running}, timeout=TELL_EVERY_S))[0]:
            await self._tell(step, latest, told)
            if time.monotonic() > self._give_up_at:
                raise Overdue(f"{step} did not come back")
        return running.result()

    def _reporter(self, step: StepId, latest: dict[Stage, float]) -> Report:
        """Called in threads, some left over from steps that failed: it only notes, the event loop tells."""

        def report(stage: Stage, fraction: float) -> None:
            if self.holding is not step or self._lost:
                raise Cancelled("no longer wanted")
            if self._stopping:
                raise Cancelled("the worker is to end")
            latest[stage] = fraction

        return report

    def _call(self, step: StepId, work: StepWork, report: Report) -> Callable[[], Result]:
        request, prepared = work.request, work.prepared
        if step.kind is StepKind.PREPARE:
            return lambda: self._steps.prepare(request, report)
        if prepared is None:
            raise Fault(ErrorCode.INTERNAL, f"{step} came before its job was prepared")
        if step.index is not None:
            index = step.index
            return lambda: self._steps.render_segment(request, prepared, index, report)
        return lambda: self._steps.finish(request, prepared, work.segments, report)

    async def _tell(self, step: StepId, latest: dict[Stage, float], told: dict[Stage, float]) -> None:
        for stage, fraction in list(latest.items()):
            if told.get(stage) != fraction:
                told[stage] = fraction
                try:
                    await self._desk.progress(step, stage, fraction)
                except Fault as fault:
                    log.warning("progress of %s is not told: %s", step, fault)

    async def _hand_in(self, step: StepId, result: Result) -> None:
        deadline = time.monotonic() + HAND_IN_PATIENCE_S
        while True:
            try:
                taken = await self._deliver(step, result)
            except Fault as fault:
                if fault.code is not ErrorCode.QUEUE_UNREACHABLE or time.monotonic() > deadline:
                    raise
                log.warning("the result of %s waits: %s", step, fault)
                await asyncio.sleep(1)
            else:
                log.info("%s is done" if taken else "%s came too late", step)
                return

    async def _deliver(self, step: StepId, result: Result) -> bool:
        seconds = _by_stage(result.stage_seconds)
        match result:
            case PreparedJob():
                return await self._desk.prepared(step, result.prepared, result.segments, seconds)
            case SegmentDone():
                return await self._desk.segment_done(step, result.segment, seconds)
            case Finished():
                return await self._desk.finished(step, result.video, result.facts, seconds)

    async def _explain(self, step: StepId, error: Exception) -> None:
        """Log first, then tell. When even that fails the lease runs out, and another worker tries."""
        try:
            if self._lost or self._stopping or isinstance(error, Cancelled):
                await self._give_up(step)
            elif isinstance(error, SerenadeError) and error.code is ErrorCode.QUEUE_UNREACHABLE:
                log.error("%s goes back to the queue: %s", step, error)
                await self._desk.release(step)
            elif isinstance(error, BadInput | Refused):
                log.info("%s: %s", step, error)
                await self._desk.failed(step, error.code, error.params)
            elif isinstance(error, Overdue):
                log.critical("%s; this worker ends, and another tries", error)
            else:
                log.error("%s failed", step, exc_info=error)
                code = error.code if isinstance(error, SerenadeError) else ErrorCode.INTERNAL
                await self._desk.failed(step, code, error.params if isinstance(error, SerenadeError) else {})
        except Fault as fault:
            log.error("what became of %s is not told: %s", step, fault)

    async def _give_up(self, step: StepId) -> None:
        if self._lost:
            log.info("%s is no longer wanted", step)
        elif self._stopping:
            log.info("%s goes back to the queue", step)
            await self._desk.release(step)
        else:
            log.info("%s was cancelled", step)
            await self._desk.cancelled(step)


def _sheltered(call: Callable[[], Result]) -> Result:
    """A library that calls sys.exit() must not end the worker."""
    try:
        return call()
    except SystemExit as error:
        raise RuntimeError(f"a step tried to exit with {error.code}") from error


def _by_stage(stages: tuple[StageSeconds, ...]) -> dict[str, float]:
    seconds: dict[str, float] = {}
    for stage in stages:
        seconds[stage.name] = seconds.get(stage.name, 0.0) + stage.seconds
    return seconds
