"""Delivery tells the chat the end of each job once, whatever breaks in between, and keeps no video."""

import asyncio
import dataclasses
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bots import delivery as delivery_module
from bots.delivery import ATTEMPTS_MAX, Assets, Delivery
from bots.texts import LOCALES, sentence
from shared.errors import ErrorCode, Fault
from shared.ledger import Claim, ReplyLedger
from shared.models import AssetRef, JobRequest, JobStatus, ProgressEvent, RenderOptions, ReplyTarget, Requester, Stage
from shared.private_folder import PREFIX, private_folder
from shared.queue import JobQueue
from shared.store import AssetStore, open_store

VIDEO = b"a singing face" * 1000
HERE = ReplyTarget(platform="test", channel_id="c")
WORK_DIR = Path("delivery")


class FakeStream:
    """Gives everything that is not acknowledged, then ends instead of waiting for news."""

    def __init__(self, *events: ProgressEvent, pause_s: float = 0.0) -> None:
        self.pause_s = pause_s
        self.left_open = {f"{number}-0": event for number, event in enumerate(events)}
        self.breaks: list[Exception] = []

    async def follow(self, group: str, consumer: str) -> AsyncIterator[tuple[str, ProgressEvent]]:
        for entry in list(self.left_open.items()):
            if self.breaks:
                raise self.breaks.pop()
            yield entry
            await asyncio.sleep(self.pause_s)

    async def acknowledge(self, group: str, entry_id: str) -> None:
        self.left_open.pop(entry_id)


class FakeLedger:
    """The ledger of a single consumer; `end` fails as often as told, as if the process had died before it."""

    def __init__(self, *, dies_before_end: int = 0) -> None:
        self.attempts: dict[str, int] = {}
        self.answered: set[str] = set()
        self.elsewhere: set[str] = set()
        self.dies_before_end = dies_before_end

    async def begin(self, job_id: str, consumer: str) -> Claim:
        if job_id in self.elsewhere:
            return Claim(mine=False)
        if job_id in self.answered:
            return Claim(mine=True, answered=True)
        self.attempts[job_id] = self.attempts.get(job_id, 0) + 1
        return Claim(mine=True, attempt=self.attempts[job_id])

    async def renew(self, job_id: str, consumer: str) -> None:
        pass

    async def end(self, job_id: str) -> None:
        if self.dies_before_end:
            self.dies_before_end -= 1
            raise Fault(ErrorCode.QUEUE_UNREACHABLE)
        self.answered.add(job_id)

    async def begun(self, job_id: str) -> bool:
        return job_id in self.attempts


class FakeReplier:
    """A chat that notes what it is told, in order; it fails and answers as told."""

    def __init__(self, *, fails: int = 0, remembers: bool = True, takes_s: float = 0.0, edit_s: float = 0.0):
        self.said: list[tuple[str, str]] = []
        self.folders: list[Path] = []
        self.modes: list[int] = []
        self.fails, self.remembers, self.takes_s, self.edit_s = fails, remembers, takes_s, edit_s
        self.asked: list[str] = []
        self.at_once, self.most_at_once = 0, 0

    async def progress(self, event: ProgressEvent) -> None:
        await asyncio.sleep(self.edit_s)
        self.said.append((event.job_id, "progress"))

    async def deliver(self, event: ProgressEvent, video: Path) -> None:
        self.folders.append(video.parent)
        self.modes.append(video.parent.stat().st_mode & 0o777)
        assert holds_the_video(video)
        await self._reply(event, "video")

    async def sorry(self, event: ProgressEvent, sentence: str) -> None:
        await self._reply(event, sentence)

    async def answered(self, event: ProgressEvent) -> bool:
        self.asked.append(event.job_id)
        return self.remembers and any(job == event.job_id and what != "progress" for job, what in self.said)

    async def _reply(self, event: ProgressEvent, what: str) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(self.takes_s)
        self.at_once -= 1
        if self.fails:
            self.fails -= 1
            raise ConnectionError("chat is away")
        self.said.append((event.job_id, what))


@pytest.fixture
def store(tmp_path: Path) -> AssetStore:
    return open_store(tmp_path / "data")


