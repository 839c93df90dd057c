"""JobQueue: what front ends ask of the queue. Every change is one step inside Redis, told in the same step."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from types import TracebackType
from typing import Self

from shared.errors import ErrorCode, Param, Refused
from shared.models import JobRequest, JobStatus, ProgressEvent
from shared.queue.events import BEGINNING, Entry, EventStream
from shared.queue.script import QueueScript, connect
from shared.queue.steps import StepDesk, failure
from shared.settings import QueueSettings


class JobQueue:
    """The queue at `url`; it connects at the first use. All raise Fault (QUEUE_UNREACHABLE) when Redis is not there.

    Jobs wait in one line a person, served in turn; as many run as there are live workers, or as settings say.
    """

    def __init__(self, url: str, settings: QueueSettings | None = None) -> None:
        self._client = connect(url)
        self._settings = settings or QueueSettings()
        self._script = QueueScript(self._client, self._settings)
        self._events = EventStream(self._client, self._settings)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._client.aclose()

    async def submit(self, request: JobRequest) -> ProgressEvent:
        """Accepts a job and says how it stands; one submitted before, whatever became of it, is not made again.

        Raises Refused: TOO_MANY_WAITING (limit) for this person, QUEUE_DRAINING.
        """
        reply = await self._script.call(
            "submit",
            job_id=request.job_id,
            line=request.requester.line,
            request=request.model_dump_json(),
            reply_to=request.reply_to.model_dump_json(),
        )
        if reply == "full":
            limit = self._settings.waiting_per_user
            raise Refused(ErrorCode.TOO_MANY_WAITING, f"{request.requester.line} has {limit} waiting", limit=limit)
        if reply == "draining":
            raise Refused(ErrorCode.QUEUE_DRAINING)
        return ProgressEvent.model_validate_json(reply)

    async def status(self, job_id: str) -> ProgressEvent | None:
        """How the job stands now; None when it was never submitted, or long ago."""
        found = await self._script.call("status", job_id=job_id)
        return ProgressEvent.model_validate_json(found) if found else None

    async def cancel(self, job_id: str) -> bool:
        """Ends a waiting or running job at once; its workers notice within a heartbeat. False: nothing to end."""
        return await self._end(job_id, JobStatus.CANCELLED, {})

    async def fail(self, job_id: str, code: ErrorCode, params: Mapping[str, Param] | None = None) -> bool:
        """Ends a waiting or running job as failed. False: nothing to end."""
        return await self._end(job_id, JobStatus.FAILED, failure(code, params or {}))

    async def _end(self, job_id: str, status: JobStatus, outcome: Mapping[str, str]) -> bool:
        return bool(await self._script.call("end_job", job_id=job_id, status=status, outcome=outcome))

    async def admit(self) -> None:
        """Lets waiting jobs in where there is room. Submitting, ending and heartbeats do so, too."""
        await self._script.call("admit")

    async def bump(self, job_id: str) -> bool:
        """Makes a waiting job the next one. False: it isn't waiting."""
        return bool(await self._script.call("bump", job_id=job_id))

    async def pause(self) -> None:
        """Lets nobody in; jobs are accepted and wait, running ones go on."""
        await self._script.call("pause")

    async def drain(self) -> None:
        """Accepts no new jobs; those accepted are still done."""
        await self._script.call("drain")

    async def resume(self) -> None:
        """Ends a pause or a drain."""
        await self._script.call("resume")

    async def waiting(self, limit: int = 100) -> list[str]:
        """Ids of waiting jobs in the order in which they will be let in."""
        jobs: list[str] = await self._script.call("waiting", limit=limit)
        return jobs

    async def running(self) -> list[str]:
        """Ids of running jobs, in no order."""
        jobs: list[str] = await self._script.call("running")
        return jobs

    async def workers(self) -> list[str]:
        """Names of live workers."""
        names: list[str] = await self._script.call("workers")
        return names

    def desk(self, worker: str) -> StepDesk:
        """The worker's side of this queue."""
        return StepDesk(self._script, worker)

    async def last_event_id(self) -> str:
        """Where the events end now."""
        return await self._events.last_id()

    def events(self, last_id: str = BEGINNING) -> AsyncGenerator[Entry]:
        """Everything after `last_id`, then news, without end, as (entry id, event)."""
        return self._events.read(last_id)

    def follow(self, group: str, consumer: str) -> AsyncGenerator[Entry]:
        """What nobody of the group has acknowledged, without end; see EventStream.follow."""
        return self._events.follow(group, consumer)

    async def acknowledge(self, group: str, entry_id: str) -> None:
        """The entry is dealt with and will not come again to this group."""
        await self._events.acknowledge(group, entry_id)

    async def watch(self, job_id: str) -> AsyncGenerator[ProgressEvent]:
        """How the job stands, then what happens to it, up to and including the final event; nothing if unknown."""
        last_id = await self.last_event_id()
        event = await self.status(job_id)
        if event is None:
            return
        yield event
        if event.status.final:
            return
        async with aclosing(self._events.read(last_id)) as news:
            async for _, event in news:
                if event.job_id == job_id:
                    yield event
                    if event.status.final:
                        return
