"""Real worker processes on a real queue: work, failure, cancelling, being killed, being told to go."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from shared.errors import ErrorCode
from shared.models import AssetRef, JobRequest, JobStatus, ProgressEvent, RenderOptions, ReplyTarget, Requester, Stage
from shared.queue import JobQueue
from shared.settings import QueueSettings
from shared.valkey import EmbeddedValkey

SCRIPT = Path(__file__).with_name("worker_process.py")
LEASE_S, BEAT_S = 1.0, 0.1
PATIENCE_S = 20.0


@dataclass
class Workers:
    """Starts worker processes; `journal` is what their steps wrote."""

    url: str
    folder: Path
    running: list["subprocess.Popen[bytes]"]

    def start(self, *arguments: str, env: dict[str, str] | None = None, **fake: object) -> "subprocess.Popen[bytes]":
        settings = {
            "REDIS_URL": self.url,
            "SERENADE_QUEUE_LEASE_S": str(LEASE_S),
            "SERENADE_WORKER_BEAT_S": str(BEAT_S),
            "SERENADE_WORKER_GRACE_S": "1",
        }
        process = subprocess.Popen(
            [sys.executable, str(SCRIPT), json.dumps({"journal": str(self.path), **fake}), *arguments],
            env={**os.environ, **settings, **(env or {})},
            stdin=subprocess.PIPE,
        )
        self.running.append(process)
        return process

    @property
    def path(self) -> Path:
        return self.folder / "journal"

    @property
    def journal(self) -> list[tuple[str, str]]:
        """(what, process id) by line."""
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        return [(line.rpartition(" ")[0], line.rpartition(" ")[2]) for line in lines]

    def happened(self, what: str) -> int:
        return [line for line, _ in self.journal].count(what)

    async def wait_for(self, what: str) -> int:
        """Process id of the first worker that wrote so."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            for line, pid in self.journal:
                if line == what:
                    return int(pid)
            await asyncio.sleep(0.02)
        raise AssertionError(f"no {what!r} in {self.journal}")


@pytest.fixture
def workers(redis_url: str, tmp_path: Path) -> Iterator[Workers]:
    crew = Workers(redis_url, tmp_path, [])
    yield crew
    for process in crew.running:
        process.kill()
        process.wait()
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture
async def queue(redis_url: str) -> AsyncIterator[JobQueue]:
    async with JobQueue(redis_url, QueueSettings(lease_s=LEASE_S)) as opened:
        yield opened


def song(job_id: str = "chat:1:2") -> JobRequest:
    return JobRequest(
        job_id=job_id,
        song=AssetRef(key="song", size_bytes=1, media_type="audio/flac"),
        portrait=AssetRef(key="portrait", size_bytes=1, media_type="image/png"),
        options=RenderOptions(seed=7),
        requester=Requester(platform="test", user_id=job_id),
        reply_to=ReplyTarget(platform="test", message_id="9"),
    )


async def story(queue: JobQueue, job_id: str = "chat:1:2") -> list[ProgressEvent]:
    """All events of a job, from the first to the final one."""

    async def read() -> list[ProgressEvent]:
        told = []
        async for _, event in queue.events():
            if event.job_id == job_id:
                told.append(event)
                if event.status.final:
                    break
        return told

    return await asyncio.wait_for(read(), PATIENCE_S)


async def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def test_a_job_is_done_by_several_workers_and_told_from_beginning_to_end(
    queue: JobQueue, workers: Workers
) -> None:
    workers.start(segments=4, step_s=0.5)
    workers.start(segments=4, step_s=0.5)
    await queue.submit(song())
    told = await story(queue)

    assert [event.status for event in told[:2]] == [JobStatus.WAITING, JobStatus.RUNNING]
    stages = [event.stage for event in told if event.stage is not None]
    assert list(dict.fromkeys(stages)) == [Stage.SEPARATE, Stage.ANIMATE, Stage.FINISH]
    animated = [event.done for event in told if event.stage is Stage.ANIMATE]
    assert animated == sorted(animated)
    assert len(set(animated)) >= 3
    final = told[-1]
    assert final.status is JobStatus.SUCCEEDED
    assert final.video is not None
    assert final.video.key == "chat:1:2/" + "+".join(f"chat:1:2/segment-{i}" for i in range(4))
    assert final.facts is not None
    assert {stage.name: stage.seconds for stage in final.facts.stages} == {"separate": 0.5, "animate": 2, "finish": 0.5}
    assert final.facts.seed == 7
    assert final.reply_to == ReplyTarget(platform="test", message_id="9")
    assert len({pid for what, pid in workers.journal if what.startswith("ended segment")}) == 2


