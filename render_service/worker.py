"""One worker process: takes steps from arq one at a time, keeps a heartbeat, and goes when asked to.

The only file that knows arq as a server. arq is told little: its timeouts can't stop a thread, its retries don't know
our leases, and it drops results it can't write as JSON; so steps never raise, and return nothing.
"""

import asyncio
import json
import logging
import os
import socket
from contextlib import suppress
from typing import Any
from uuid import uuid4

from arq.connections import ArqRedis
from arq.worker import Worker as ArqWorker
from arq.worker import func
from redis.exceptions import RedisError

from render_service.step_protocol import Finished, PreparedJob, Report, SegmentDone, Steps
from render_service.step_runner import Overdue, StepRunner
from shared.errors import Fault
from shared.queue import JobQueue, StepId, StepKind
from shared.queue.script import ARQ_QUEUE, CONNECTION_LOST, patience
from shared.settings import QueueSettings, WorkerSettings

__all__ = ["Finished", "PreparedJob", "RenderWorker", "Report", "SegmentDone", "Steps"]

log = logging.getLogger(__name__)

EXIT_HUNG = 70
"""Exit status of a process whose step would not stop (EX_SOFTWARE of sysexits.h)."""
SURE_AFTER_BEATS = 3
"""Leases of others are judged only after so many answered heartbeats: when Redis was away, they missed theirs, too."""
RECONNECT_S = 1.0
GOODBYE_S = 1.0
"""How long each farewell to Redis may take: it may be gone already, and we are not to outlive our parent."""
ARQ_MARGIN_S = 3600.0
"""arq's own timeout must never come first."""


class RenderWorker:
    """One worker on the queue at `url`; one step at a time."""

    def __init__(self, url: str, steps: Steps, queue: QueueSettings, settings: WorkerSettings) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
        self._url = url
        self._queue_settings = queue
        self._settings = settings
        self._queue = JobQueue(url, queue)
        self._desk = self._queue.desk(self.name)
        self._runner = StepRunner(steps, self._desk, step_limit_s=settings.step_limit_s, grace_s=settings.grace_s)

    async def run(self, stop: asyncio.Event) -> None:
        """Works until `stop` is set, then gives back the step in work; survives a Redis that goes and comes back.

        Raises Fault (QUEUE_UNREACHABLE) when it is not there at the start.
        """
        async with self._queue:
            await self._desk.beat(None, reap=False)
            log.info("%s is at work", self.name)
            beating = asyncio.create_task(self._keep_beating())
            heeding = asyncio.create_task(self._heed(stop))
            try:
                while not stop.is_set():
                    await self._serve(heeding)
            finally:
                beating.cancel()
                heeding.cancel()
                with suppress(Fault, TimeoutError):
                    async with asyncio.timeout(GOODBYE_S):
                        await self._desk.leave()

    async def _heed(self, stop: asyncio.Event) -> None:
        await stop.wait()
        log.info("stopping")
        self._runner.stop()

    async def _keep_beating(self) -> None:
        answered = 0
        while True:
            holding = self._runner.holding
            try:
                wanted = await self._desk.beat(holding, reap=answered >= SURE_AFTER_BEATS)
            except Fault as fault:
                log.warning("no heartbeat: %s", fault)
                answered = 0
            else:
                answered += 1
                if holding is not None and not wanted:
                    self._runner.lost(holding)
            await asyncio.sleep(self._settings.beat_s)

    async def _serve(self, stopping: "asyncio.Task[None]") -> None:
        """arq on one connection: returns when that is lost or the worker is stopping, once no step is in work."""
        arq = self._arq_worker()
        polling = asyncio.create_task(arq.async_run())
        await asyncio.wait({polling, stopping}, return_when=asyncio.FIRST_COMPLETED)
        polling.cancel()
        await asyncio.wait({polling}, timeout=GOODBYE_S)
        await asyncio.gather(*arq.tasks.values(), return_exceptions=True)
        with suppress(RedisError, OSError, TimeoutError):
            async with asyncio.timeout(GOODBYE_S):
                await arq.close()
        error = polling.exception() if polling.done() and not polling.cancelled() else None
        if isinstance(error, RedisError | OSError):
            log.warning("Redis is gone: %s", error)
            await asyncio.sleep(RECONNECT_S)
        elif error is not None:
            raise error

    def _arq_worker(self) -> ArqWorker:
        pool: ArqRedis = ArqRedis.from_url(self._url, retry=patience(), retry_on_error=list(CONNECTION_LOST))
        return ArqWorker(
            functions=[func(self._take_up, name=kind.value) for kind in StepKind],
            redis_pool=pool,
            queue_name=ARQ_QUEUE,
            max_jobs=1,
            poll_delay=self._queue_settings.poll_s,
            job_timeout=self._settings.step_limit_s + ARQ_MARGIN_S,
            keep_result=0,
            handle_signals=False,
            log_results=False,
            job_serializer=lambda job: json.dumps(job, default=repr).encode(),
            job_deserializer=json.loads,
        )

    async def _take_up(self, ctx: dict[Any, Any], *args: Any, **kwargs: Any) -> None:
        """The arq function of every kind of step; its one argument is the step's id."""
        try:
            await self._runner.run(StepId.parse(*args))
        except Overdue:
            logging.shutdown()
            os._exit(EXIT_HUNG)
