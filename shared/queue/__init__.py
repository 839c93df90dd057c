"""The queue: a waiting room, the steps of admitted jobs on arq, and the stream of events; all state is in Redis."""

from shared.queue.events import EventStream
from shared.queue.job_queue import JobQueue
from shared.queue.steps import StepDesk, StepId, StepKind, StepWork

__all__ = ["EventStream", "JobQueue", "StepDesk", "StepId", "StepKind", "StepWork"]
