"""Ctrl-C and SIGTERM cancel, whenever they come, and never break off the cleaning up."""

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest

from cli.interrupts import SIGNALS, Interrupts
from shared.errors import Cancelled


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    """A process that was asked to stop does not listen any more; this one goes on."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_cancels_and_a_second_one_lets_it_clean_up(number: signal.Signals) -> None:
    done = []

    async def work() -> None:
        asyncio.get_running_loop().call_later(0.01, os.kill, os.getpid(), number)
        try:
            await asyncio.sleep(10)
        finally:
            for again in SIGNALS:
                os.kill(os.getpid(), again)
                await asyncio.sleep(0.01)
            done.append("cleaned up")

    with Interrupts() as interrupts:
        with pytest.raises(Cancelled):
            interrupts.run(work())
        os.kill(os.getpid(), number)
    os.kill(os.getpid(), number)
    assert done == ["cleaned up"]


def test_a_signal_before_the_work_keeps_it_from_beginning() -> None:
    begun = []

    async def work() -> None:
        begun.append("work")

    with Interrupts() as interrupts:
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(Cancelled):
            interrupts.run(work())
    assert not begun


def test_without_a_signal_the_work_ends_and_all_is_as_before() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    done = []

    async def work() -> None:
        done.append("work")

    with Interrupts() as interrupts:
        interrupts.run(work())
    assert done == ["work"]
    assert [signal.getsignal(number) for number in SIGNALS] == before
