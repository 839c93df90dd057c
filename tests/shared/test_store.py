"""The asset store gives back exactly what it took, or an error and nothing at all."""

import base64
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.errors import BadInput, ErrorCode, Fault
from shared.models import AssetRef
from shared.sealing import CHUNK_BYTES, HEADER_BYTES, TAG_BYTES, Sealer
from shared.store import AssetStore, open_store

DAY_S = 24 * 3600.0
NOW_S = 1_800_000_000.0
SEALED_BYTES = CHUNK_BYTES + TAG_BYTES
CONTENT = os.urandom(2 * CHUNK_BYTES + 1000)
"""Two whole chunks and a part."""
MEMORY_MARGIN_MB = 24
"""Two parts in flight, a block, and what the allocator keeps; 120 MB of content would show."""


@pytest.fixture
def store(tmp_path: Path) -> AssetStore:
    return open_store(tmp_path, clock=lambda: NOW_S)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder / "song.mp3"


def sealed_path(data_dir: Path, asset: AssetRef) -> Path:
    return data_dir / "assets" / asset.key


@pytest.mark.parametrize("url", [None, "memory:///"])
@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES])
def test_content_comes_back_whole(tmp_path: Path, out: Path, url: str | None, size: int) -> None:
    store, content = open_store(tmp_path, url=url), os.urandom(size)
    song = tmp_path / "song"
    song.write_bytes(content)

    asset = store.put_file(song, "audio/mpeg", DAY_S)
    store.fetch(asset, out)

    assert (asset.size_bytes, asset.media_type) == (size, "audio/mpeg")
    assert out.read_bytes() == content == store.get_bytes(asset.key)


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=4096))
def test_any_bytes_come_back(store: AssetStore, content: bytes) -> None:
    assert store.get_bytes(store.put_bytes(content, "x/y", DAY_S)) == content


@settings(deadline=None, max_examples=50)
@given(sizes=st.lists(st.integers(0, CHUNK_BYTES + 20), max_size=6), cut=st.integers(1, 2 * CHUNK_BYTES))
def test_blocks_of_any_size_are_sealed_and_opened(sizes: list[int], cut: int) -> None:
    sealer, blocks = Sealer(bytes(32)), [os.urandom(size) for size in sizes]
    sealed = b"".join(sealer.seal("name", blocks))
    in_pieces = (sealed[at : at + cut] for at in range(0, len(sealed), cut))
    assert b"".join(sealer.open("name", in_pieces)) == b"".join(blocks)


WRITTEN_IN_2026 = """U1JOQQEKhqFqswYgv3LASjfBY5HixRTL7Y9siJ98d1iSg6SnRQqXDRhLwnjN/0XBMcPTkTyJCKxlBdr2CwwP
C7MUp6bWahlIpL28z5yiRHeDg1nCIK0Xubv5olZqMzLmHA=="""


def test_files_of_the_first_version_can_still_be_opened() -> None:
    sealed = base64.b64decode(WRITTEN_IN_2026)
    assert b"".join(Sealer(bytes(range(32))).open("name", [sealed])) == b"la la la"


def test_a_full_chunk_can_be_the_last_one() -> None:
    sealed = b"".join(Sealer(bytes(32)).seal("name", [bytes(CHUNK_BYTES)]))
    assert len(sealed) == HEADER_BYTES + SEALED_BYTES


def test_nothing_can_be_read_from_the_folder(tmp_path: Path, store: AssetStore) -> None:
    first, second = (store.put_bytes(b"a very secret song" * 100, "x/y", DAY_S) for _ in range(2))
    sealed = [sealed_path(tmp_path, asset).read_bytes() for asset in (first, second)]
    assert all(b"secret" not in content for content in sealed)
    assert sealed[0][HEADER_BYTES:] != sealed[1][HEADER_BYTES:]
    assert (tmp_path / "assets").stat().st_mode & 0o077 == 0


def flip(at: int) -> Callable[[bytes], bytes]:
    return lambda sealed: sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]


def cut(at: int) -> Callable[[bytes], bytes]:
    return lambda sealed: sealed[:at]


def chunk(sealed: bytes, index: int) -> bytes:
    start = HEADER_BYTES + index * SEALED_BYTES
    return sealed[start : start + SEALED_BYTES]


