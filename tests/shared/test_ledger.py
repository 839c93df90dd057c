"""The ledger knows who answers a job, whether one was begun, and whether it was ended."""

from collections.abc import AsyncIterator

import pytest
import redis

from shared.errors import ErrorCode, Fault
from shared.ledger import KEEP_S, LEASE_S, Claim, ReplyLedger


@pytest.fixture
async def ledger(redis_url: str) -> AsyncIterator[ReplyLedger]:
    ledger = ReplyLedger(redis_url, "discord")
    yield ledger
    await ledger.close()


def forget_leases(redis_url: str) -> None:
    """As if `LEASE_S` had passed."""
    with redis.Redis.from_url(redis_url) as client:
        for key in client.scan_iter("*:lease"):
            client.delete(key)


async def test_the_first_to_come_answers(ledger: ReplyLedger) -> None:
    assert not await ledger.begun("job")
    assert await ledger.begin("job", "bot-1") == Claim(mine=True, attempt=1)
    assert await ledger.begin("job", "bot-2") == Claim(mine=False)
    assert await ledger.begun("job")


async def test_a_consumer_goes_on_with_what_it_began(ledger: ReplyLedger) -> None:
    await ledger.begin("job", "bot-1")
    assert await ledger.begin("job", "bot-1") == Claim(mine=True, attempt=2)


async def test_another_takes_over_from_the_dead(ledger: ReplyLedger, redis_url: str) -> None:
    await ledger.begin("job", "bot-1")
    forget_leases(redis_url)
    assert await ledger.begin("job", "bot-2") == Claim(mine=True, attempt=2)
    assert await ledger.begin("job", "bot-1") == Claim(mine=False)


async def test_what_was_answered_is_answered_for_everybody(ledger: ReplyLedger, redis_url: str) -> None:
    await ledger.begin("job", "bot-1")
    await ledger.end("job")
    forget_leases(redis_url)
    assert await ledger.begin("job", "bot-2") == Claim(mine=True, answered=True)


async def test_groups_and_jobs_are_apart(ledger: ReplyLedger, redis_url: str) -> None:
    await ledger.begin("job", "bot")
    await ledger.end("job")
    other = ReplyLedger(redis_url, "telegram")
    assert await other.begin("job", "bot") == Claim(mine=True, attempt=1)
    assert await ledger.begin("another", "bot") == Claim(mine=True, attempt=1)
    await other.close()


async def test_a_lease_is_renewed_by_its_holder_only(ledger: ReplyLedger, redis_url: str) -> None:
    await ledger.begin("job", "bot-1")
    with redis.Redis.from_url(redis_url) as client:
        [lease] = client.scan_iter("*:lease")
        client.pexpire(lease, 1000)
        await ledger.renew("job", "bot-2")
        assert client.pttl(lease) <= 1000
        await ledger.renew("job", "bot-1")
        assert client.pttl(lease) > 1000 * (LEASE_S - 5)


async def test_nothing_is_kept_forever(ledger: ReplyLedger, redis_url: str) -> None:
    await ledger.begin("job", "bot")
    await ledger.end("job")
    with redis.Redis.from_url(redis_url) as client:
        assert all(0 < client.ttl(key) <= KEEP_S for key in client.scan_iter("*replies*"))


async def test_no_server_is_a_fault() -> None:
    ledger = ReplyLedger("redis://127.0.0.1:1", "discord")
    with pytest.raises(Fault) as caught:
        await ledger.begin("job", "bot")
    assert caught.value.code is ErrorCode.QUEUE_UNREACHABLE
    await ledger.close()
