"""Worker processes of our own, for as long as a command runs."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

STOP_LIMIT_S = 8.0
"""A worker hands its step back within its own grace of 5 s; after this it is killed."""


def default_count() -> int:
    """One a core that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Crew:
    """The workers of one command."""

    def __init__(self, workers: list[subprocess.Popen[bytes]]) -> None:
        self._workers = workers

    @property
    def lost(self) -> bool:
        """Whether no worker is left. Lost ones are not replaced: what ends all of them would end the next."""
        return all(worker.poll() is not None for worker in self._workers)


@contextmanager
def running_workers(count: int, environment: Mapping[str, str], log: Path) -> Iterator[Crew]:
    """Starts workers and ends them on leaving; should this process be killed, they end by themselves.

    log: where they write what went wrong, for whoever mends it. They live in a session of their own, so that Ctrl-C
    reaches the command alone, which then ends them in order.
    """
    workers: list[subprocess.Popen[bytes]] = []
    try:
        with log.open("ab") as lines:
            for _ in range(count):
                workers.append(_start(environment, lines))  # noqa: PERF401 - those started are to be ended
        yield Crew(workers)
    finally:
        for worker in workers:
            worker.send_signal(signal.SIGTERM)
        for worker in workers:
            _end(worker)


def _start(environment: Mapping[str, str], log: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "render_service", "--exit-with-parent", "--log-level", "warning"],
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=log,
        env={**os.environ, **environment},
        start_new_session=True,
    )


def _end(worker: subprocess.Popen[bytes]) -> None:
    try:
        worker.wait(STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()
    if worker.stdin:
        worker.stdin.close()
