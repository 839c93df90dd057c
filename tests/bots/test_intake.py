"""Intake takes what can be rendered, refuses the rest with its code, and leaves nothing behind when it refuses."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from bots.intake import Intake, pair_files
from shared.errors import BadInput, ErrorCode, Fault, Refused, SerenadeError
from shared.models import AssetRef, JobRequest, JobStatus, ProgressEvent, RenderOptions, ReplyTarget, Requester
from shared.queue import JobQueue
from shared.settings import MIB, IntakeLimits, QueueSettings
from shared.store import AssetStore, open_store

KEEP_S = 3600.0
NOW_S = 1_800_000_000.0
WAV = b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(100)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
LIMITS = IntakeLimits(song_max_bytes=2 * MIB, picture_max_bytes=MIB)


class FakeQueue:
    """Remembers what was submitted, or fails as told."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error
        self.requests: dict[str, JobRequest] = {}

    async def status(self, job_id: str) -> ProgressEvent | None:
        return ProgressEvent(job_id=job_id, status=JobStatus.RUNNING) if job_id in self.requests else None

    async def submit(self, request: JobRequest) -> ProgressEvent:
        if self.error:
            raise self.error
        self.requests[request.job_id] = request
        return ProgressEvent(job_id=request.job_id, status=JobStatus.WAITING, position=1)


@pytest.fixture
def store(tmp_path: Path) -> AssetStore:
    return open_store(tmp_path / "data", clock=lambda: NOW_S)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, bytes], Path]:
    def write(name: str, content: bytes) -> Path:
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return write


@pytest.fixture
def song(write: Callable[[str, bytes], Path]) -> Path:
    return write("song.jpg", WAV)  # names lie


@pytest.fixture
def portrait(write: Callable[[str, bytes], Path]) -> Path:
    return write("selfie.mp3", PNG)


def stored(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "data" / "assets").iterdir())


async def accept(intake: Intake, song: Path, portrait: Path, job_id: str = "test:1") -> ProgressEvent:
    return await intake.accept(
        song,
        portrait,
        RenderOptions(seed=7),
        requester=Requester(platform="test", user_id="ada"),
        reply_to=ReplyTarget(platform="test", channel_id="c"),
        job_id=job_id,
    )


async def test_a_song_and_a_portrait_become_a_job(
    store: AssetStore, song: Path, portrait: Path, tmp_path: Path
) -> None:
    queue = FakeQueue()
    answer = await accept(Intake(store, queue, LIMITS, keep_s=KEEP_S), song, portrait)

    assert (answer.status, answer.position) == (JobStatus.WAITING, 1)
    [request] = queue.requests.values()
    assert request.job_id == "test:1"
    assert request.options.seed == 7
    assert (request.requester.user_id, request.reply_to.channel_id) == ("ada", "c")
    assert (request.song.media_type, request.portrait.media_type) == ("audio/wav", "image/png")
    assert store.get_bytes(request.song) == WAV
    assert store.get_bytes(request.portrait) == PNG
    assert store.sweep(NOW_S + KEEP_S - 1) == 0
    assert store.sweep(NOW_S + KEEP_S) == 2
    assert stored(tmp_path) == []


async def test_the_real_queue_takes_it_once(store: AssetStore, song: Path, portrait: Path, redis_url: str) -> None:
    async with JobQueue(redis_url, QueueSettings(waiting_per_user=1)) as queue:
        await queue.pause()
        intake = Intake(store, queue, LIMITS, keep_s=KEEP_S)
        first, again = await accept(intake, song, portrait), await accept(intake, song, portrait)
        assert (first.status, first.position) == (again.status, again.position) == (JobStatus.WAITING, 1)
        assert await queue.waiting() == ["test:1"]
        with pytest.raises(Refused) as caught:
            await accept(intake, song, portrait, job_id="test:2")
        assert caught.value.code is ErrorCode.TOO_MANY_WAITING
    assert store.sweep(NOW_S * 2) == 2, "only the first one's files are kept"


async def test_a_message_delivered_twice_is_stored_once(
    store: AssetStore, song: Path, portrait: Path, tmp_path: Path
) -> None:
    intake = Intake(store, FakeQueue(), LIMITS, keep_s=KEEP_S)
    await accept(intake, song, portrait)
    before = stored(tmp_path)
    assert (await accept(intake, song, portrait)).status is JobStatus.RUNNING
    assert stored(tmp_path) == before


