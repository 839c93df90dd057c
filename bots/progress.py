"""Thins progress out before it reaches a chat: few edits, each of the newest state, fewer the longer it takes."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from shared.models import ProgressEvent

log = logging.getLogger(__name__)

MIN_INTERVAL_S = 3.0
"""Discord takes 5 edits in 5 s a channel, Telegram 20 messages a minute a group; a few renders share one."""
THINNING_S = 30.0
"""After this long, edits are half as frequent, then a third: what has long been moving slowly is watched less."""
THINNEST = 6.0
"""No interval grows beyond this many times the first: people still see that it lives."""
EDIT_LIMIT_S = 30.0
"""A chat that takes longer for an edit is not waited for."""
JOBS_REMEMBERED = 1000
"""The final event ends a job here; the oldest are dropped should it have gone to another process."""

Edit = Callable[[ProgressEvent], Awaitable[None]]


@dataclass
class _Job:
    """What is known of one job's message; times are of the event loop's clock."""

    began_s: float
    due_s: float
    newest: ProgressEvent | None = None
    shown: ProgressEvent | None = None
    task: asyncio.Task[None] | None = None
    editing: asyncio.Lock = field(default_factory=asyncio.Lock)


class ProgressEdits:
    """Calls `edit` with the newest event of each job, never twice at once for a job, at growing intervals."""

    def __init__(self, edit: Edit, *, min_interval_s: float = MIN_INTERVAL_S) -> None:
        self._edit = edit
        self._min_interval_s = min_interval_s
        self._jobs: OrderedDict[str, _Job] = OrderedDict()

    def offer(self, event: ProgressEvent) -> None:
        """Will be shown when its time has come, unless a newer one replaces it. Returns at once."""
        now = asyncio.get_running_loop().time()
        job = self._jobs.setdefault(event.job_id, _Job(began_s=now, due_s=now))
        job.newest = event
        if job.task is None or job.task.done():
            job.task = asyncio.create_task(self._show(job))
        self._forget_oldest()

    async def close(self, job_id: str) -> None:
        """No edit of this job is under way or comes any more."""
        job = self._jobs.pop(job_id, None)
        if job is None or job.task is None:
            return
        async with job.editing:  # an edit under way must not land after the final reply
            job.task.cancel()
        await asyncio.gather(job.task, return_exceptions=True)

    async def close_all(self) -> None:
        """As `close`, for every job."""
        await asyncio.gather(*(self.close(job_id) for job_id in list(self._jobs)))

    async def _show(self, job: _Job) -> None:
        loop = asyncio.get_running_loop()
        while job.newest is not None:
            await asyncio.sleep(job.due_s - loop.time())
            async with job.editing:
                event, job.newest = job.newest, None
                if event != job.shown:
                    await self._try(event)
                    job.shown = event
                thinning = min(THINNEST, 1 + (loop.time() - job.began_s) / THINNING_S)
                job.due_s = loop.time() + self._min_interval_s * thinning

    async def _try(self, event: ProgressEvent) -> None:
        """A lost edit is made up for by the next one."""
        try:
            async with asyncio.timeout(EDIT_LIMIT_S):
                await self._edit(event)
        except Exception:
            log.warning("progress of %s could not be shown", event.job_id, exc_info=True)

    def _forget_oldest(self) -> None:
        while len(self._jobs) > JOBS_REMEMBERED:
            _, job = self._jobs.popitem(last=False)
            if job.task is not None:
                job.task.cancel()
