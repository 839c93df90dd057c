"""`serenade sing`: the whole way on one machine, through the same intake, queue, workers and delivery as any chat."""

import asyncio
import json
import signal
import time
import uuid
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from bots.delivery import Delivery
from bots.intake import Intake
from cli.terminal import TerminalReplier
from cli.workers import Crew, default_count, running_workers
from shared.errors import BadInput, BadOption, Cancelled, ErrorCode, Fault, SerenadeError
from shared.ledger import ReplyLedger
from shared.models import ProgressEvent, RenderOptions, ReplyTarget, Requester
from shared.private_folder import private_folder, remove_left_behind
from shared.queue import JobQueue
from shared.settings import Settings, load_settings
from shared.store import store_from
from shared.valkey import EmbeddedValkey

PLATFORM = "cli"
REDRAW_S = 0.2
"""A terminal is redrawn as often as it looks alive; chats are edited every few seconds."""
DAY_S = 86_400.0
LOG_BYTES_MAX = 1024**2


@dataclass(frozen=True)
class House:
    """Where this run finds its queue and its store."""

    url: str
    settings: Settings
    crew: Crew | None = None
    """The workers started here; None where others do the work."""
    log: Path | None = None
    """What those workers wrote."""


def run_sing(
    song: Path, selfie: Path, output: Path, options: RenderOptions, *, workers: int | None, as_json: bool
) -> None:
    """Makes the video at `output` and says so. Raises SerenadeError, KeyboardInterrupt."""
    began = time.perf_counter()
    check_output(output, song, selfie)
    console = Console(stderr=True)
    with opened_house(workers) as house, TerminalReplier(output, console) as terminal:
        asyncio.run(sing(house, song, selfie, options, terminal))
    ended = terminal.ended
    if ended is None or ended.facts is None:
        raise ended_badly(terminal, house.log)
    if as_json:
        facts = ended.facts.model_dump(mode="json")
        print(json.dumps({"video": str(output), **facts, "wall_s": round(time.perf_counter() - began, 3)}))  # noqa: T201
    else:
        console.print(
            f"{output}: {ended.facts.duration_s:.1f} s in {time.perf_counter() - began:.1f} s", highlight=False
        )


async def sing(house: House, song: Path, selfie: Path, options: RenderOptions, terminal: TerminalReplier) -> None:
    """Submits, follows and delivers one job; when cancelled, cancels the job first."""
    job_id = f"{PLATFORM}-{uuid.uuid4().hex}"
    loop, this = asyncio.get_running_loop(), asyncio.current_task()
    if this is not None:
        loop.add_signal_handler(signal.SIGTERM, this.cancel)
    ledger = ReplyLedger(house.url, PLATFORM)
    async with JobQueue(house.url, house.settings.queue) as queue:
        store = await asyncio.to_thread(store_from, house.settings.store)
        delivery = Delivery(
            OneJob(queue, job_id),
            store,
            ledger,
            terminal,
            platform=PLATFORM,
            group=PLATFORM,
            consumer=job_id,
            min_interval_s=REDRAW_S,
        )
        try:
            intake = Intake(store, queue, house.settings.intake, keep_s=house.settings.store.days_kept * DAY_S)
            await intake.accept(
                song,
                selfie,
                options,
                requester=Requester(platform=PLATFORM, user_id=job_id),
                reply_to=ReplyTarget(platform=PLATFORM),
                job_id=job_id,
            )
            await _first(delivery.run(), house)
        except asyncio.CancelledError:
            await queue.cancel(job_id)
            raise
        finally:
            await ledger.close()


async def _first(delivered: Coroutine[None, None, None], house: House) -> None:
    """Waits for the delivery, unless there is nobody left to do the work. Raises Fault (WORKER_LOST)."""
    delivery = asyncio.ensure_future(delivered)
    lost = asyncio.ensure_future(house.crew.until_lost()) if house.crew else asyncio.get_running_loop().create_future()
    try:
        await asyncio.wait((delivery, lost), return_when=asyncio.FIRST_COMPLETED)
        if not delivery.done():
            raise Fault(ErrorCode.WORKER_LOST, f"every worker has ended; details in {house.log}")
        delivery.result()
    finally:
        for task in (delivery, lost):
            task.cancel()
        await asyncio.gather(delivery, lost, return_exceptions=True)


class OneJob:
    """The events of one job as delivery follows them: this process is the only one who waits for it."""

    def __init__(self, queue: JobQueue, job_id: str) -> None:
        self._queue = queue
        self._job_id = job_id

    async def follow(self, group: str, consumer: str) -> AsyncIterator[tuple[str, ProgressEvent]]:
        async for event in self._queue.watch(self._job_id):
            yield "", event

    async def acknowledge(self, group: str, entry_id: str) -> None:
        """Nothing is pending: nobody else reads these events."""


@contextmanager
def opened_house(workers: int | None) -> Iterator[House]:
    """The queue at REDIS_URL with its own workers, or all of it here, in a folder that goes when we go."""
    settings = load_settings()
    if settings.queue.redis_url is not None and workers is None:
        yield House(settings.queue.redis_url.get_secret_value(), settings)
        return
    runs = settings.store.data_dir / "runs"
    remove_left_behind(runs)
    with private_folder(runs) as folder, EmbeddedValkey(folder / "valkey") as valkey:
        store = settings.store.model_copy(update={"data_dir": folder})
        environment = {"REDIS_URL": valkey.url, "SERENADE_DATA_DIR": str(folder)}
        log = fresh_log(settings.store.data_dir)
        with running_workers(workers or default_count(), environment, log) as crew:
            yield House(valkey.url, settings.model_copy(update={"store": store}), crew, log)


def fresh_log(data_dir: Path) -> Path:
    """The workers' log; an old one is kept until it grows."""
    log = data_dir / "worker.log"
    if log.exists() and log.stat().st_size > LOG_BYTES_MAX:
        log.unlink()
    return log


def check_output(output: Path, song: Path, selfie: Path) -> None:
    """Raises BadInput before any work is done where the video could not be put."""
    for given in (song, selfie):
        if not given.is_file():
            raise BadInput(ErrorCode.FILE_MISSING, name=str(given))
        if output.exists() and output.samefile(given):
            raise BadOption(ErrorCode.OPTION_INVALID, name="--output", allowed="any file but the two you give me")
    if output.is_dir() or not output.absolute().parent.is_dir():
        raise BadOption(ErrorCode.OPTION_INVALID, name="--output", allowed="a file in a folder that exists")


def ended_badly(terminal: TerminalReplier, log: Path | None) -> SerenadeError:
    """What the final event told, as the error it was."""
    code = terminal.error_code or ErrorCode.INTERNAL
    params = terminal.ended.error_params if terminal.ended else {}
    if code is ErrorCode.CANCELLED:
        return Cancelled()
    return Fault(code, f"details in {log}" if log else "", **params) if code.ours else BadInput(code, "", **params)