FIRST, SECOND, LAST = (HEADER_BYTES + index * SEALED_BYTES for index in range(3))
DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "magic": flip(0),
    "version": flip(4),
    "key id": flip(5),
    "wrap nonce": flip(13),
    "wrapped key": flip(25),
    "wrapped key's tag": flip(HEADER_BYTES - 1),
    "first chunk, first byte": flip(FIRST),
    "first chunk, tag": flip(SECOND - 1),
    "second chunk, middle": flip(SECOND + CHUNK_BYTES // 2),
    "last chunk, first byte": flip(LAST),
    "last tag, last byte": flip(-1 + LAST + 1000 + TAG_BYTES),
    "cut to nothing": cut(0),
    "cut in the header": cut(HEADER_BYTES - 1),
    "cut after the header": cut(FIRST),
    "cut within the first tag": cut(FIRST + 5),
    "cut after the first chunk": cut(SECOND),
    "cut in the second chunk": cut(SECOND + 1000),
    "cut after the second chunk": cut(LAST),
    "cut before the last byte": cut(LAST + 1000 + TAG_BYTES - 1),
    "a byte more": lambda sealed: sealed + b"\0",
    "last chunk twice": lambda sealed: sealed + sealed[LAST:],
    "chunks swapped": lambda sealed: sealed[:FIRST] + chunk(sealed, 1) + chunk(sealed, 0) + sealed[LAST:],
    "chunk repeated": lambda sealed: sealed[:SECOND] + chunk(sealed, 0) + sealed[LAST:],
    "chunk dropped": lambda sealed: sealed[:SECOND] + sealed[LAST:],
    "something else": lambda sealed: CONTENT,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_any_change_is_noticed_and_nothing_is_written(
    tmp_path: Path, store: AssetStore, out: Path, damage: Callable[[bytes], bytes]
) -> None:
    asset = store.put_bytes(CONTENT, "audio/mpeg", DAY_S)
    path = sealed_path(tmp_path, asset)
    damaged = damage(path.read_bytes())
    assert damaged != path.read_bytes()
    path.write_bytes(damaged)

    with pytest.raises(Fault) as caught:
        store.fetch(asset, out)

    assert caught.value.code is ErrorCode.ASSET_UNREADABLE
    assert list(out.parent.iterdir()) == []


def test_a_failed_fetch_leaves_the_target_as_it_was(store: AssetStore, out: Path) -> None:
    out.write_bytes(b"before")
    with pytest.raises(Fault):
        store.fetch(f"{0:010x}-{0:032x}", out)
    assert out.read_bytes() == b"before"
    assert list(out.parent.iterdir()) == [out]


def test_a_file_cannot_pass_for_another_or_live_longer_by_its_name(tmp_path: Path, store: AssetStore) -> None:
    asset, other = (store.put_bytes(content, "x/y", DAY_S) for content in (b"mine", b"yours"))
    sealed_path(tmp_path, other).write_bytes(sealed_path(tmp_path, asset).read_bytes())
    prolonged = f"{0xFFFFFFFFFF:010x}{asset.key[10:]}"
    sealed_path(tmp_path, asset).rename(tmp_path / "assets" / prolonged)
    for key in (other.key, prolonged):
        with pytest.raises(Fault) as caught:
            store.get_bytes(key)
        assert caught.value.code is ErrorCode.ASSET_UNREADABLE


def test_chunks_of_another_file_do_not_fit(tmp_path: Path, store: AssetStore) -> None:
    asset, other = (store.put_bytes(CONTENT, "x/y", DAY_S) for _ in range(2))
    path = sealed_path(tmp_path, asset)
    path.write_bytes(path.read_bytes()[:LAST] + sealed_path(tmp_path, other).read_bytes()[LAST:])
    with pytest.raises(Fault) as caught:
        store.get_bytes(asset)
    assert caught.value.code is ErrorCode.ASSET_UNREADABLE


def test_another_master_key_opens_nothing(tmp_path: Path, store: AssetStore) -> None:
    asset = store.put_bytes(b"song", "x/y", DAY_S)
    elsewhere = open_store(tmp_path, master_key=base64.b64encode(os.urandom(32)).decode())
    with pytest.raises(Fault, match="another master key") as caught:
        elsewhere.get_bytes(asset)
    assert caught.value.code is ErrorCode.ASSET_UNREADABLE


@pytest.mark.parametrize(
    "key", ["", "..", "../master.key", "/etc/passwd", "a/b", "0123456789-" + "0" * 31 + "/", "x" * 43, "\0"]
)
def test_only_keys_reach_the_store(store: AssetStore, tmp_path: Path, out: Path, key: str) -> None:
    with pytest.raises(Fault) as caught:
        store.fetch(key, out)
    assert caught.value.code is ErrorCode.ASSET_MISSING
    store.delete(key)
    assert (tmp_path / "master.key").exists()


def test_what_was_deleted_is_missing_and_deleting_twice_is_fine(store: AssetStore) -> None:
    one, two, kept = (store.put_bytes(b"song", "x/y", DAY_S) for _ in range(3))
    store.delete(one)
    store.delete_many([one, two.key])
    for asset in (one, two):
        with pytest.raises(Fault) as caught:
            store.get_bytes(asset)
        assert caught.value.code is ErrorCode.ASSET_MISSING
    assert store.get_bytes(kept) == b"song"


def test_the_sweep_takes_what_has_expired_and_nothing_else(tmp_path: Path) -> None:
    clock = iter([NOW_S, NOW_S + 100])
    store = open_store(tmp_path, clock=lambda: next(clock))
    early, late = store.put_bytes(b"early", "x/y", 50), store.put_bytes(b"late", "x/y", 50)
    stranger = tmp_path / "assets" / "README"
    stranger.write_text("not ours")

    assert store.sweep(NOW_S + 49) == 0
    assert store.sweep(NOW_S + 51) == 1
    assert store.get_bytes(late) == b"late"
    with pytest.raises(Fault):
        store.get_bytes(early)
    assert store.sweep(NOW_S + 1000) == 1
    assert list((tmp_path / "assets").iterdir()) == [stranger]


def test_a_writer_killed_midway_leaves_nothing_visible_and_the_sweep_cleans_up(tmp_path: Path) -> None:
    pipe, assets = tmp_path / "pipe", tmp_path / "assets"
    os.mkfifo(pipe)
    code = "import sys; from pathlib import Path; from shared.store import open_store; d = Path(sys.argv[1])"
    code += "; open_store(d).put_file(d / 'pipe', 'x/y', 60)"
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) as writer, pipe.open("wb") as sink:
        sink.write(os.urandom(12 * 1024 * 1024))  # more than the parts it holds in memory
        writer.kill()
        writer.wait(10)
    store = open_store(tmp_path)
    [staged] = assets.iterdir()
    assert staged.name.endswith("#1")
    assert store.sweep(0) == 0
    assert staged.exists()
    assert store.sweep(NOW_S * 2) == 0  # nothing that was ever stored
    assert list(assets.iterdir()) == []