async def test_little_time_is_lost_between_submitting_and_steps(queue: JobQueue, workers: Workers) -> None:
    workers.start(segments=1, step_s=0)
    await until_at_work(queue, 1)
    took = []
    for i in range(5):
        began = time.monotonic()
        await queue.submit(song(str(i)))
        await story(queue, str(i))
        took.append(time.monotonic() - began)
    assert min(took) < 0.6  # submit, prepare, segment, finish, told: four waits of at most 0.05 s and a busy machine


async def until_at_work(queue: JobQueue, count: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while len(await queue.workers()) < count:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def test_bad_input_is_told_with_its_code_and_values(queue: JobQueue, workers: Workers) -> None:
    workers.start(troubles={"prepare": "bad_portrait"})
    await queue.submit(song())
    final = (await story(queue))[-1]
    assert (final.status, final.error_code) == (JobStatus.FAILED, ErrorCode.FACE_TOO_SMALL)
    assert final.error_params == {"least_px": 64}


@pytest.mark.parametrize("trouble", ["bug", "exit"])
async def test_a_bug_fails_the_job_and_not_the_worker(queue: JobQueue, workers: Workers, trouble: str) -> None:
    process = workers.start(troubles={"segment 1": trouble}, segments=3)
    for job_id in ("1", "2"):
        await queue.submit(song(job_id))
        final = (await story(queue, job_id))[-1]
        assert (final.status, final.error_code) == (JobStatus.FAILED, ErrorCode.INTERNAL)
    assert process.poll() is None


async def test_cancelling_stops_a_running_step_within_a_second_or_so(queue: JobQueue, workers: Workers) -> None:
    workers.start(segments=2, step_s=10)
    await queue.submit(song("long"))
    await workers.wait_for("began prepare")
    await queue.submit(song("next"))
    await queue.cancel("long")
    cancelled = time.monotonic()
    assert (await story(queue, "long"))[-1].status is JobStatus.CANCELLED
    await until(lambda: workers.happened("began prepare") == 2)
    assert time.monotonic() - cancelled < 1.5
    assert workers.happened("ended prepare") == 0


@pytest.mark.parametrize("step", ["prepare", "segment 1", "finish"])
async def test_a_killed_workers_step_is_taken_over_and_the_job_done_once(
    queue: JobQueue, workers: Workers, step: str
) -> None:
    for _ in range(2):
        workers.start(segments=2, step_s=0.4)
    await until_at_work(queue, 2)
    await queue.submit(song())
    os.kill(await workers.wait_for(f"began {step}"), signal.SIGKILL)
    killed = time.monotonic()
    told = await story(queue)
    assert [event.status for event in told if event.status.final] == [JobStatus.SUCCEEDED]
    assert time.monotonic() - killed < LEASE_S + 15 * BEAT_S + 4.0
    assert workers.happened(f"began {step}") == 2
    assert workers.happened(f"ended {step}") == 1
    assert workers.happened("ended finish") == 1


async def test_a_step_that_loses_every_worker_fails_the_job(queue: JobQueue, workers: Workers) -> None:
    env = {"SERENADE_QUEUE_TAKEOVERS_MAX": "1"}
    for _ in range(3):
        workers.start(step_s=5, env=env)
    await until_at_work(queue, 3)
    await queue.submit(song())
    os.kill(await workers.wait_for("began prepare"), signal.SIGKILL)
    await until(lambda: workers.happened("began prepare") == 2)
    os.kill(int(workers.journal[-1][1]), signal.SIGKILL)
    final = (await story(queue))[-1]
    assert (final.status, final.error_code) == (JobStatus.FAILED, ErrorCode.WORKER_LOST)


async def test_a_worker_that_was_frozen_is_not_heard_when_it_wakes(queue: JobQueue, workers: Workers) -> None:
    for _ in range(2):
        workers.start(segments=1, step_s=0.3)
    await until_at_work(queue, 2)
    await queue.submit(song())
    sleeper = await workers.wait_for("began prepare")
    os.kill(sleeper, signal.SIGSTOP)
    told = await story(queue)
    os.kill(sleeper, signal.SIGCONT)
    assert told[-1].status is JobStatus.SUCCEEDED
    await queue.submit(song("next"))
    await story(queue, "next")
    assert [event.status for event in await story(queue) if event.status.final] == [JobStatus.SUCCEEDED]


async def test_sigterm_gives_the_step_back_at_once(queue: JobQueue, workers: Workers) -> None:
    leaving = workers.start(segments=1, step_s=1.5)
    await queue.submit(song())
    await workers.wait_for("began prepare")
    leaving.terminate()
    assert await asyncio.to_thread(leaving.wait, PATIENCE_S) == 0
    assert workers.happened("ended prepare") == 0
    assert await queue.workers() == []
    with redis.Redis.from_url(workers.url, decode_responses=True) as client:
        assert client.zrange("serenade:queued", 0, -1) == ["chat:1:2:prepare:2"]
    workers.start(segments=1, step_s=0.1)
    assert (await story(queue))[-1].status is JobStatus.SUCCEEDED


async def test_sigterm_ends_even_a_step_that_hangs(queue: JobQueue, workers: Workers) -> None:
    leaving = workers.start(troubles={"prepare": "hang"})
    await queue.submit(song())
    await workers.wait_for("began prepare")
    leaving.terminate()
    assert await asyncio.to_thread(leaving.wait, PATIENCE_S) == 70
    workers.start()
    assert (await story(queue))[-1].status is JobStatus.SUCCEEDED


async def test_a_step_past_its_limit_ends_its_worker_and_another_tries(queue: JobQueue, workers: Workers) -> None:
    hanging = workers.start(troubles={"prepare": "hang"}, env={"SERENADE_WORKER_STEP_LIMIT_S": "0.5"})
    await queue.submit(song())
    assert await asyncio.to_thread(hanging.wait, PATIENCE_S) == 70
    workers.start()
    assert (await story(queue))[-1].status is JobStatus.SUCCEEDED


async def test_a_worker_goes_when_its_parent_does(queue: JobQueue, workers: Workers) -> None:
    process = workers.start("--exit-with-parent", step_s=5)
    await queue.submit(song())
    await workers.wait_for("began prepare")
    assert process.stdin is not None
    process.stdin.close()  # as the kernel does when the parent is gone
    assert await asyncio.to_thread(process.wait, PATIENCE_S) == 0


async def test_workers_outlast_a_server_that_is_killed_and_comes_back(workers: Workers, tmp_path: Path) -> None:
    server = EmbeddedValkey(tmp_path / "valkey", append_fsync="always")
    with server:
        workers.url = server.url
        process = workers.start(segments=3, step_s=0.3)
        async with JobQueue(server.url) as queue:
            await queue.submit(song())
            await workers.wait_for("began segment 1")
            with redis.Redis.from_url(server.url) as client:
                os.kill(int(client.info("server")["process_id"]), signal.SIGKILL)
            server.stop()
            await asyncio.sleep(1.5)
            server.start()
            final = (await story(queue))[-1]
        assert final.status is JobStatus.SUCCEEDED
        assert process.poll() is None


PARENT = """
import json, subprocess, sys, time
from pathlib import Path
from shared.valkey import EmbeddedValkey
script, folder = sys.argv[1:]
with EmbeddedValkey(Path(folder)) as server:
    worker = subprocess.Popen(
        [sys.executable, script, json.dumps({"journal": ""}), "--exit-with-parent", "--redis-url", server.url],
        stdin=subprocess.PIPE, start_new_session=True,
    )
    print(server.url, worker.pid, flush=True)
    time.sleep(60)
"""


def test_nothing_is_left_when_a_parent_with_server_and_worker_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(SCRIPT), str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        url, worker_pid = parent.stdout.readline().split()
        with redis.Redis.from_url(url) as client:
            server_pid = client.info("server")["process_id"]
            assert running(server_pid)
            deadline = time.monotonic() + PATIENCE_S
            while not client.exists("serenade:workers"):
                assert time.monotonic() < deadline
                time.sleep(0.02)
        parent.kill()
    deadline = time.monotonic() + PATIENCE_S
    while running(int(worker_pid)) or running(server_pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def running(pid: int) -> bool:
    """Orphans are zombies where nobody reaps them; those do no work any more."""
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_without_a_queue_it_says_what_is_missing() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "render_service"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "REDIS_URL" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unreachable_queue_is_our_fault_in_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), json.dumps({"journal": ""}), "--redis-url", f"unix://{tmp_path}/nothing.sock"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "queue_unreachable" in done.stderr
    assert "Traceback" not in done.stderr