@pytest.mark.parametrize(
    ("song_content", "portrait_content", "code"),
    [
        (None, PNG, ErrorCode.FILE_MISSING),
        (WAV, None, ErrorCode.FILE_MISSING),
        (b"", PNG, ErrorCode.FILE_EMPTY),
        (WAV, b"", ErrorCode.FILE_EMPTY),
        (b"la la la", PNG, ErrorCode.SONG_NOT_AUDIO),
        (PNG, WAV, ErrorCode.SONG_NOT_AUDIO),
        (b"#EXTM3U\nsong.mp3", PNG, ErrorCode.SONG_IS_PLAYLIST),
        (WAV, b"la la la", ErrorCode.PICTURE_NOT_IMAGE),
        (WAV, WAV, ErrorCode.PICTURE_NOT_IMAGE),
        (WAV + bytes(2 * MIB), PNG, ErrorCode.SONG_TOO_LARGE),
        (WAV, PNG + bytes(MIB), ErrorCode.PICTURE_TOO_LARGE),
        (PNG + bytes(2 * MIB), WAV, ErrorCode.SONG_NOT_AUDIO),
    ],
)
async def test_what_cannot_be_used_is_neither_stored_nor_queued(
    store: AssetStore,
    tmp_path: Path,
    song_content: bytes | None,
    portrait_content: bytes | None,
    code: ErrorCode,
) -> None:
    paths = {tmp_path / "song.mp3": song_content, tmp_path / "selfie.jpg": portrait_content}
    for path, content in paths.items():
        if content is not None:
            path.write_bytes(content)
    queue = FakeQueue()
    with pytest.raises(BadInput) as caught:
        await accept(Intake(store, queue, LIMITS, keep_s=KEEP_S), *paths)
    assert caught.value.code is code
    assert stored(tmp_path) == []
    assert queue.requests == {}


async def test_limits_are_told_in_megabytes_and_include_their_last_byte(
    store: AssetStore, portrait: Path, write: Callable[[str, bytes], Path]
) -> None:
    intake = Intake(store, FakeQueue(), LIMITS, keep_s=KEEP_S)
    await accept(intake, write("fits", WAV + bytes(2 * MIB - len(WAV))), portrait)
    with pytest.raises(BadInput) as caught:
        await accept(intake, write("too large", WAV + bytes(2 * MIB + 1 - len(WAV))), portrait, job_id="test:2")
    assert caught.value.params == {"limit_mb": 2}


async def test_files_of_a_refused_request_are_removed(
    store: AssetStore, song: Path, portrait: Path, tmp_path: Path
) -> None:
    refusal = Refused(ErrorCode.QUEUE_DRAINING)
    with pytest.raises(Refused) as caught:
        await accept(Intake(store, FakeQueue(refusal), LIMITS, keep_s=KEEP_S), song, portrait)
    assert caught.value is refusal
    assert stored(tmp_path) == []


async def test_files_stay_when_the_queue_may_have_taken_the_request(
    store: AssetStore, song: Path, portrait: Path, tmp_path: Path
) -> None:
    """The connection broke after the request went out: a job that waits must find its files; the sweep has the rest."""
    for error in (Fault(ErrorCode.QUEUE_UNREACHABLE), asyncio.CancelledError()):
        with pytest.raises(type(error)):
            await accept(Intake(store, FakeQueue(error), LIMITS, keep_s=KEEP_S), song, portrait)
        assert len(stored(tmp_path)) == 2
        assert store.sweep(NOW_S + KEEP_S) == 2


class Frail:
    """A store that fails at the second file, or can't remove anything."""

    def __init__(self, store: AssetStore, *, fails_at: int = 0, removes: bool = True) -> None:
        self._store, self._fails_at, self._removes = store, fails_at, removes
        self._puts = 0

    def put_file(self, path: Path, media_type: str, ttl_s: float) -> AssetRef:
        self._puts += 1
        if self._puts == self._fails_at:
            raise Fault(ErrorCode.INTERNAL, "disk full")
        return self._store.put_file(path, media_type, ttl_s)

    def delete(self, asset: AssetRef | str) -> None:
        if not self._removes:
            raise Fault(ErrorCode.INTERNAL, "disk gone")
        self._store.delete(asset)