@pytest.fixture
def video(store: AssetStore) -> AssetRef:
    return store.put_bytes(VIDEO, "video/mp4", 60)


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where videos lie in the clear in this test."""
    monkeypatch.chdir(tmp_path)
    WORK_DIR.mkdir()
    return WORK_DIR


def left_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def holds_the_video(path: Path) -> bool:
    return path.read_bytes() == VIDEO


def running(job_id: str, done: int = 1, reply_to: ReplyTarget | None = HERE) -> ProgressEvent:
    return ProgressEvent(
        job_id=job_id, status=JobStatus.RUNNING, stage=Stage.ANIMATE, done=done, total=9, reply_to=reply_to
    )


def succeeded(job_id: str, video: AssetRef | None, reply_to: ReplyTarget | None = HERE) -> ProgressEvent:
    return ProgressEvent(job_id=job_id, status=JobStatus.SUCCEEDED, video=video, reply_to=reply_to)


def failed(job_id: str, code: ErrorCode = ErrorCode.SONG_TOO_LONG, **params: float) -> ProgressEvent:
    return ProgressEvent(
        job_id=job_id, status=JobStatus.FAILED, error_code=code, error_params=dict(params), reply_to=HERE
    )


def delivery(stream: FakeStream, store: Assets, ledger: FakeLedger, replier: FakeReplier) -> Delivery:
    return Delivery(stream, store, ledger, replier, platform="test", group="test", consumer="bot", work_dir=WORK_DIR)


async def deliver(stream: FakeStream, store: AssetStore, ledger: FakeLedger, replier: FakeReplier) -> None:
    """One life of a front end: it takes all there is, then stops."""
    await delivery(stream, store, ledger, replier).run()


async def test_progress_then_the_video(store: AssetStore, video: AssetRef, temporary: Path) -> None:
    """In this order, though the chat is slow with the edit when the video is there."""
    stream = FakeStream(running("job"), succeeded("job", video), pause_s=0.02)
    replier = FakeReplier(edit_s=0.1)
    await deliver(stream, store, FakeLedger(), replier)
    assert replier.said == [("job", "progress"), ("job", "video")]
    assert stream.left_open == {}
    assert replier.modes == [0o700]
    assert not replier.folders[0].exists()
    assert left_in(temporary) == []


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (failed("j", ErrorCode.SONG_TOO_LONG, limit_s=600), sentence(ErrorCode.SONG_TOO_LONG, {"limit_s": 600})),
        (ProgressEvent(job_id="j", status=JobStatus.FAILED, reply_to=HERE), sentence(ErrorCode.INTERNAL)),
        (ProgressEvent(job_id="j", status=JobStatus.CANCELLED, reply_to=HERE), sentence(ErrorCode.CANCELLED)),
        (succeeded("j", None), sentence(ErrorCode.INTERNAL)),
        (succeeded("j", AssetRef(key="gone", size_bytes=1, media_type="v")), sentence(ErrorCode.ASSET_MISSING)),
    ],
)
async def test_no_video_is_one_sentence(store: AssetStore, event: ProgressEvent, said: str, temporary: Path) -> None:
    stream, replier = FakeStream(event), FakeReplier()
    await deliver(stream, store, FakeLedger(), replier)
    assert replier.said == [("j", said)]
    assert stream.left_open == {}
    assert left_in(temporary) == []


async def test_what_belongs_to_another_chat_is_acknowledged_unseen(store: AssetStore, video: AssetRef) -> None:
    elsewhere = ReplyTarget(platform="other")
    stream = FakeStream(running("a", reply_to=elsewhere), succeeded("a", video, elsewhere), succeeded("b", video, None))
    replier = FakeReplier()
    await deliver(stream, store, FakeLedger(), replier)
    assert replier.said == []
    assert stream.left_open == {}


async def test_a_reply_that_failed_comes_again(store: AssetStore, video: AssetRef, temporary: Path) -> None:
    stream, ledger, replier = FakeStream(succeeded("job", video)), FakeLedger(), FakeReplier(fails=2)
    for _ in range(2):
        await deliver(stream, store, ledger, replier)
        assert len(stream.left_open) == 1
        assert left_in(temporary) == []
    await deliver(stream, store, ledger, replier)
    assert replier.said == [("job", "video")]
    assert stream.left_open == {}


async def test_a_crash_between_the_end_and_the_acknowledgement_replies_once(store: AssetStore, video: AssetRef) -> None:
    stream, ledger, replier = FakeStream(succeeded("job", video)), FakeLedger(), FakeReplier()
    entries = dict(stream.left_open)
    await deliver(stream, store, ledger, replier)
    stream.left_open = entries  # the acknowledgement was lost
    await deliver(stream, store, ledger, replier)
    assert replier.said == [("job", "video")]
    assert replier.asked == [], "the ledger knew"
    assert stream.left_open == {}


async def test_a_crash_right_after_the_reply_replies_once_when_the_chat_can_tell(
    store: AssetStore, video: AssetRef
) -> None:
    stream, ledger, replier = FakeStream(succeeded("job", video)), FakeLedger(dies_before_end=1), FakeReplier()
    await deliver(stream, store, ledger, replier)
    assert len(stream.left_open) == 1
    await deliver(stream, store, ledger, replier)
    assert replier.said == [("job", "video")]
    assert replier.asked == ["job"]
    assert stream.left_open == {}


async def test_a_chat_that_cannot_tell_is_answered_again_rather_than_never(store: AssetStore, video: AssetRef) -> None:
    stream, replier = FakeStream(succeeded("job", video)), FakeReplier(remembers=False)
    ledger = FakeLedger(dies_before_end=1)
    for _ in range(2):
        await deliver(stream, store, ledger, replier)
    assert replier.said == [("job", "video")] * 2
    assert stream.left_open == {}


async def test_two_final_events_of_a_job_are_one_reply(store: AssetStore, video: AssetRef) -> None:
    stream, ledger, replier = FakeStream(succeeded("job", video), failed("job")), FakeLedger(), FakeReplier()
    for _ in range(2):
        await deliver(stream, store, ledger, replier)
    assert replier.said == [("job", "video")]
    assert stream.left_open == {}


async def test_what_another_process_is_answering_is_left_to_it(store: AssetStore, video: AssetRef) -> None:
    stream, ledger, replier = FakeStream(succeeded("job", video)), FakeLedger(), FakeReplier()
    ledger.elsewhere.add("job")
    await deliver(stream, store, ledger, replier)
    assert replier.said == []
    assert len(stream.left_open) == 1, "should the other die, it comes again"


async def test_no_progress_is_shown_after_the_end(store: AssetStore, video: AssetRef) -> None:
    stream, ledger, replier = FakeStream(succeeded("job", video)), FakeLedger(), FakeReplier()
    await deliver(stream, store, ledger, replier)
    late = FakeStream(running("job"), running("another"), pause_s=0.05)
    await deliver(late, store, ledger, replier)
    assert replier.said == [("job", "video"), ("another", "progress")]
    assert late.left_open == {}


async def test_a_slow_upload_holds_up_nobody_and_few_go_at_once(store: AssetStore, video: AssetRef) -> None:
    events = [succeeded(f"job {number}", video) for number in range(10)]
    stream, replier = FakeStream(*events, *events), FakeReplier(takes_s=0.05)
    ledger = FakeLedger()
    await deliver(stream, store, ledger, replier)
    assert sorted(replier.said) == sorted((event.job_id, "video") for event in events)
    assert replier.most_at_once == delivery_module.REPLIES_AT_ONCE


class Unreadable:
    """A store that is out of reach for a while."""

    def __init__(self, store: AssetStore, times: int) -> None:
        self._store, self._times = store, times

    def fetch(self, asset: AssetRef | str, to: Path) -> None:
        self._times -= 1
        if self._times >= 0:
            raise Fault(ErrorCode.ASSET_UNREADABLE, "network")
        self._store.fetch(asset, to)


@pytest.mark.parametrize(("times", "said"), [(2, "video"), (3, sentence(ErrorCode.ASSET_UNREADABLE))])
async def test_a_store_out_of_reach_is_tried_again_before_giving_up(
    store: AssetStore, video: AssetRef, times: int, said: str
) -> None:
    stream, ledger, replier = FakeStream(succeeded("job", video)), FakeLedger(), FakeReplier()
    frail = Unreadable(store, times)
    while stream.left_open:
        await delivery(stream, frail, ledger, replier).run()
    assert replier.said == [("job", said)]


async def test_a_chat_that_never_answers_is_given_up(store: AssetStore, video: AssetRef) -> None:
    stream, ledger, replier = FakeStream(succeeded("job", video)), FakeLedger(), FakeReplier(fails=10_000)
    ledger.attempts["job"] = ATTEMPTS_MAX
    await deliver(stream, store, ledger, replier)
    assert replier.said == []
    assert stream.left_open == {}


async def test_a_queue_out_of_reach_is_outlived(
    store: AssetStore, video: AssetRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery_module, "RECONNECT_S", 0.01)
    stream, replier = FakeStream(succeeded("job", video)), FakeReplier()
    stream.breaks = [Fault(ErrorCode.QUEUE_UNREACHABLE) for _ in range(3)]
    await deliver(stream, store, FakeLedger(), replier)
    assert replier.said == [("job", "video")]


async def test_stopping_lets_a_reply_end(store: AssetStore, video: AssetRef) -> None:
    stream, replier = FakeStream(succeeded("job", video)), FakeReplier(takes_s=0.3)
    follow = stream.follow

    async def follow_on(group: str, consumer: str) -> AsyncIterator[tuple[str, ProgressEvent]]:
        async for entry in follow(group, consumer):
            yield entry
        await asyncio.sleep(60)

    stream.follow = follow_on  # type: ignore[method-assign]
    life = asyncio.create_task(deliver(stream, store, FakeLedger(), replier))
    await asyncio.sleep(0.1)
    life.cancel()
    with pytest.raises(asyncio.CancelledError):
        await life
    assert replier.said == [("job", "video")]
    assert stream.left_open == {}


async def test_folders_of_killed_processes_are_removed(store: AssetStore, temporary: Path) -> None:
    killed = temporary / f"{PREFIX}killed"
    killed.mkdir()
    (killed / "serenade.mp4").write_bytes(VIDEO)
    with private_folder(temporary) as in_use:
        await deliver(FakeStream(), store, FakeLedger(), FakeReplier())
        assert left_in(temporary) == [in_use]


async def test_an_end_of_the_events_is_no_reason_to_hurry_a_reply(
    store: AssetStore, video: AssetRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A front end that follows one job: the last event ends the stream, while the video is still on its way."""
    monkeypatch.setattr(delivery_module, "GRACE_S", 0.05)
    stream, replier = FakeStream(succeeded("job", video)), FakeReplier(takes_s=0.3)
    await deliver(stream, store, FakeLedger(), replier)
    assert replier.said == [("job", "video")]


