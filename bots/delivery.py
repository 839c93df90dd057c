"""Follows what happens to jobs and tells the chat: progress now and then, the end exactly once.

An event is acknowledged after it was dealt with, so a bot that was down or broke off gets it again. The final one is
answered in this order: begun in the ledger, reply, ended in the ledger, acknowledged. After a crash the next attempt
sees a reply that was begun and never ended; only the chat knows whether it arrived, so the replier is asked then
(`answered`), and only then. A replier that can't tell answers again: twice is better than never.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Protocol

from bots.progress import MIN_INTERVAL_S, ProgressEdits
from bots.texts import DEFAULT_LOCALE, failure_code, sentence
from shared.errors import ErrorCode, Fault
from shared.ledger import LEASE_S, Claim
from shared.models import AssetRef, JobStatus, ProgressEvent
from shared.private_folder import private_folder, remove_left_behind

log = logging.getLogger(__name__)

REPLIES_AT_ONCE = 4
"""Uploads share one line; more at once would only be slower each."""
REPLY_LIMIT_S = 600.0
"""50 MB at under a megabit a second; longer means that the chat hangs."""
ATTEMPTS_MAX = 120
"""An hour, at the queue's 30 s until an event comes again; then the chat is given up."""
FETCH_ATTEMPTS = 3
"""A store that can't be read so often is not merely out of reach for a moment."""
RECONNECT_S = 2.0
GRACE_S = 10.0
"""How long replies under way may take when the bot is asked to stop."""


class Events(Protocol):
    """What delivery needs of the job queue."""

    def follow(self, group: str, consumer: str) -> AsyncIterator[tuple[str, ProgressEvent]]: ...

    async def acknowledge(self, group: str, entry_id: str) -> None: ...


class Assets(Protocol):
    """What delivery needs of the asset store."""

    def fetch(self, asset: AssetRef | str, to: Path) -> None: ...


class Ledger(Protocol):
    """What delivery needs of `shared.ledger.ReplyLedger`."""

    async def begin(self, job_id: str, consumer: str) -> Claim: ...

    async def renew(self, job_id: str, consumer: str) -> None: ...

    async def end(self, job_id: str) -> None: ...

    async def begun(self, job_id: str) -> bool: ...


class Replier(Protocol):
    """The chat's side, implemented by each adapter.

    An exception means "not now": the event comes again. Where a reply can never arrive (the chat is gone, the bot was
    thrown out) the adapter logs that and returns.
    """

    async def progress(self, event: ProgressEvent) -> None:
        """Shows how the job stands; may fail, the next one comes."""
        ...

    async def deliver(self, event: ProgressEvent, video: Path) -> None:
        """Sends the video, which is deleted when this returns."""
        ...

    async def sorry(self, event: ProgressEvent, sentence: str) -> None:
        """Says why there is no video."""
        ...

    async def answered(self, event: ProgressEvent) -> bool:
        """Whether an earlier `deliver` or `sorry` for this job reached the chat; False where it can't be told."""
        ...


