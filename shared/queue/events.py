"""The stream of events: read on from any place, or follow it as a group that acknowledges what it has dealt with."""

import logging
from collections.abc import AsyncGenerator
from typing import Any

from pydantic import ValidationError
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from shared.models import ProgressEvent
from shared.queue.script import EVENTS_KEY, translated
from shared.settings import QueueSettings

log = logging.getLogger(__name__)

BEGINNING = "0-0"
BATCH = 16
BLOCK_S = 1.0
"""How long one read waits for news; also how soon a reader notices that it should look for unclaimed entries."""

Entry = tuple[str, ProgressEvent]
"""The entry's id in the stream, and the event."""


class EventStream:
    """What happened to jobs, oldest first; the last event of a job has a final status."""

    def __init__(self, client: Redis, settings: QueueSettings) -> None:
        self._client: Any = client  # redis-py types every reply as "maybe awaitable"
        self._claim_after_ms = round(settings.claim_after_s * 1000)
        self._block_ms = round(min(BLOCK_S, settings.claim_after_s) * 1000)

    async def last_id(self) -> str:
        """Where the stream ends now; `read` goes on from there."""
        with translated():
            newest = await self._client.xrevrange(EVENTS_KEY, count=1)
        return str(newest[0][0]) if newest else BEGINNING

    async def read(self, last_id: str = BEGINNING) -> AsyncGenerator[Entry]:
        """Everything after `last_id`, then news, without end. Raises Fault (QUEUE_UNREACHABLE)."""
        while True:
            with translated():
                reply = await self._client.xread({EVENTS_KEY: last_id}, count=BATCH, block=self._block_ms)
            for entry in _entries(reply):
                yield entry
            if reply:
                last_id = reply[0][1][-1][0]

    async def follow(self, group: str, consumer: str) -> AsyncGenerator[Entry]:
        """What nobody of the group has acknowledged, without end: first what this consumer left open, then what other
        consumers left open for too long, and news. Whatever is not acknowledged comes again, so dealing with an entry
        twice must be harmless. A new group begins with the oldest entry kept. Raises Fault (QUEUE_UNREACHABLE).
        """
        await self._join(group)
        async for entry in self._left_open(group, consumer):
            yield entry
        while True:
            for entry in await self._claimed(group, consumer):
                yield entry
            for entry in await self._news(group, consumer):
                yield entry

    async def acknowledge(self, group: str, entry_id: str) -> None:
        """The entry is dealt with and will not come again."""
        with translated():
            await self._client.xack(EVENTS_KEY, group, entry_id)

    async def _join(self, group: str) -> None:
        with translated():
            try:
                await self._client.xgroup_create(EVENTS_KEY, group, id="0", mkstream=True)
            except ResponseError as error:
                if "BUSYGROUP" not in str(error):
                    raise

    async def _left_open(self, group: str, consumer: str) -> AsyncGenerator[Entry]:
        reply: Any = [(EVENTS_KEY, [(BEGINNING, None)])]
        while reply and reply[0][1]:
            last_id = reply[0][1][-1][0]
            with translated():
                reply = await self._client.xreadgroup(group, consumer, {EVENTS_KEY: last_id}, count=BATCH)
            for entry in _entries(reply):
                yield entry

    async def _claimed(self, group: str, consumer: str) -> list[Entry]:
        with translated():
            _, entries, *_ = await self._client.xautoclaim(
                EVENTS_KEY, group, consumer, self._claim_after_ms, count=BATCH
            )
        return _entries([(EVENTS_KEY, entries)])

    async def _news(self, group: str, consumer: str) -> list[Entry]:
        with translated():
            return _entries(
                await self._client.xreadgroup(group, consumer, {EVENTS_KEY: ">"}, count=BATCH, block=self._block_ms)
            )


def _entries(reply: Any) -> list[Entry]:
    """Entries trimmed from the stream since they were handed out come without fields; they are gone.

    One that another version wrote is skipped and stays open, so that a newer reader of the group can still answer it.
    """
    found = []
    for _, entries in reply or ():
        for entry_id, fields in entries:
            if not fields:
                continue
            try:
                found.append((str(entry_id), ProgressEvent.model_validate_json(fields["event"])))
            except (ValidationError, KeyError) as error:
                log.warning("event %s is not understood: %s", entry_id, type(error).__name__)
    return found
