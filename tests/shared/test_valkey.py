"""The embedded server starts, keeps its data, refuses a second in its folder, and never outlives us."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis
import redis.asyncio
from arq.connections import RedisSettings

from shared.errors import ErrorCode, Fault
from shared.valkey import EmbeddedValkey

PARENT = """
import sys, time
from pathlib import Path
from shared.valkey import EmbeddedValkey
with EmbeddedValkey(Path(sys.argv[1])) as server:
    print(server.url, flush=True)
    time.sleep(60)
"""


def connected(url: str) -> "redis.Redis[str]":
    return redis.Redis.from_url(url, decode_responses=True)


def server_pid(url: str) -> int:
    with connected(url) as client:
        return int(client.info("server")["process_id"])


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone_within(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not alive(pid):
            return True
        time.sleep(0.02)
    return False


def test_what_was_written_is_there_after_a_restart(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path / "v") as server, connected(server.url) as client:
        client.set("song", "Ode to Joy")
    with EmbeddedValkey(tmp_path / "v") as server, connected(server.url) as client:
        assert client.get("song") == "Ode to Joy"


def test_what_was_written_survives_a_killed_server(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path / "v") as server, connected(server.url) as client:
        client.set("song", "Ode to Joy")
        os.kill(server_pid(server.url), signal.SIGKILL)
    with EmbeddedValkey(tmp_path / "v") as server, connected(server.url) as client:
        assert client.get("song") == "Ode to Joy"


def test_the_server_ends_with_the_block(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path) as server:
        pid = server_pid(server.url)
        assert alive(pid)
    assert not alive(pid)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_the_server_does_not_outlive_a_killed_parent(tmp_path: Path, end: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = server_pid(parent.stdout.readline().strip())
        parent.send_signal(end)
        parent.wait()
    assert gone_within(pid, 5)
    with EmbeddedValkey(tmp_path):
        """The folder is free again."""


def test_ctrl_c_in_the_terminal_does_not_reach_the_server(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path) as server:
        assert os.getpgid(server_pid(server.url)) != os.getpgrp()


def test_two_in_different_folders_know_nothing_of_each_other(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path / "a") as a, EmbeddedValkey(tmp_path / "b") as b:
        with connected(a.url) as client:
            client.set("song", "Ode to Joy")
        with connected(b.url) as client:
            assert client.get("song") is None


def test_a_second_in_the_same_folder_is_refused_and_the_first_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.valkey.LOCK_WAIT_S", 0.1)
    with EmbeddedValkey(tmp_path) as first:
        with pytest.raises(Fault, match="another Serenade") as refusal, EmbeddedValkey(tmp_path):
            pass
        assert refusal.value.code == ErrorCode.QUEUE_UNREACHABLE
        with connected(first.url) as client:
            assert client.ping()


def test_a_damaged_file_is_a_clear_fault_with_the_servers_own_words(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path) as server, connected(server.url) as client:
        client.set("song", "Ode to Joy")
    (tmp_path / "appendonlydir" / "appendonly.aof.manifest").write_text("nonsense\n")
    with pytest.raises(Fault, match=r"did not start: .*manifest") as fault, EmbeddedValkey(tmp_path):
        pass
    assert fault.value.code == ErrorCode.QUEUE_UNREACHABLE


async def test_redis_py_and_arq_read_the_url_alike(tmp_path: Path) -> None:
    long = tmp_path / ("long" * 25)
    for folder, scheme in ((tmp_path / "short", "unix://"), (long, "redis://"), (tmp_path / "per cent%", "redis://")):
        with EmbeddedValkey(folder) as server:
            assert server.url.startswith(scheme)
            settings = RedisSettings.from_dsn(server.url)
            client = redis.asyncio.Redis(
                host=str(settings.host),
                port=settings.port,
                unix_socket_path=settings.unix_socket_path,
                password=settings.password,
            )
            async with client:
                assert await client.ping()
            with connected(server.url) as other:
                assert other.ping()


def test_others_on_this_machine_can_not_read_it(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path / "v" / ("long" * 25)) as server:
        port = RedisSettings.from_dsn(server.url).port
        with redis.Redis(port=port) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()
    with EmbeddedValkey(tmp_path / "v"):
        assert (tmp_path / "v" / "valkey.sock").stat().st_mode & 0o077 == 0
        assert (tmp_path / "v" / "valkey.conf").stat().st_mode & 0o077 == 0
