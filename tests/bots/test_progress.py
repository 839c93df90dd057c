"""Edits are few, in order, of the newest state, and stop when the job ends. Time is the event loop's, and pretended."""

import asyncio
from collections.abc import Callable, Coroutine
from itertools import pairwise
from typing import Any

import pytest

from bots.progress import EDIT_LIMIT_S, JOBS_REMEMBERED, THINNEST, ProgressEdits
from shared.models import JobStatus, ProgressEvent, Stage

INTERVAL_S = 3.0


class PretendedTime(asyncio.SelectorEventLoop):
    """Nobody waits: when only timers are left, the clock jumps to the next one."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        real_select = self._selector.select  # type: ignore[attr-defined]

        def select(timeout: float | None) -> list[Any]:
            self.now_s += timeout or 0.0
            ready: list[Any] = real_select(0)
            return ready

        self._selector.select = select  # type: ignore[attr-defined]

    def time(self) -> float:
        return self.now_s


class Chat:
    """Notes what was shown and when; an edit takes `edit_s`."""

    def __init__(self, edit_s: float = 0.0, error: Exception | None = None) -> None:
        self.edit_s, self.error = edit_s, error
        self.shown: list[tuple[float, str, int]] = []
        self.under_way = 0

    async def edit(self, event: ProgressEvent) -> None:
        self.under_way += 1
        assert self.under_way == 1 or self.edit_s == 0
        await asyncio.sleep(self.edit_s)
        self.under_way -= 1
        self.shown.append((round(asyncio.get_running_loop().time(), 1), event.job_id, event.done))
        if self.error:
            raise self.error


def at(done: int, job_id: str = "job") -> ProgressEvent:
    return ProgressEvent(job_id=job_id, status=JobStatus.RUNNING, stage=Stage.ANIMATE, done=done, total=10_000)


Story = Callable[[ProgressEdits], Coroutine[Any, Any, None]]


def play(chat: Chat, story: Story) -> None:
    async def run() -> None:
        await story(ProgressEdits(chat.edit, min_interval_s=INTERVAL_S))

    with asyncio.Runner(loop_factory=PretendedTime) as runner:
        runner.run(run())


def test_the_first_is_shown_at_once_then_the_newest_of_each_interval() -> None:
    async def story(edits: ProgressEdits) -> None:
        for done in range(1, 13):
            edits.offer(at(done))
            await asyncio.sleep(0.8)

    chat = Chat()
    play(chat, story)
    assert chat.shown == [(0.0, "job", 1), (3.0, "job", 4), (6.3, "job", 8)]


def test_the_last_news_are_not_lost_when_nothing_follows() -> None:
    async def story(edits: ProgressEdits) -> None:
        edits.offer(at(1))
        await asyncio.sleep(1)
        edits.offer(at(2))
        await asyncio.sleep(100)
        edits.offer(at(3))
        await asyncio.sleep(1)

    chat = Chat()
    play(chat, story)
    assert chat.shown == [(0.0, "job", 1), (3.0, "job", 2), (101.0, "job", 3)]


def test_edits_thin_out_as_a_render_goes_on() -> None:
    async def story(edits: ProgressEdits) -> None:
        for done in range(4000):
            edits.offer(at(done))
            await asyncio.sleep(0.1)

    chat = Chat()
    play(chat, story)
    times = [time_s for time_s, _, _ in chat.shown]
    gaps = [late - early for early, late in pairwise(times)]
    assert gaps[0] == pytest.approx(INTERVAL_S, abs=0.11)
    assert gaps == pytest.approx(sorted(gaps), abs=0.11)
    assert gaps[-1] == pytest.approx(THINNEST * INTERVAL_S, abs=0.11)
    assert len(times) < 45, "400 s would be 133 edits at an even pace"


def test_the_same_news_are_shown_once() -> None:
    async def story(edits: ProgressEdits) -> None:
        for _ in range(100):
            edits.offer(at(1))
            await asyncio.sleep(1)

    chat = Chat()
    play(chat, story)
    assert len(chat.shown) == 1


def test_jobs_do_not_wait_for_each_other() -> None:
    async def story(edits: ProgressEdits) -> None:
        for job in ("one", "two", "three"):
            edits.offer(at(1, job))
        await asyncio.sleep(0.1)

    chat = Chat()
    play(chat, story)
    assert [(time_s, job) for time_s, job, _ in chat.shown] == [(0.0, "one"), (0.0, "two"), (0.0, "three")]


def test_after_closing_nothing_is_shown_and_an_edit_under_way_has_landed() -> None:
    closed_at: list[float] = []

    async def story(edits: ProgressEdits) -> None:
        edits.offer(at(1))
        await asyncio.sleep(0.5)
        edits.offer(at(2))
        await edits.close("job")
        closed_at.append(asyncio.get_running_loop().time())
        await edits.close("job")
        await edits.close("never heard of")
        await asyncio.sleep(60)

    chat = Chat(edit_s=2.0)
    play(chat, story)
    assert chat.shown == [(2.0, "job", 1)]
    assert closed_at == [2.0]


def test_a_failing_edit_is_made_up_for_by_the_next() -> None:
    async def story(edits: ProgressEdits) -> None:
        for done in range(1, 4):
            edits.offer(at(done))
            await asyncio.sleep(4)

    chat = Chat(error=ConnectionError("chat is away"))
    play(chat, story)
    assert [done for _, _, done in chat.shown] == [1, 2, 3]


def test_a_hanging_chat_does_not_hold_up_the_end() -> None:
    times: list[float] = []

    async def story(edits: ProgressEdits) -> None:
        edits.offer(at(1))
        await asyncio.sleep(1)
        await edits.close("job")
        times.append(asyncio.get_running_loop().time())

    play(Chat(edit_s=1e6), story)
    assert times == [EDIT_LIMIT_S]


def test_jobs_whose_end_went_elsewhere_are_forgotten() -> None:
    async def story(edits: ProgressEdits) -> None:
        for number in range(JOBS_REMEMBERED + 50):
            edits.offer(at(1, f"job {number}"))
        await asyncio.sleep(1)
        assert len(edits._jobs) == JOBS_REMEMBERED
        await edits.close_all()
        assert len(edits._jobs) == 0

    chat = Chat()
    play(chat, story)
    assert chat.shown[0][1] == "job 50"
