"""Which jobs have been answered, kept in Redis: so that a crash between reply and acknowledgement answers nobody twice.

Two keys a job: a lease that says who is answering now, and a record of attempts and of the end. A reply that was begun
but not ended is the one case nobody but the chat can settle; the ledger only tells that it is that case.
"""

from dataclasses import dataclass
from typing import Any

from shared.queue.script import KEY_PREFIX, connect, translated

LEASE_S = 30.0
"""A consumer that has been silent this long is dead, and another may answer in its place."""
KEEP_S = 7 * 24 * 3600
"""Longer than any event waits in the stream to be acknowledged."""

_RENEW = "return redis.call('GET', KEYS[1]) == ARGV[1] and redis.call('PEXPIRE', KEYS[1], ARGV[2]) or 0"


@dataclass(frozen=True)
class Claim:
    """What begins when a consumer wants to answer.

    mine:     nobody else is at it; only then may it be answered.
    answered: it has been, nothing is left to do.
    attempt:  1 for the first; from 2 on an earlier one broke off and may or may not have reached the chat.
    """

    mine: bool
    answered: bool = False
    attempt: int = 0


class ReplyLedger:
    """The marks of one group of consumers. All raise Fault (QUEUE_UNREACHABLE).

    A consumer's name must be its own: a restarted one goes on where it was, two live ones must not share it.
    """

    def __init__(self, url: str, group: str) -> None:
        self._client: Any = connect(url)  # redis-py types every reply as "maybe awaitable"
        self._prefix = f"{KEY_PREFIX}replies:{group}:"
        self._renew = self._client.register_script(_RENEW)

    async def close(self) -> None:
        await self._client.aclose()

    async def begin(self, job_id: str, consumer: str) -> Claim:
        """Takes the job up, if nobody has it; counts the attempt."""
        with translated():
            lease, record = self._lease(job_id), self._record(job_id)
            taken = await self._client.set(lease, consumer, nx=True, px=round(LEASE_S * 1000))
            if not taken and await self._client.get(lease) != consumer:
                return Claim(mine=False)
            if await self._client.hexists(record, "answered"):
                return Claim(mine=True, answered=True)
            attempt = await self._client.hincrby(record, "attempts", 1)
            await self._client.expire(record, KEEP_S)
            return Claim(mine=True, attempt=int(attempt))

    async def renew(self, job_id: str, consumer: str) -> None:
        """Still at it; to be said more often than every `LEASE_S`."""
        with translated():
            await self._renew(keys=[self._lease(job_id)], args=[consumer, round(LEASE_S * 1000)])

    async def end(self, job_id: str) -> None:
        """Answered, for good."""
        with translated():
            await self._client.hset(self._record(job_id), "answered", 1)
            await self._client.expire(self._record(job_id), KEEP_S)

    async def begun(self, job_id: str) -> bool:
        """Whether someone has begun to answer: then no progress is to be shown any more."""
        with translated():
            return bool(await self._client.exists(self._record(job_id)))

    def _lease(self, job_id: str) -> str:
        return f"{self._prefix}{job_id}:lease"

    def _record(self, job_id: str) -> str:
        return f"{self._prefix}{job_id}"
