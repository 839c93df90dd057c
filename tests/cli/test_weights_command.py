"""`serenade weights` says what there is, brings what is missing, and notices damage."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from render_service import weights
from render_service.weights.catalogue import CATALOGUE

RUN = CliRunner()


@pytest.fixture
def empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("SERENADE_WEIGHTS_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def test_list_shows_every_weight_with_its_licence(empty_cache: Path) -> None:
    shown = RUN.invoke(app, ["weights", "list"])
    assert shown.exit_code == 0
    for weight in CATALOGUE.values():
        line = next(line for line in shown.output.splitlines() if weight.name in line)
        assert weight.licence in line
        assert " no " in line
    assert str(empty_cache) in shown.output


def test_verify_fails_until_everything_is_there(empty_cache: Path) -> None:
    missing = RUN.invoke(app, ["weights", "verify"])
    assert missing.exit_code == 1
    assert "serenade weights fetch" in missing.output


def test_verify_passes_on_what_setup_fetched() -> None:
    verified = RUN.invoke(app, ["weights", "verify"])
    assert verified.exit_code == 0, verified.output
    assert verified.output.count("ok") == len(CATALOGUE)


def test_fetch_says_what_it_brought(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([["tiny.bin"], []])
    asked: list[object] = []

    def fetch(names: object, progress: weights.Progress) -> list[str]:
        asked.append(names)
        progress("tiny.bin", 5, 10)
        return next(answers)

    monkeypatch.setattr(weights, "fetch", fetch)
    assert "fetched tiny.bin" in RUN.invoke(app, ["weights", "fetch", "tiny.bin"]).output
    assert "Everything is here already" in RUN.invoke(app, ["weights", "fetch"]).output
    assert asked == [["tiny.bin"], None]


def test_a_fetch_that_fails_says_why_without_a_traceback(empty_cache: Path) -> None:
    (empty_cache / "file").touch()
    command = [sys.executable, "-m", "cli", "weights", "fetch"]
    environment = os.environ | {"SERENADE_WEIGHTS_DIR": str(empty_cache / "file" / "below")}
    told = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert told.returncode == 1
    assert str(empty_cache / "file" / "below") in told.stderr
    assert len(told.stderr.splitlines()) == 2


def test_fetching_what_is_here_needs_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*_: object, **__: object) -> None:
        raise AssertionError("the network was touched")

    monkeypatch.setattr("socket.getaddrinfo", no_network)
    monkeypatch.setattr("subprocess.run", no_network)
    done = RUN.invoke(app, ["weights", "fetch"])
    assert done.exit_code == 0, done.output
    assert "Everything is here already" in done.output
