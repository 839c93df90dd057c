"""`serenade sing`: the whole way on one machine, through the same intake, queue, workers and delivery as any chat."""

import asyncio
import json
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from bots.delivery import Delivery
from bots.intake import Intake
from cli.interrupts import Interrupts
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
LOOK_EVERY_S = 0.5
NOBODY_S = 30.0
"""A queue without a live worker for this long has none: one that starts on a busy machine needs a few seconds."""
GOODBYE_S = 3.0
"""How long cancelling may take where the queue does not answer any more."""


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
    song: Path,
    selfie: Path,
    output: Path,
    options: RenderOptions,
    *,
    workers: int | None,
    as_json: bool,
    background_picture: Path | None = None,
) -> None:
    """Makes the video at `output` and says so. Raises SerenadeError."""
    began = time.perf_counter()
    check_output(output, song, selfie, *([background_picture] if background_picture else []))
    console = Console(stderr=True)
    with Interrupts() as interrupts, opened_house(workers) as house, TerminalReplier(output, console) as terminal:
        interrupts.run(sing(house, song, selfie, options, terminal, background_picture))
    ended = terminal.ended
    if ended is None or ended.facts is None or terminal.unplaced:
        raise ended_badly(terminal, house.log)
    if as_json:
        facts = ended.facts.model_dump(mode="json")
        print(json.dumps({"video": str(output), **facts, "wall_s": round(time.perf_counter() - began, 3)}))  # noqa: T201
    else:
        console.print(
            f"{output}: {ended.facts.duration_s:.1f} s in {time.perf_counter() - began:.1f} s", highlight=False
        )


async def sing(
    house: House,
    song: Path,
    selfie: Path,
    options: RenderOptions,
    terminal: TerminalReplier,
    background_picture: Path | None = None,
) -> None:
    """Submits, follows and delivers one job; whatever breaks this off, nobody goes on working for it."""
    job_id = f"{PLATFORM}-{uuid.uuid4().hex}"
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
            work_dir=house.settings.store.data_dir / "delivery",
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
                background_picture=background_picture,
            )
            await _unless_lost(delivery, queue, house)
        except BaseException:
            with suppress(Fault, TimeoutError):
                async with asyncio.timeout(GOODBYE_S):
                    await queue.cancel(job_id)
            raise
        finally:
            await ledger.close()


async def _unless_lost(delivery: Delivery, queue: JobQueue, house: House) -> None:
    """Delivers, unless there is nobody left to do the work. Raises Fault (WORKER_LOST)."""
    delivered, lost = asyncio.ensure_future(delivery.run()), asyncio.ensure_future(until_lost(queue, house))
    try:
        await asyncio.wait((delivered, lost), return_when=asyncio.FIRST_COMPLETED)
        if not delivered.done():
            raise Fault(ErrorCode.WORKER_LOST, lost.result())
        delivered.result()
    finally:
        for task in (delivered, lost):
            task.cancel()
        await asyncio.gather(delivered, lost, return_exceptions=True)


async def until_lost(queue: JobQueue, house: House) -> str:
    """Returns once nobody works any more, and says what is known of it.

    A worker that can't write to the queue, because its disk is full or its server gone, is as good as none.
    """
    clock = asyncio.get_running_loop().time
    seen_s = clock()
    while clock() - seen_s < NOBODY_S:
        if house.crew is not None and house.crew.lost:
            return f"every worker has ended; details in {house.log}"
        with suppress(Fault):
            seen_s = clock() if await queue.workers() else seen_s
        await asyncio.sleep(LOOK_EVERY_S)
    return f"no worker is heard of; details in {house.log}" if house.crew else "nobody works: start `serenade worker`"


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
    """The queue at REDIS_URL, with workers of ours beside its own where asked for; or all of it here, in a folder that
    goes when we go. Raises BadOption where the data folder can't be written.
    """
    settings = load_settings()
    data_dir, url = settings.store.data_dir, settings.queue.redis_url
    check_data_dir(data_dir)
    log = fresh_log(data_dir)
    if url is not None and workers is None:
        yield House(url.get_secret_value(), settings)
    elif url is not None:
        with running_workers(workers or 0, {}, log) as crew:
            yield House(url.get_secret_value(), settings, crew, log)
    else:
        runs = data_dir / "runs"
        remove_left_behind(runs)
        with private_folder(runs) as folder, EmbeddedValkey(folder / "valkey") as valkey:
            store = settings.store.model_copy(update={"data_dir": folder})
            environment = {"REDIS_URL": valkey.url, "SERENADE_DATA_DIR": str(folder)}
            with running_workers(workers or default_count(), environment, log) as crew:
                yield House(valkey.url, settings.model_copy(update={"store": store}), crew, log)


def check_data_dir(data_dir: Path) -> None:
    """Makes it. Raises BadOption where that can't be, or nothing can be put there."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        check_writable(data_dir)
    except OSError as error:
        raise BadOption(
            ErrorCode.OPTION_INVALID, str(error), name="SERENADE_DATA_DIR", allowed="a folder you may write to"
        ) from error


def check_writable(folder: Path) -> None:
    """Raises OSError where no file can be made."""
    with tempfile.TemporaryFile(dir=folder):
        pass


def fresh_log(data_dir: Path) -> Path:
    """The workers' log; an old one is kept until it grows."""
    log = data_dir / "worker.log"
    if log.exists() and log.stat().st_size > LOG_BYTES_MAX:
        log.unlink()
    return log


def check_output(output: Path, *files: Path) -> None:
    """Raises BadInput before any work is done where the video could not be put."""
    for given in files:
        if not given.is_file():
            raise BadInput(ErrorCode.FILE_MISSING, name=str(given))
    try:
        if output.exists() and any(output.samefile(given) for given in files):
            raise bad_output("any file but those you give me")
        if output.exists() and not output.is_file():  # a folder; a device, which must not be replaced
            raise bad_output("a file in a folder that exists")
        check_writable(output.absolute().parent)
    except OSError as error:
        raise bad_output("a file in a folder that exists and that you may write to") from error


def bad_output(allowed: str) -> BadOption:
    return BadOption(ErrorCode.OPTION_INVALID, name="--output", allowed=allowed)


def ended_badly(terminal: TerminalReplier, log: Path | None) -> SerenadeError:
    """What the final event told, as the error it was."""
    if terminal.unplaced:
        return bad_output(f"a file in a folder with room for it ({terminal.unplaced.strerror})")
    code = terminal.error_code or ErrorCode.INTERNAL
    params = terminal.ended.error_params if terminal.ended else {}
    if code is ErrorCode.CANCELLED:
        return Cancelled()
    return Fault(code, f"details in {log}" if log else "", **params) if code.ours else BadInput(code, "", **params)
