"""Runs the queue's operations inside Redis, each as one step, and translates Redis's errors."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import resources
from typing import Any

from arq.constants import in_progress_key_prefix, job_key_prefix, retry_key_prefix
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from shared.errors import ErrorCode, Fault
from shared.settings import QueueSettings

KEY_PREFIX = "serenade:"
ARQ_QUEUE = f"{KEY_PREFIX}arq"
EVENTS_KEY = f"{KEY_PREFIX}events"

PARTS = ("keys.lua", "waiting_room.lua", "events.lua", "steps.lua", "operations.lua")
"""One script, in this order."""
CONNECTION_LOST = (RedisConnectionError, RedisTimeoutError, OSError)
RETRIES, RETRY_FIRST_S, RETRY_LONGEST_S = 6, 0.02, 0.5
"""A restart of the server, about a second, goes unnoticed; operations may be sent twice without harm."""


def connect(url: str) -> Redis:
    """A client that answers in str; it connects at the first command."""
    client: Redis = Redis.from_url(url, decode_responses=True, retry=patience(), retry_on_error=list(CONNECTION_LOST))
    return client


def patience() -> Retry:
    """How lost connections are tried again."""
    return Retry(ExponentialBackoff(cap=RETRY_LONGEST_S, base=RETRY_FIRST_S), RETRIES)


@contextmanager
def translated() -> Iterator[None]:
    """Redis's errors as ours: Fault, QUEUE_UNREACHABLE when it is not there, INTERNAL when it did not like it."""
    try:
        yield
    except CONNECTION_LOST as error:
        raise Fault(ErrorCode.QUEUE_UNREACHABLE, f"Redis does not answer: {error}") from error
    except RedisError as error:
        raise Fault(ErrorCode.INTERNAL, f"Redis refused: {error}") from error


class QueueScript:
    """The operations in `operations.lua`, by name."""

    def __init__(self, client: Redis, settings: QueueSettings) -> None:
        folder = resources.files("shared.queue")
        self._run = client.register_script("\n".join((folder / part).read_text() for part in PARTS))
        self._config = json.dumps(_config(settings))

    async def call(self, operation: str, **arguments: Any) -> Any:
        """Arguments that are None are left out. Raises Fault."""
        given = json.dumps({name: value for name, value in arguments.items() if value is not None})
        with translated():
            return await self._run(args=[operation, self._config, given])


def _config(settings: QueueSettings) -> Mapping[str, str | int]:
    config: dict[str, str | int] = {
        "prefix": KEY_PREFIX,
        "arq_queue": ARQ_QUEUE,
        "arq_job": job_key_prefix,
        "arq_in_progress": in_progress_key_prefix,
        "arq_retry": retry_key_prefix,
        "lease_ms": round(settings.lease_s * 1000),
        "takeovers_max": settings.takeovers_max,
        "waiting_per_user": settings.waiting_per_user,
        "events_kept": settings.events_kept,
        "kept_ms": round(settings.days_kept * 24 * 3600 * 1000),
    }
    if settings.capacity is not None:
        config["capacity"] = settings.capacity
    return config
