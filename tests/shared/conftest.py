"""A queue on the session's Valkey, and requests to put into it."""

from collections.abc import AsyncIterator, Callable

import pytest

from shared.models import AssetRef, JobRequest, RenderOptions, ReplyTarget, Requester
from shared.queue import JobQueue
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