async def test_the_song_is_removed_when_the_portrait_cannot_be_stored(
    store: AssetStore, song: Path, portrait: Path, tmp_path: Path
) -> None:
    with pytest.raises(Fault, match="disk full"):
        await accept(Intake(Frail(store, fails_at=2), FakeQueue(), LIMITS, keep_s=KEEP_S), song, portrait)
    assert stored(tmp_path) == []


async def test_a_failing_removal_does_not_hide_why_it_was_refused(
    store: AssetStore, song: Path, portrait: Path, caplog: pytest.LogCaptureFixture
) -> None:
    queue = FakeQueue(Refused(ErrorCode.QUEUE_DRAINING))
    with pytest.raises(SerenadeError) as caught:
        await accept(Intake(Frail(store, removes=False), queue, LIMITS, keep_s=KEEP_S), song, portrait)
    assert caught.value.code is ErrorCode.QUEUE_DRAINING
    assert caplog.text.count("could not be removed") == 2


async def test_a_file_still_being_stored_when_cancelled_is_removed(
    store: AssetStore, song: Path, portrait: Path, tmp_path: Path
) -> None:
    began, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    class Slow(Frail):
        def put_file(self, path: Path, media_type: str, ttl_s: float) -> AssetRef:
            began.set()
            go_on.wait(5)
            asset = super().put_file(path, media_type, ttl_s)
            ended.set()
            return asset

    queue = FakeQueue()
    accepting = asyncio.create_task(accept(Intake(Slow(store), queue, LIMITS, keep_s=KEEP_S), song, portrait))
    await asyncio.to_thread(began.wait, 5)
    accepting.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await accepting
    await asyncio.to_thread(ended.wait, 5)
    assert stored(tmp_path) == []
    assert queue.requests == {}


def test_files_are_paired_in_either_order(song: Path, portrait: Path) -> None:
    for pair in (pair_files(song, portrait), pair_files(portrait, song)):
        assert (pair.song, pair.portrait) == (song, portrait)


@pytest.mark.parametrize(
    ("contents", "code"),
    [
        ((WAV, WAV), ErrorCode.PICTURE_NOT_IMAGE),
        ((PNG, PNG), ErrorCode.SONG_NOT_AUDIO),
        ((WAV, b"text"), ErrorCode.PICTURE_NOT_IMAGE),
        ((PNG, b"text"), ErrorCode.SONG_NOT_AUDIO),
        ((PNG, b"#EXTM3U"), ErrorCode.SONG_IS_PLAYLIST),
        ((WAV, b""), ErrorCode.FILE_EMPTY),
    ],
)
def test_a_pair_that_does_not_fit_says_which_file_is_wrong(
    write: Callable[[str, bytes], Path], contents: tuple[bytes, bytes], code: ErrorCode
) -> None:
    one, other = write("one", contents[0]), write("other", contents[1])
    for pair in ((one, other), (other, one)):
        with pytest.raises(BadInput) as caught:
            pair_files(*pair)
        assert caught.value.code is code


async def test_a_background_picture_is_stored_with_the_rest_and_removed_with_it(
    store: AssetStore, song: Path, portrait: Path, write: Callable[[str, bytes], Path], tmp_path: Path
) -> None:
    async def ask(queue: FakeQueue, behind: Path) -> None:
        await Intake(store, queue, LIMITS, keep_s=KEEP_S).accept(
            song,
            portrait,
            RenderOptions(background="picture"),
            requester=Requester(platform="test", user_id="ada"),
            reply_to=ReplyTarget(platform="test"),
            job_id="test:9",
            background_picture=behind,
        )

    with pytest.raises(BadInput):
        await ask(FakeQueue(), song)
    with pytest.raises(Refused):
        await ask(FakeQueue(Refused(ErrorCode.QUEUE_DRAINING)), portrait)
    assert stored(tmp_path) == []
    queue = FakeQueue()
    await ask(queue, portrait)
    behind = queue.requests["test:9"].background_picture
    assert behind is not None and store.get_bytes(behind) == PNG


def test_the_option_and_the_picture_go_together(store: AssetStore, song: Path, portrait: Path) -> None:
    ref = store.put_file(portrait, "image/png", KEEP_S)
    parts = {
        "job_id": "1", "song": ref, "portrait": ref,
        "requester": Requester(platform="test", user_id="ada"), "reply_to": ReplyTarget(platform="test"),
    }  # fmt: skip
    for kind, behind in (("keep", ref), ("picture", None)):
        with pytest.raises(ValueError, match="picture"):
            JobRequest(**parts, options=RenderOptions(background=kind), background_picture=behind)
