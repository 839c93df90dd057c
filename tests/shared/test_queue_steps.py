"""The steps of a job: in order, each result heard once, whatever becomes of the workers."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest
import redis.asyncio
from arq.jobs import deserialize_job_raw

from shared.errors import ErrorCode
from shared.models import AssetRef, JobRequest, JobStatus, Stage, VideoFacts
from shared.queue import JobQueue, StepDesk, StepId, StepKind
from shared.queue.script import ARQ_QUEUE
from shared.settings import QueueSettings

Ask = Callable[..., JobRequest]
Queued = Callable[[], Awaitable[list[StepId]]]

FACTS = VideoFacts(duration_s=2.04, frames=51, width=512, height=288, fps=25, seed=2**32 - 1)


def blob(key: str) -> AssetRef:
    return AssetRef(key=key, size_bytes=1, media_type="video/mp4")


async def prepare(desk: StepDesk, queued: Queued, segments: int) -> list[StepId]:
    """Does the prepare step; the ids of the segments."""
    [step] = await queued()
    assert await desk.begin(step)
    assert await desk.prepared(step, blob("prepared"), segments, {"separate": 1.5})
    return await queued()


async def test_prepare_then_segments_then_one_finish(queue: JobQueue, ask: Ask, queued: Queued) -> None:
    desk = queue.desk("worker")
    await queue.submit(ask("chat:1:2"))
    [step] = await queued()
    assert (step.job_id, step.kind, step.index, step.attempt) == ("chat:1:2", StepKind.PREPARE, None, 1)
    segments = await prepare(desk, queued, 3)
    assert [(step.kind, step.index) for step in segments] == [(StepKind.RENDER_SEGMENT, i) for i in range(3)]
    for step in reversed(segments):
        work = await desk.begin(step)
        assert work is not None
        assert (work.request, work.prepared) == (ask("chat:1:2"), blob("prepared"))
        assert await desk.segment_done(step, blob(f"s{step.index}"), {"animate": 2})
    [finish] = await queued()
    work = await desk.begin(finish)
    assert work is not None
    assert [ref.key for ref in work.segments] == ["s0", "s1", "s2"]
    assert await desk.finished(finish, blob("video"), FACTS, {"finish": 0.5, "upload": 1})

    status = await queue.status("chat:1:2")
    assert status is not None
    assert (status.status, status.video) == (JobStatus.SUCCEEDED, blob("video"))
    assert status.facts is not None
    assert status.facts.model_copy(update={"stages": ()}) == FACTS
    assert [(spent.name, spent.seconds) for spent in status.facts.stages] == [
        ("separate", 1.5),
        ("animate", 6.0),
        ("finish", 0.5),
        ("upload", 1.0),
    ]
    assert await queued() == []


async def test_segments_done_at_once_by_many_make_one_finish(queue: JobQueue, ask: Ask, queued: Queued) -> None:
    await queue.submit(ask("1"))
    segments = await prepare(queue.desk("0"), queued, 12)

    async def render(step: StepId) -> None:
        desk = queue.desk(f"worker {step.index}")
        assert await desk.begin(step)
        for _ in range(2):  # a result sent again because the answer was lost
            await desk.segment_done(step, blob(f"s{step.index}"), {})

    await asyncio.gather(*(render(step) for step in segments[1:]))
    assert await queued() == segments[:1], "the results sent again do not count twice"
    await asyncio.gather(*(render(step) for step in segments[:1]))
    assert [step.kind for step in await queued()] == [StepKind.FINISH]


async def test_arq_itself_reads_what_was_queued(queue: JobQueue, ask: Ask, redis_url: str) -> None:
    await queue.submit(ask("chat:1:2"))
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        [(job_id, score)] = await client.zrange(ARQ_QUEUE, 0, -1, withscores=True)
        record = await client.get(b"arq:job:" + job_id)
    function, args, kwargs, job_try, enqueued_ms = deserialize_job_raw(record, deserializer=json.loads)
    assert (function, list(args), kwargs, job_try) == ("prepare", ["chat:1:2:prepare:1"], {}, None)
    assert score == enqueued_ms


async def test_older_jobs_are_finished_first(redis_url: str, ask: Ask, queued: Queued) -> None:
    async with JobQueue(redis_url, QueueSettings(capacity=2)) as queue:
        await queue.submit(ask("old"))
        await asyncio.sleep(0.005)
        await queue.submit(ask("young"))
        old, young = await queued()
        desk = queue.desk("worker")
        for step in (young, old):
            await desk.begin(step)
            await desk.prepared(step, blob("p"), 2, {})
        assert [step.job_id for step in await queued()] == ["old", "old", "young", "young"]


async def test_a_step_is_held_by_one_worker_only(queue: JobQueue, ask: Ask, queued: Queued) -> None:
    await queue.submit(ask("1"))
    [step] = await queued()
    begun = await asyncio.gather(*(queue.desk(str(i)).begin(step) for i in range(8)))
    assert len([work for work in begun if work is not None]) == 1
    for i, work in sorted(enumerate(begun), key=lambda turn: turn[1] is not None):  # the holder last
        assert await queue.desk(str(i)).prepared(step, blob("p"), 1, {}) == (work is not None)


async def test_a_worker_that_took_over_its_own_step_is_not_heard_for_the_first_attempt(
    queue: JobQueue, ask: Ask, queued: Queued
) -> None:
    desk = queue.desk("frozen for a while")
    await queue.submit(ask("1"))
    [first] = await queued()
    await desk.begin(first)
    await asyncio.sleep(0.35)
    await queue.desk("other").beat(None, reap=True)
    [second] = await queued()
    assert await desk.begin(second)
    assert not await desk.prepared(first, blob("late"), 1, {})
    assert await desk.prepared(second, blob("right"), 1, {})


async def test_a_silent_workers_step_is_taken_over_and_its_late_result_not_heard(
    queue: JobQueue, ask: Ask, queued: Queued
) -> None:
    lost, other = queue.desk("lost"), queue.desk("other")
    await queue.submit(ask("1"))
    [first] = await queued()
    await lost.begin(first)
    await other.beat(None, reap=True)
    assert await queued() == [], "its lease holds"
    await asyncio.sleep(0.35)
    await other.beat(None, reap=True)
    [second] = await queued()
    assert (second.kind, second.attempt) == (StepKind.PREPARE, 2)

    assert not await lost.beat(first, reap=False)
    assert not await lost.prepared(first, blob("late"), 9, {"separate": 9})
    assert not await lost.failed(first, ErrorCode.INTERNAL, {})
    assert not await lost.release(first)
    assert await lost.begin(first) is None
    assert await other.begin(second)
    assert not await lost.prepared(first, blob("late"), 9, {"separate": 9})
    assert await other.prepared(second, blob("right"), 1, {"separate": 1})
    [segment] = await queued()
    work = await other.begin(segment)
    assert work is not None
    assert work.prepared == blob("right")


async def test_a_worker_that_beats_keeps_its_step(queue: JobQueue, ask: Ask, queued: Queued) -> None:
    desk, other = queue.desk("slow"), queue.desk("other")
    await queue.submit(ask("1"))
    [step] = await queued()
    await desk.begin(step)
    for _ in range(5):
        await asyncio.sleep(0.1)
        assert await desk.beat(step, reap=True)
        assert await other.beat(None, reap=True)
    assert await desk.prepared(step, blob("p"), 1, {})


@pytest.mark.parametrize("dropped", [False, True])
async def test_a_step_picked_from_arq_but_never_begun_is_found(
    queue: JobQueue, ask: Ask, queued: Queued, redis_url: str, dropped: bool
) -> None:
    await queue.submit(ask("1"))
    [step] = await queued()
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        if dropped:
            await client.zrem(ARQ_QUEUE, str(step))
        else:
            await client.set(f"arq:in-progress:{step}", 1)
    other = queue.desk("other")
    await other.beat(None, reap=True)
    await asyncio.sleep(0.35)
    await other.beat(None, reap=True)
    [again] = await queued()
    assert again.attempt == 2
    await asyncio.sleep(0.35)
    await other.beat(None, reap=True)
    assert await queued() == [again], "one that nobody picked may wait as long as it takes"


async def test_after_too_many_lost_workers_the_job_fails(redis_url: str, ask: Ask, queued: Queued) -> None:
    async with JobQueue(redis_url, QueueSettings(capacity=1, lease_s=0.02, takeovers_max=3)) as queue:
        await queue.submit(ask("1"))
        await queue.submit(ask("next"))
        for attempt in (1, 2, 3, 4):
            [step] = await queued()
            assert (step.job_id, step.attempt) == ("1", attempt)
            await queue.desk("lost").begin(step)
            await asyncio.sleep(0.03)
            await queue.desk("other").beat(None, reap=True)
        status = await queue.status("1")
        assert status is not None
        assert (status.status, status.error_code) == (JobStatus.FAILED, ErrorCode.WORKER_LOST)
        assert await queue.running() == ["next"]


async def test_a_released_step_is_begun_anew_by_another(queue: JobQueue, ask: Ask, queued: Queued) -> None:
    await queue.submit(ask("1"))
    [step] = await queued()
    leaving = queue.desk("leaving")
    await leaving.begin(step)
    assert await leaving.release(step)
    [again] = await queued()
    assert again.attempt == 2
    assert await queue.desk("other").begin(again)
    assert not await leaving.prepared(step, blob("late"), 1, {})


@pytest.mark.parametrize("begun", [False, True])
async def test_a_cancelled_job_is_told_once_and_nothing_of_it_remains_to_be_done(
    queue: JobQueue, ask: Ask, queued: Queued, begun: bool
) -> None:
    await queue.submit(ask("1"))
    await queue.submit(ask("next", "bob"))
    desk = queue.desk("worker")
    segments = await prepare(desk, queued, 5)
    if begun:
        await desk.begin(segments[0])
    before = await queue.last_event_id()
    assert await queue.cancel("1")
    assert not await queue.cancel("1")
    assert not await queue.fail("1", ErrorCode.INTERNAL)
    if begun:
        assert not await desk.beat(segments[0], reap=True)
        assert not await desk.segment_done(segments[0], blob("late"), {})
    assert [step.job_id for step in await queued()] == ["next"]
    told = []
    async for _, event in queue.events(before):
        told.append((event.job_id, event.status))
        if event.job_id == "next":
            break
    assert told == [("1", JobStatus.CANCELLED), ("next", JobStatus.RUNNING)]


async def test_a_waiting_job_is_cancelled_at_once(queue: JobQueue, ask: Ask) -> None:
    await queue.submit(ask("1"))
    await queue.submit(ask("2"))
    assert await queue.cancel("2")
    assert await queue.waiting() == []
    assert [event.status async for event in queue.watch("2")] == [JobStatus.CANCELLED]
    assert not await queue.cancel("nobody")


async def test_progress_never_goes_back_and_counts_all_segments(queue: JobQueue, ask: Ask, queued: Queued) -> None:
    await queue.submit(ask("1"))
    desk = queue.desk("worker")
    segments = await prepare(desk, queued, 4)

    async def shown() -> tuple[Stage | None, int, int]:
        status = await queue.status("1")
        assert status is not None
        return status.stage, status.done, status.total

    for step in segments[:2]:
        await desk.begin(step)
    await desk.progress(segments[0], Stage.ANIMATE, 0.5)
    await desk.progress(segments[1], Stage.ANIMATE, 0.3)
    assert await shown() == (Stage.ANIMATE, 20, 100)
    await desk.release(segments[0])
    [*_, again] = [step for step in await queued() if step.index == 0]
    await desk.begin(again)
    await desk.progress(again, Stage.ANIMATE, 0.1)
    assert await shown() == (Stage.ANIMATE, 20, 100)
    await desk.segment_done(again, blob("s0"), {})
    assert await shown() == (Stage.ANIMATE, 32, 100)


async def test_a_preparation_begun_anew_takes_no_progress_back(queue: JobQueue, ask: Ask, queued: Queued) -> None:
    await queue.submit(ask("1"))
    desk = queue.desk("worker")
    for fraction in (0.5, 0.1):
        [step] = await queued()
        await desk.begin(step)
        await desk.progress(step, Stage.SEPARATE, fraction)
        status = await queue.status("1")
        assert status is not None
        assert (status.stage, status.done) == (Stage.SEPARATE, 50)
        await desk.release(step)


async def test_stages_side_by_side_are_shown_one_at_a_time(queue: JobQueue, ask: Ask, queued: Queued) -> None:
    await queue.submit(ask("1"))
    [step] = await queued()
    desk = queue.desk("worker")
    await desk.begin(step)
    shown = []
    for stage, fraction in (
        (Stage.SEPARATE, 0.2),
        (Stage.RIG, 0.5),
        (Stage.SEPARATE, 0.8),
        (Stage.SEPARATE, 1.0),
        (Stage.PERFORM, 0.1),
        (Stage.RIG, 1.0),
        (Stage.PERFORM, 0.6),
    ):
        await desk.progress(step, stage, fraction)
        status = await queue.status("1")
        assert status is not None
        shown.append((status.stage, status.done))
    assert [stage for stage, _ in shown] == [*["separate"] * 3, "rig", "rig", "perform", "perform"]
    assert shown[-1] == (Stage.PERFORM, 60)


async def test_the_keys_of_a_job_expire_after_its_end(redis_url: str, ask: Ask, queued: Queued) -> None:
    async with JobQueue(redis_url, QueueSettings(capacity=1, days_kept=0.2 / 86_400)) as queue:
        await queue.submit(ask("1"))
        desk = queue.desk("worker")
        [segment] = await prepare(desk, queued, 1)
        await desk.begin(segment)
        await desk.segment_done(segment, blob("s"), {"animate": 1})
        [finish] = await queued()
        await desk.begin(finish)
        await asyncio.sleep(0.25)
        assert await queue.status("1") is not None
        await desk.finished(finish, blob("v"), FACTS, {})
        await asyncio.sleep(0.25)
        assert await queue.status("1") is None
        async with redis.asyncio.Redis.from_url(redis_url, decode_responses=True) as client:
            assert sorted(await client.keys()) == ["serenade:events", "serenade:pace"]
