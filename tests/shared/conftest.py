"""A queue on the session's Valkey, and requests to put into it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import redis.asyncio

from shared.models import AssetRef, JobRequest, RenderOptions, ReplyTarget, Requester, Stage, VideoFacts
from shared.queue import JobQueue, StepId, StepKind
from shared.queue.script import ARQ_QUEUE
from shared.settings import QueueSettings

Ask = Callable[..., JobRequest]


@pytest.fixture
def ask() -> Ask:
    """A request of a person; only ids matter here."""

    def build(job_id: str, user_id: str = "ada") -> JobRequest:
        return JobRequest(
            job_id=job_id,
            song=AssetRef(key="song", size_bytes=1, media_type="audio/flac"),
            portrait=AssetRef(key="portrait", size_bytes=1, media_type="image/png"),
            options=RenderOptions(seed=2**32 - 1),
            requester=Requester(platform="test", user_id=user_id),
            reply_to=ReplyTarget(platform="test", channel_id="c/1", message_id=f'm "{job_id}"'),
        )

    return build


@pytest.fixture
async def queue(redis_url: str) -> AsyncIterator[JobQueue]:
    """One job at a time, leases and claims of a third of a second."""
    settings = QueueSettings(capacity=1, lease_s=0.3, claim_after_s=0.3, waiting_per_user=3)
    async with JobQueue(redis_url, settings) as opened:
        yield opened


@pytest.fixture
def queued(redis_url: str) -> Callable[[], Awaitable[list[StepId]]]:
    """The steps that arq would hand to workers, in its order; held ones that arq would skip are left out."""

    async def read() -> list[StepId]:
        async with redis.asyncio.Redis.from_url(redis_url, decode_responses=True) as client:
            held = await client.zrange("serenade:leases", 0, -1)
            ids = await client.zrange(ARQ_QUEUE, 0, -1)
        return [StepId.parse(text) for text in ids if text not in held]

    return read


@pytest.fixture
def perform(queued: Callable[[], Awaitable[list[StepId]]]) -> Callable[..., Awaitable[str]]:
    """Does the running job from prepare to finish in `stage_s` a step, as one worker would; returns its id."""

    async def work(queue: JobQueue, stage_s: float = 0.0) -> str:
        desk = queue.desk("performer")
        blob = AssetRef(key="blob", size_bytes=1, media_type="video/mp4")
        facts = VideoFacts(duration_s=2, frames=50, width=256, height=256, fps=25, seed=0)
        while True:
            [step] = await queued()
            assert await desk.begin(step)
            await asyncio.sleep(stage_s)
            if step.kind is StepKind.PREPARE:
                await desk.progress(step, Stage.SEPARATE, 0.5)
                assert await desk.prepared(step, blob, 1, {})
            elif step.kind is StepKind.RENDER_SEGMENT:
                assert await desk.segment_done(step, blob, {})
            else:
                assert await desk.finished(step, blob, facts, {})
                return step.job_id

    return work
