"""The stream of events: nothing is lost, nothing acknowledged comes again, a dead reader's share is claimed."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path

import pytest
import redis

from shared.models import JobRequest, JobStatus, ReplyTarget
from shared.queue import JobQueue
from shared.queue.events import BATCH, Entry
from shared.queue.script import EVENTS_KEY
from shared.settings import QueueSettings
from shared.valkey import EmbeddedValkey

Ask = Callable[..., JobRequest]


async def take(events: AsyncIterator[Entry], count: int) -> list[Entry]:
    """The next entries."""

    async def read() -> list[Entry]:
        return [await anext(events) for _ in range(count)]

    return await asyncio.wait_for(read(), 10)


def told(entries: list[Entry]) -> list[tuple[str, str]]:
    return [(event.job_id, event.status.value) for _, event in entries]


async def test_events_carry_where_the_answer_goes_and_are_read_on_from_any_place(queue: JobQueue, ask: Ask) -> None:
    await queue.submit(ask("1"))
    async with aclosing(queue.events()) as events:
        (first, waiting), (_, running) = await take(events, 2)
    assert waiting.reply_to == ask("1").reply_to == ReplyTarget(platform="test", channel_id="c/1", message_id='m "1"')
    async with aclosing(queue.events(first)) as events:
        [(_, again)] = await take(events, 1)
    assert again == running


async def test_a_reader_waits_for_news(queue: JobQueue, ask: Ask) -> None:
    async with aclosing(queue.events(await queue.last_event_id())) as events:
        reading = asyncio.create_task(take(events, 2))
        await asyncio.sleep(0.05)
        await queue.submit(ask("1"))
        assert told(await reading) == [("1", "waiting"), ("1", "running")]


async def test_an_event_of_another_version_is_skipped_and_left_to_those_who_understand_it(
    queue: JobQueue, ask: Ask, redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    foreign = [{"event": '{"job_id": "1", "status": "daydreaming", "mood": 7}'}] * BATCH + [{"news": "1"}]
    with redis.Redis.from_url(redis_url) as client:
        for fields in foreign:
            client.xadd(EVENTS_KEY, fields)
    await queue.submit(ask("1"))
    async with aclosing(queue.events()) as events:
        assert told(await take(events, 2)) == [("1", "waiting"), ("1", "running")]
    async with aclosing(queue.follow("bots", "old")) as events:
        for entry_id, _ in await take(events, 2):
            await queue.acknowledge("bots", entry_id)
    assert caplog.text.count("is not understood") >= len(foreign)
    assert "daydreaming" not in caplog.text
    with redis.Redis.from_url(redis_url) as client:
        assert client.xpending(EVENTS_KEY, "bots")["pending"] == len(foreign)


async def test_watching_a_job_ends_with_its_end(queue: JobQueue, ask: Ask) -> None:
    await queue.submit(ask("1"))
    watching = asyncio.create_task(_statuses(queue, "1"))
    await asyncio.sleep(0.05)
    await queue.submit(ask("2"))
    await queue.cancel("1")
    assert await asyncio.wait_for(watching, 10) == [JobStatus.RUNNING, JobStatus.CANCELLED]
    assert await _statuses(queue, "nobody") == []


async def _statuses(queue: JobQueue, job_id: str) -> list[JobStatus]:
    return [event.status async for event in queue.watch(job_id)]


async def test_what_happened_while_a_reader_was_away_is_there_when_it_comes(queue: JobQueue, ask: Ask) -> None:
    await queue.submit(ask("1"))
    async with aclosing(queue.follow("bot", "a")) as events:
        for entry_id, _ in await take(events, 2):
            await queue.acknowledge("bot", entry_id)
    await queue.cancel("1")
    async with aclosing(queue.follow("bot", "a")) as events:
        assert told(await take(events, 1)) == [("1", "cancelled")]


async def test_what_was_not_acknowledged_comes_again_at_once_to_the_same_reader(redis_url: str, ask: Ask) -> None:
    async with JobQueue(redis_url, QueueSettings(capacity=1, claim_after_s=60)) as queue:
        await queue.submit(ask("1"))
        async with aclosing(queue.follow("bot", "a")) as events:
            [(first, _), _] = await take(events, 2)
            await queue.acknowledge("bot", first)
        async with aclosing(queue.follow("bot", "a")) as events:
            assert told(await take(events, 1)) == [("1", "running")]


async def test_a_dead_readers_entries_are_claimed_by_another(queue: JobQueue, ask: Ask) -> None:
    await queue.submit(ask("1"))
    async with aclosing(queue.follow("bot", "dead")) as events:
        await take(events, 1)
    async with aclosing(queue.follow("bot", "alive")) as events:
        entries = await take(events, 2)
        assert told(entries) == [("1", "waiting"), ("1", "running")]
        for entry_id, _ in entries:
            await queue.acknowledge("bot", entry_id)
        await queue.submit(ask("2"))
        assert told(await take(events, 1)) == [("2", "waiting")]


async def test_two_groups_each_see_everything_and_two_readers_of_one_share(queue: JobQueue, ask: Ask) -> None:
    await queue.submit(ask("1"))
    for group in ("discord", "telegram"):
        async with aclosing(queue.follow(group, "a")) as events:
            entries = await take(events, 2)
            assert len(entries) == 2
            for entry_id, _ in entries:
                await queue.acknowledge(group, entry_id)
    async with aclosing(queue.follow("discord", "b")) as b, aclosing(queue.follow("discord", "a")) as a:
        await queue.submit(ask("2"))
        assert told(await take(b, 1)) == [("2", "waiting")]
        await queue.submit(ask("3"))
        assert told(await take(a, 1)) == [("3", "waiting")]


async def test_the_stream_does_not_grow_without_end(redis_url: str, ask: Ask) -> None:
    async with JobQueue(redis_url, QueueSettings(capacity=1, events_kept=100)) as queue:
        for i in range(300):
            await queue.submit(ask(str(i)))
            await queue.cancel(str(i))
    with redis.Redis.from_url(redis_url) as client:
        assert 100 <= client.xlen("serenade:events") < 300


async def test_jobs_and_events_survive_a_killed_server(tmp_path: Path, ask: Ask) -> None:
    with EmbeddedValkey(tmp_path, append_fsync="always") as server, redis.Redis.from_url(server.url) as client:
        async with JobQueue(server.url, QueueSettings(capacity=1)) as queue:
            await queue.submit(ask("1"))
            await queue.submit(ask("2"))
        os.kill(int(client.info("server")["process_id"]), signal.SIGKILL)
    with EmbeddedValkey(tmp_path) as server:
        async with JobQueue(server.url, QueueSettings(capacity=1)) as queue:
            assert (await queue.running(), await queue.waiting()) == (["1"], ["2"])
            async with aclosing(queue.follow("bot", "a")) as events:
                assert told(await take(events, 3)) == [("1", "waiting"), ("1", "running"), ("2", "waiting")]
