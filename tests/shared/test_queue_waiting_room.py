"""Who waits, in which order, how many, and what they are told."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from shared.errors import ErrorCode, Fault, Refused
from shared.models import JobRequest, JobStatus
from shared.queue import JobQueue
from shared.settings import QueueSettings

Ask = Callable[..., JobRequest]
Perform = Callable[..., Awaitable[str]]


async def test_lines_are_served_in_turn_so_that_ten_jobs_of_one_do_not_block_another(
    queue: JobQueue, ask: Ask, perform: Perform
) -> None:
    for job_id in ("a0", "a1", "a2", "a3"):
        await queue.submit(ask(job_id, "ada"))
    await queue.submit(ask("b1", "bob"))
    await queue.submit(ask("c1", "cy"))
    await queue.submit(ask("b2", "bob"))
    foretold = await queue.waiting()
    served = [await perform(queue) for _ in range(7)]
    assert served == ["a0", "a1", "b1", "c1", "a2", "b2", "a3"]
    assert served[1:] == foretold


async def test_everyone_is_told_their_place_and_it_is_true(queue: JobQueue, ask: Ask, perform: Perform) -> None:
    await queue.pause()
    for job_id in ("a1", "a2", "a3", "b1", "b2", "c1"):
        await queue.submit(ask(job_id, job_id[0]))
    while order := await queue.waiting():
        for place, job_id in enumerate(order, start=1):
            status = await queue.status(job_id)
            assert status is not None
            assert status.position == place
        await queue.resume()
        await queue.pause()
        await perform(queue)


async def test_a_message_delivered_twice_makes_one_job(queue: JobQueue, ask: Ask, perform: Perform) -> None:
    first, again = await asyncio.gather(queue.submit(ask("a1")), queue.submit(ask("a1")))
    assert first.status is again.status is JobStatus.RUNNING
    assert await queue.waiting() == []
    await perform(queue)
    late = await queue.submit(ask("a1"))
    assert late.status is JobStatus.SUCCEEDED
    assert await queue.running() == []


async def test_a_person_has_only_so_many_waiting(queue: JobQueue, ask: Ask) -> None:
    for job_id in ("running", "w1", "w2", "w3"):
        await queue.submit(ask(job_id))
    with pytest.raises(Refused) as refused:
        await queue.submit(ask("w4"))
    assert (refused.value.code, refused.value.params) == (ErrorCode.TOO_MANY_WAITING, {"limit": 3})
    assert await queue.status("w4") is None
    await queue.submit(ask("other", "bob"))
    await queue.cancel("w2")
    await queue.submit(ask("w4"))


async def test_as_many_run_as_workers_live(redis_url: str, ask: Ask) -> None:
    async with JobQueue(redis_url, QueueSettings(lease_s=0.2)) as queue:
        for job_id in ("1", "2", "3", "4"):
            await queue.submit(ask(job_id))
        assert await queue.running() == ["1"]
        await queue.desk("x").beat(None, reap=False)
        assert await queue.running() == ["1"]
        await queue.desk("y").beat(None, reap=False)
        assert sorted(await queue.running()) == ["1", "2"]
        await queue.desk("y").leave()
        assert await queue.workers() == ["x"]
        await asyncio.sleep(0.25)
        assert await queue.workers() == []


async def test_two_workers_asking_at_once_let_one_in(queue: JobQueue, ask: Ask) -> None:
    await queue.pause()
    for job_id in ("1", "2", "3"):
        await queue.submit(ask(job_id))
    await queue.resume()
    await asyncio.gather(*(queue.admit() for _ in range(10)))
    assert await queue.running() == ["1"]


async def test_a_pause_lets_nobody_in_and_a_drain_accepts_nobody(queue: JobQueue, ask: Ask, perform: Perform) -> None:
    await queue.pause()
    waiting = await queue.submit(ask("1"))
    assert (waiting.status, waiting.position) == (JobStatus.WAITING, 1)
    await queue.drain()
    with pytest.raises(Refused) as refused:
        await queue.submit(ask("2"))
    assert refused.value.code is ErrorCode.QUEUE_DRAINING
    assert (await queue.submit(ask("1"))).status is JobStatus.WAITING
    await queue.resume()
    assert await queue.running() == ["1"]
    await queue.drain()
    assert await perform(queue) == "1"


async def test_a_bumped_job_is_next(queue: JobQueue, ask: Ask) -> None:
    for job_id in ("running", "a1", "a2", "b1"):
        await queue.submit(ask(job_id, job_id[0]))
    assert await queue.bump("b1")
    assert await queue.waiting() == ["b1", "a1", "a2"]
    assert await queue.bump("a2")
    assert (await queue.waiting())[0] == "a2"
    assert not await queue.bump("running")
    assert not await queue.bump("nobody")


async def test_those_waiting_hear_that_the_room_moved_on(queue: JobQueue, ask: Ask, perform: Perform) -> None:
    for job_id in ("1", "2", "3"):
        await queue.submit(ask(job_id))
    before = await queue.last_event_id()
    await perform(queue)
    async for _, event in queue.events(before):
        if event.job_id == "3":
            assert (event.status, event.position) == (JobStatus.WAITING, 1)
            break


async def test_a_wait_is_foretold_from_jobs_done_before(queue: JobQueue, ask: Ask, perform: Perform) -> None:
    await queue.submit(ask("1"))
    assert (await queue.submit(ask("2"))).eta_s is None
    await perform(queue, stage_s=0.1)
    await perform(queue, stage_s=0.1)
    await queue.submit(ask("3"))
    etas = [(await queue.submit(ask(job_id))).eta_s or 0 for job_id in ("4", "5")]
    assert 0.3 < etas[0] < etas[1] < 5
    running = await queue.status("3")
    assert running is not None
    assert running.eta_s is not None
    assert 0.1 < running.eta_s < etas[0]


async def test_a_queue_that_is_not_there_is_a_fault(ask: Ask) -> None:
    async with JobQueue("redis://127.0.0.1:1/0", QueueSettings()) as nowhere:
        with pytest.raises(Fault) as fault:
            await nowhere.submit(ask("1"))
        assert fault.value.code is ErrorCode.QUEUE_UNREACHABLE
