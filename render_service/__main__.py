"""`python -m render_service`: one worker process. Preflight first, then work until told to stop."""

import argparse
import asyncio
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence

from render_service.memory import return_large_blocks
from render_service.step_protocol import Steps
from render_service.worker import EXIT_HUNG, RenderWorker
from shared.errors import BadInput, BadOption, ErrorCode, SerenadeError
from shared.settings import Settings, load_settings

log = logging.getLogger("render_service")

LAST_WORDS_S = 2.0
"""After the grace, how long the worker has to say goodbye to Redis before it is ended."""


def main(arguments: Sequence[str] | None = None, build: Callable[[Settings], Steps] | None = None) -> int:
    """Exit status: 0 asked to stop, 1 our fault, 2 a wrong setting, 70 a step would not stop.

    build: makes the steps; the real ones, loaded only now, when None.
    """
    return_large_blocks()
    options = _parser().parse_args(arguments)
    logging.basicConfig(
        level=options.log_level.upper(),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        force=True,  # `serenade worker` has set up the quieter log of a command
    )
    logging.getLogger("arq").setLevel(logging.WARNING)
    try:
        settings = load_settings()
        url = options.redis_url or _configured_url(settings)
        asyncio.run(_work(url, settings, build or _real_steps, exit_with_parent=options.exit_with_parent))
    except SerenadeError as error:
        log.error("%s: %s", error.code, error.detail)
        return 2 if isinstance(error, BadInput) else 1
    return 0


async def _work(url: str, settings: Settings, build: Callable[[Settings], Steps], *, exit_with_parent: bool) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for wish in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(wish, stop.set)
    if exit_with_parent:
        limit_s = settings.worker.grace_s + LAST_WORDS_S
        threading.Thread(target=_outlive_nobody, args=(loop, stop, limit_s), daemon=True).start()
    steps = await asyncio.to_thread(build, settings)
    await RenderWorker(url, steps, settings.queue, settings.worker).run(stop)


def _outlive_nobody(loop: asyncio.AbstractEventLoop, stop: asyncio.Event, limit_s: float) -> None:
    """Waits for the end of standard input, which comes when the parent ends, however it ends."""
    while os.read(sys.stdin.fileno(), 1024):
        pass
    loop.call_soon_threadsafe(stop.set)
    time.sleep(limit_s)
    os._exit(EXIT_HUNG)


def _real_steps(settings: Settings) -> Steps:
    from render_service.steps import build_steps  # noqa: PLC0415 - loads every default backend

    return build_steps(settings)


def _configured_url(settings: Settings) -> str:
    if settings.queue.redis_url is None:
        raise BadOption(
            ErrorCode.OPTION_INVALID,
            "REDIS_URL is not set: a worker needs a queue",
            name="REDIS_URL",
            allowed="the URL of a Redis or Valkey",
        )
    return settings.queue.redis_url.get_secret_value()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m render_service", description=__doc__)
    parser.add_argument("--redis-url", help="the queue; better given as REDIS_URL, which others can't see")
    parser.add_argument("--log-level", default="info", choices=["debug", "info", "warning", "error"])
    parser.add_argument(
        "--exit-with-parent", action="store_true", help="end when standard input does: hand in a pipe, keep its end"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
