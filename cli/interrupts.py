"""The wish to stop: Ctrl-C or SIGTERM at any moment, acted on where nothing is left half made."""

import asyncio
import signal
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self

from shared.errors import Cancelled

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """From `with` on a signal raises nothing anywhere: it cancels what `run` runs, now or as soon as it begins.

    A second one changes nothing, so that impatience can't break off the cleaning up, which takes seconds at most; nor
    does one after that, while the process ends.
    """

    def __init__(self) -> None:
        self._before: dict[signal.Signals, Any] = {}
        self._asked = False
        self._running: tuple[asyncio.AbstractEventLoop, asyncio.Task[None]] | None = None

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._heed) for number in SIGNALS}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if not self._asked:
            for number, handler in self._before.items():
                signal.signal(number, handler)

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """As asyncio.run. Raises Cancelled once `work` has come to its end because of a signal."""
        try:
            asyncio.run(self._watched(work))
        except asyncio.CancelledError:
            raise Cancelled("asked by a signal") from None

    async def _watched(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._running = asyncio.get_running_loop(), task
        if self._asked:
            task.cancel()
        try:
            await task
        finally:
            self._running = None

    def _heed(self, number: int, frame: FrameType | None) -> None:
        if self._asked:
            return
        self._asked = True
        if self._running is not None:
            loop, task = self._running
            loop.call_soon_threadsafe(task.cancel)


@contextmanager
def stoppable() -> Iterator[None]:
    """Work without an event loop: the first signal raises KeyboardInterrupt in it, so that scratch files go.

    Later ones are not heard until the process has ended: they could only break off the cleaning up.
    """
    asked = False

    def heed(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if not asked:
            asked = True
            raise KeyboardInterrupt

    before = {number: signal.signal(number, heed) for number in SIGNALS}
    try:
        yield
    finally:
        if not asked:
            for number, handler in before.items():
                signal.signal(number, handler)
