"""`serenade doctor`: what is installed, missing or slow on this machine, each with its remedy."""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

State = Literal["ok", "slow", "missing", "off"]
MARKS: dict[State, str] = {"ok": "[green]ok[/]", "slow": "[yellow]slow[/]", "missing": "[red]missing[/]", "off": "-"}
LEAST_FREE_BYTES = 2 * 1024**3
"""Weights take 0.1 GB; a 10-minute song at 2160 high leaves about 1 GB of segments while it is made."""


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    name: str
    state: State
    what: str
    remedy: str = ""


def run_doctor(*, warm_up: bool) -> None:
    """Prints the table; exit status 1 if something that the default path needs is missing."""
    findings = list(examine())
    if warm_up and all(finding.state != "missing" for finding in findings):
        findings.append(warm())
    table = Table(box=None, show_header=False, pad_edge=False)
    for finding in findings:
        table.add_row(finding.name, MARKS[finding.state], escape(finding.what), escape(finding.remedy))
    Console().print(table)
    if any(finding.state == "missing" for finding in findings):
        raise typer.Exit(1)


def examine() -> Iterator[Finding]:
    """Everything that can be known without rendering."""
    for look in (_python, _cores, _ffmpeg, _queue, _disk, _weights, _gpu, _torch):
        yield _guarded(look)


def warm() -> Finding:
    """Loads every default backend and compiles its kernels, so that the first render starts quickly."""
    from render_service.registry import warm_up  # noqa: PLC0415 - heavy, and only wanted here

    began = time.perf_counter()
    warm_up()
    seconds = time.perf_counter() - began
    return Finding("warm-up", "ok", f"everything loaded and compiled in {seconds:.1f} s")


def _guarded(look: Callable[[], Finding]) -> Finding:
    """A broken part is a finding, not a crash of the doctor."""
    try:
        return look()
    except Exception as broken:
        return Finding(look.__name__.strip("_"), "missing", str(broken)[:200], "run `make setup` again")


def _python() -> Finding:
    version = platform.python_version()
    fits = sys.version_info >= (3, 11)
    return Finding("python", "ok" if fits else "missing", version, "" if fits else "install Python 3.11 or newer")


def _cores() -> Finding:
    cores = os.cpu_count() or 1
    state: State = "ok" if cores > 1 else "slow"
    return Finding("cores", state, str(cores), "" if cores > 1 else "two cores render twice as fast")


def _ffmpeg() -> Finding:
    import imageio_ffmpeg  # noqa: PLC0415

    binary = imageio_ffmpeg.get_ffmpeg_exe()
    shown = subprocess.run([binary, "-version"], check=True, capture_output=True, text=True).stdout
    return Finding("ffmpeg", "ok", " ".join(shown.split()[2:3]))


def _queue() -> Finding:
    from shared.settings import QueueSettings  # noqa: PLC0415
    from shared.valkey import EmbeddedValkey  # noqa: PLC0415

    if url := QueueSettings().redis_url:
        import redis  # noqa: PLC0415

        try:
            redis.Redis.from_url(url.get_secret_value(), socket_timeout=3, socket_connect_timeout=3).ping()
        except (redis.RedisError, ValueError) as silent:
            return Finding("queue", "missing", str(silent)[:200], "start what REDIS_URL names, or unset it")
        return Finding("queue", "ok", "REDIS_URL answers")
    with tempfile.TemporaryDirectory() as folder, EmbeddedValkey(Path(folder)):
        return Finding("queue", "ok", "embedded Valkey starts")


def _disk() -> Finding:
    from shared.settings import StoreSettings  # noqa: PLC0415

    folder = StoreSettings().data_dir
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    free = shutil.disk_usage(folder).free
    state: State = "ok" if free > LEAST_FREE_BYTES else "missing"
    return Finding(
        "disk", state, f"{free / 1024**3:.0f} GB free", "" if state == "ok" else f"free some room in {folder}"
    )


def _gpu() -> Finding:
    import onnxruntime  # noqa: PLC0415

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        return Finding("gpu", "ok", "CUDA is used for separation")
    return Finding("gpu", "off", "none used; not needed", "for NVIDIA: pip install onnxruntime-gpu")


def _torch() -> Finding:
    from importlib.util import find_spec  # noqa: PLC0415

    if find_spec("torch"):
        return Finding("torch", "ok", "installed")
    return Finding("torch", "off", "not installed; not needed", "for neural backends: pip install 'serenade[neural]'")


def _weights() -> Finding:
    from render_service import weights  # noqa: PLC0415

    survey = weights.survey()
    absent = [name for name, present in survey if not present]
    if absent:
        return Finding("weights", "missing", "no " + ", ".join(absent), "serenade weights fetch")
    return Finding("weights", "ok", f"all {len(survey)} in {weights.folder()}")