def test_a_source_that_is_gone_is_the_senders_to_mend(store: AssetStore, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        store.put_file(tmp_path / "gone.mp3", "audio/mpeg", DAY_S)
    assert caught.value.code is ErrorCode.FILE_MISSING
    assert caught.value.params == {"name": "gone.mp3"}


def test_a_store_that_cannot_be_written_is_ours_to_mend(store: AssetStore, tmp_path: Path) -> None:
    (tmp_path / "assets").rmdir()
    (tmp_path / "assets").write_text("in the way")
    with pytest.raises(Fault) as caught:
        store.put_bytes(b"song", "x/y", DAY_S)
    assert caught.value.code is ErrorCode.INTERNAL


@pytest.mark.parametrize("url", [None, "s3://", "gopher://assets", "no address"])
def test_a_place_that_is_no_good_is_ours_to_mend(tmp_path: Path, url: str | None) -> None:
    data_dir = tmp_path if url else tmp_path / "file" / "below"
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Fault) as caught:
        open_store(data_dir, url=url)
    assert caught.value.code is ErrorCode.INTERNAL


@pytest.mark.parametrize("key", ["", "short", "!" * 44, base64.b64encode(b"x" * 31).decode()])
def test_a_key_file_that_holds_no_key_is_refused_without_telling_it(tmp_path: Path, key: str) -> None:
    (tmp_path / "master.key").write_text(key)
    with pytest.raises(Fault) as caught:
        open_store(tmp_path)
    assert not key or key not in str(caught.value)


def test_the_master_key_is_its_owners_alone(tmp_path: Path) -> None:
    asset = open_store(tmp_path).put_bytes(b"song", "x/y", DAY_S)
    key_file = tmp_path / "master.key"
    assert key_file.stat().st_mode & 0o777 == 0o600
    key_file.chmod(0o644)
    assert open_store(tmp_path).get_bytes(asset) == b"song"
    assert key_file.stat().st_mode & 0o777 == 0o600


def test_processes_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    code = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from shared.master_key import load_master_key
        print("ready", flush=True)
        for folder in sys.stdin:
            print(load_master_key(Path(folder.strip())).hex(), flush=True)
        """
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    folders = "".join(f"{tmp_path / str(number)}\n" for number in range(100))
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(folders)
        process.stdin.flush()
    keys = [process.communicate(timeout=30)[0].split() for process in processes]
    assert keys[0] == keys[1]
    assert len(set(keys[0])) == 100
    assert sorted(path.name for path in (tmp_path / "0").iterdir()) == ["master.key"]


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    code = textwrap.dedent(
        """
        import resource, sys
        from pathlib import Path
        from shared.store import open_store
        folder = Path(sys.argv[1])
        store = open_store(folder)
        for megabytes in (16, 144):
            with (folder / "song").open("wb") as song:
                song.truncate(megabytes << 20)
            store.fetch(store.put_file(folder / "song", "x/y", 60), folder / "out")
            assert (folder / "out").stat().st_size == megabytes << 20
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
        """
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, capture_output=True, text=True)
    small, large = map(int, done.stdout.split())
    assert large - small < MEMORY_MARGIN_MB