class Delivery:
    """Runs in every front end, under a group of its own; several processes may share the group.

    platform:       only events to be answered there are; the others are acknowledged unseen.
    consumer:       this process, among those of its group; the same again after a restart.
    work_dir:       where videos lie in the clear while they are sent.
    min_interval_s: seconds between two edits of a job's progress, at first.
    """

    def __init__(
        self,
        queue: Events,
        store: Assets,
        ledger: Ledger,
        replier: Replier,
        *,
        platform: str,
        group: str,
        consumer: str,
        work_dir: Path,
        min_interval_s: float = MIN_INTERVAL_S,
    ) -> None:
        self._queue = queue
        self._store = store
        self._ledger = ledger
        self._replier = replier
        self._platform = platform
        self._group = group
        self._consumer = consumer
        self._work_dir = work_dir
        self._edits = ProgressEdits(self._show, min_interval_s=min_interval_s)
        self._replying: dict[str, asyncio.Task[None]] = {}
        self._slots = asyncio.Semaphore(REPLIES_AT_ONCE)

    async def run(self) -> None:
        """Until the events end, and all is answered; or until cancelled, then replies under way get a moment to end.

        Outlives a queue that can't be reached.
        """
        await asyncio.to_thread(remove_left_behind, self._work_dir)
        try:
            while True:
                try:
                    async for entry_id, event in self._queue.follow(self._group, self._consumer):
                        await self._take(entry_id, event)
                    await asyncio.gather(*self._replying.values())
                    return
                except Fault as error:
                    log.warning("events can't be followed, trying again: %s", error)
                    await asyncio.sleep(RECONNECT_S)
        finally:
            await self._wind_up()

    async def _take(self, entry_id: str, event: ProgressEvent) -> None:
        ours = event.reply_to is not None and event.reply_to.platform == self._platform
        if ours and event.status.final:
            if event.job_id not in self._replying:  # an upload may outlast the time after which an event comes again
                self._replying[event.job_id] = asyncio.create_task(self._finish(entry_id, event))
            return
        if ours:
            self._edits.offer(event)
        await self._queue.acknowledge(self._group, entry_id)

    async def _finish(self, entry_id: str, event: ProgressEvent) -> None:
        """Never raises: what went wrong is logged, and the event, not acknowledged, comes again."""
        try:
            async with self._slots, asyncio.timeout(REPLY_LIMIT_S):
                if await self._answer(event):
                    await self._queue.acknowledge(self._group, entry_id)
        except Exception:
            log.exception("%s could not be answered, it will be tried again", event.job_id)
        finally:
            self._replying.pop(event.job_id, None)

    async def _answer(self, event: ProgressEvent) -> bool:
        """Whether nothing is left to do."""
        claim = await self._ledger.begin(event.job_id, self._consumer)
        if not claim.mine or claim.answered:
            return claim.mine
        await self._edits.close(event.job_id)
        async with self._leased(event.job_id):
            if claim.attempt > ATTEMPTS_MAX:
                log.error("%s is given up after %d attempts", event.job_id, ATTEMPTS_MAX)
            elif claim.attempt == 1 or not await self._replier.answered(event):
                await self._reply(event, claim.attempt)
            await self._ledger.end(event.job_id)
        return True

    async def _reply(self, event: ProgressEvent, attempt: int) -> None:
        if event.status is not JobStatus.SUCCEEDED or event.video is None:
            await self._sorry(event, failure_code(event))
            return
        with private_folder(self._work_dir) as folder:
            video = folder / "serenade.mp4"
            try:
                await self._fetch(event.video, video)
            except Fault as error:
                if error.code is not ErrorCode.ASSET_MISSING and attempt < FETCH_ATTEMPTS:
                    raise
                log.exception("the video of %s is lost", event.job_id)
                await self._sorry(event, error.code)
                return
            await self._replier.deliver(event, video)

    async def _fetch(self, asset: AssetRef, to: Path) -> None:
        """A thread can't be stopped: cancelled, this waits so that nobody deletes the folder under its hands."""
        fetching = asyncio.ensure_future(asyncio.to_thread(self._store.fetch, asset, to))
        try:
            await asyncio.shield(fetching)
        except asyncio.CancelledError:
            await asyncio.wait([fetching])
            raise

    async def _sorry(self, event: ProgressEvent, code: ErrorCode) -> None:
        locale = event.reply_to.locale if event.reply_to else DEFAULT_LOCALE
        await self._replier.sorry(event, sentence(code, event.error_params, locale))

    async def _show(self, event: ProgressEvent) -> None:
        if not await self._ledger.begun(event.job_id):
            await self._replier.progress(event)

    @asynccontextmanager
    async def _leased(self, job_id: str) -> AsyncIterator[None]:
        """Other consumers keep off while this one is at it."""

        async def renew() -> None:
            while True:
                await asyncio.sleep(LEASE_S / 3)
                with suppress(Fault):
                    await self._ledger.renew(job_id, self._consumer)

        renewing = asyncio.create_task(renew())
        try:
            yield
        finally:
            renewing.cancel()

    async def _wind_up(self) -> None:
        await self._edits.close_all()
        if self._replying:
            _, late = await asyncio.wait(self._replying.values(), timeout=GRACE_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