async def test_a_person_is_answered_in_their_language(store: AssetStore, monkeypatch: pytest.MonkeyPatch) -> None:
    klingon = dataclasses.replace(LOCALES["en"], errors={ErrorCode.SONG_SILENT: ("bIjatlhbe'.",)})
    monkeypatch.setitem(LOCALES, "tlh", klingon)  # type: ignore[arg-type]
    silent = failed("job", ErrorCode.SONG_SILENT)
    event = silent.model_copy(update={"reply_to": HERE.model_copy(update={"locale": "tlh"})})
    replier = FakeReplier()
    await deliver(FakeStream(event), store, FakeLedger(), replier)
    assert replier.said == [("job", "bIjatlhbe'.")]


KILLED_BOT = textwrap.dedent(
    """
    import asyncio, os, sys
    from pathlib import Path
    from bots.delivery import Delivery
    from shared.ledger import ReplyLedger
    from shared.queue import JobQueue
    from shared.store import open_store

    url, folder, dies = sys.argv[1], Path(sys.argv[2]), sys.argv[3]

    class Chat:
        async def progress(self, event):
            pass
        async def sorry(self, event, sentence):
            with (folder / "chat").open("a") as chat:
                print(sentence, file=chat)
            if dies == "after the reply":
                os._exit(9)
        async def answered(self, event):
            return (folder / "chat").exists()

    class Queue(JobQueue):
        async def acknowledge(self, group, entry_id):
            if dies == "before the acknowledgement" and (folder / "chat").exists():
                os._exit(9)
            await super().acknowledge(group, entry_id)
            if (folder / "chat").exists():
                os._exit(0)

    async def main():
        ledger = ReplyLedger(url, "test")
        store = open_store(folder)
        names = {"platform": "test", "group": "test", "consumer": "bot"}
        await Delivery(Queue(url), store, ledger, Chat(), work_dir=folder / "delivery", **names).run()

    asyncio.run(main())
    """
)


@pytest.mark.parametrize("dies", ["after the reply", "before the acknowledgement"])
async def test_a_bot_killed_at_the_worst_moment_replies_once(redis_url: str, tmp_path: Path, dies: str) -> None:
    """Everything real: the stream, the ledger, a process that ends without a word, and the same bot started again."""
    nothing = AssetRef(key="none", size_bytes=1, media_type="x/y")
    requester = Requester(platform="test", user_id="ada")
    async with JobQueue(redis_url) as queue:
        await queue.pause()
        await queue.submit(
            JobRequest(
                job_id="job",
                song=nothing,
                portrait=nothing,
                options=RenderOptions(),
                requester=requester,
                reply_to=HERE,
            )
        )
        await queue.cancel("job")
        for last_moment, status in ((dies, 9), ("never", 0)):
            command = [sys.executable, "-c", KILLED_BOT, redis_url, str(tmp_path), last_moment]
            done = await asyncio.to_thread(subprocess.run, command, timeout=30, check=False)
            assert done.returncode == status
        ledger = ReplyLedger(redis_url, "test")
        assert (await ledger.begin("job", "bot")).answered
        await ledger.close()
    assert (tmp_path / "chat").read_text().splitlines() == [sentence(ErrorCode.CANCELLED)]
