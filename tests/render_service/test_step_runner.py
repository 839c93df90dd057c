"""One step in a thread: what becomes of its result, its errors and its leftovers."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

import pytest
import redis.asyncio

from render_service.fake_steps import FakeSteps
from render_service.step_protocol import Finished, PreparedJob, Report
from render_service.step_runner import Overdue, StepRunner
from shared.errors import Cancelled, ErrorCode, Fault
from shared.models import AssetRef, JobRequest, JobStatus, RenderOptions, ReplyTarget, Requester, Stage
from shared.queue import JobQueue, StepDesk, StepId
from shared.queue.script import ARQ_QUEUE
from shared.settings import QueueSettings


@pytest.fixture
async def queue(redis_url: str) -> AsyncIterator[JobQueue]:
    async with JobQueue(redis_url, QueueSettings(capacity=1)) as opened:
        yield opened


async def submitted(queue: JobQueue, redis_url: str, job_id: str = "1") -> StepId:
    """The first step of a new job."""
    asset = AssetRef(key="asset", size_bytes=1, media_type="audio/flac")
    await queue.submit(
        JobRequest(
            job_id=job_id,
            song=asset,
            portrait=asset,
            options=RenderOptions(),
            requester=Requester(platform="test", user_id="ada"),
            reply_to=ReplyTarget(platform="test"),
        )
    )
    return await next_step(redis_url)


async def next_step(redis_url: str) -> StepId:
    async with redis.asyncio.Redis.from_url(redis_url, decode_responses=True) as client:
        return StepId.parse((await client.zrange(ARQ_QUEUE, 0, -1))[-1])


def runner(queue: JobQueue, steps: FakeSteps, *, limit_s: float = 60.0, grace_s: float = 0.2) -> StepRunner:
    return StepRunner(steps, queue.desk("worker"), step_limit_s=limit_s, grace_s=grace_s)


async def status(queue: JobQueue) -> tuple[JobStatus, ErrorCode | None]:
    event = await queue.status("1")
    assert event is not None
    return event.status, event.error_code


@dataclass(frozen=True)
class Calling(FakeSteps):
    """Prepares by calling what it is given."""

    call: Callable[[Report], object] = bool

    def prepare(self, request: JobRequest, report: Report) -> PreparedJob:
        self.call(report)
        return super().prepare(request, report)


async def test_the_event_loop_stays_free_while_a_step_works(queue: JobQueue, redis_url: str) -> None:
    step = await submitted(queue, redis_url)
    working = asyncio.create_task(runner(queue, FakeSteps(step_s=0.4)).run(step))
    ticks = 0
    while not working.done():
        await asyncio.sleep(0.01)
        ticks += 1
    assert ticks > 20
    assert (await next_step(redis_url)).index == 1


async def test_a_step_that_raises_cancelled_cancels_its_job(queue: JobQueue, redis_url: str) -> None:
    def stop(report: Report) -> None:
        raise Cancelled("enough")

    await runner(queue, Calling(call=stop)).run(await submitted(queue, redis_url))
    assert await status(queue) == (JobStatus.CANCELLED, None)


async def test_a_fault_keeps_its_code(queue: JobQueue, redis_url: str) -> None:
    def fail(report: Report) -> None:
        raise Fault(ErrorCode.WEIGHTS_MISSING, "no weights")

    await runner(queue, Calling(call=fail)).run(await submitted(queue, redis_url))
    assert await status(queue) == (JobStatus.FAILED, ErrorCode.WEIGHTS_MISSING)


async def test_a_thread_left_over_from_a_failed_step_hears_that_it_is_not_wanted(
    queue: JobQueue, redis_url: str
) -> None:
    heard: list[BaseException] = []
    go_on = threading.Event()

    def split(report: Report) -> None:
        def half() -> None:
            go_on.wait(10)
            try:
                report(Stage.RIG, 0.5)
            except Cancelled as cancelled:
                heard.append(cancelled)

        other = threading.Thread(target=half)
        others.append(other)
        other.start()
        raise ZeroDivisionError

    others: list[threading.Thread] = []
    once = runner(queue, Calling(call=split))
    await once.run(await submitted(queue, redis_url))
    go_on.set()
    others[0].join()
    assert len(heard) == 1


async def test_a_step_whose_end_can_not_be_told_waits_until_it_can(
    queue: JobQueue, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = await submitted(queue, redis_url)
    tries = []
    prepared = StepDesk.prepared

    async def flaky(self: StepDesk, *arguments: object) -> bool:
        tries.append(arguments)
        if len(tries) == 1:
            raise Fault(ErrorCode.QUEUE_UNREACHABLE, "gone for a moment")
        return await prepared(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(StepDesk, "prepared", flaky)
    await runner(queue, FakeSteps(step_s=0)).run(step)
    assert len(tries) == 2
    assert (await next_step(redis_url)).index == 1


async def test_a_stopping_runner_gives_back_whatever_comes(queue: JobQueue, redis_url: str) -> None:
    step = await submitted(queue, redis_url)
    stopping = runner(queue, FakeSteps())
    stopping.stop()
    await stopping.run(step)
    again = await next_step(redis_url)
    assert (again.kind, again.attempt) == (step.kind, 2)


async def test_a_step_that_does_not_stop_is_given_back_and_the_process_must_end(
    queue: JobQueue, redis_url: str
) -> None:
    began, release = threading.Event(), threading.Event()

    def hang(report: Report) -> None:
        began.set()
        release.wait(10)

    stubborn = runner(queue, Calling(call=hang))
    working = asyncio.create_task(stubborn.run(await submitted(queue, redis_url)))
    await asyncio.to_thread(began.wait, 10)
    stubborn.stop()
    with pytest.raises(Overdue):
        await working
    assert (await next_step(redis_url)).attempt == 2
    release.set()


async def test_the_video_is_joined_from_all_segments_in_order(queue: JobQueue, redis_url: str) -> None:
    joined: list[Sequence[AssetRef]] = []

    class Joining(FakeSteps):
        def finish(
            self, request: JobRequest, prepared: AssetRef, segments: Sequence[AssetRef], report: Report
        ) -> Finished:
            joined.append(segments)
            return super().finish(request, prepared, segments, report)

    working = runner(queue, Joining(segments=11, step_s=0))
    await working.run(await submitted(queue, redis_url))
    for _ in range(12):
        await working.run(await next_step(redis_url))
    assert [ref.key for ref in joined[0]] == [f"1/segment-{i}" for i in range(11)]
    assert await status(queue) == (JobStatus.SUCCEEDED, None)
