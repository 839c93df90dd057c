"""Checkpoints are read as TensorFlow writes them, and damaged or hostile ones are refused without harm."""

from pathlib import Path

import numpy as np
import pytest

from render_service.separate.tf_bundle import INDEX_BYTES_MAX, Tensors, read_bundle
from shared.errors import Fault
from tests.render_service.separate.bundles import entry, table, write_bundle

TENSORS: Tensors = {
    "conv/kernel": np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4),
    "conv/bias": np.array([0.5, -1.5], np.float32),
    "conv_1/kernel": np.ones((200, 3), np.float32),
}


@pytest.fixture
def bundle(tmp_path: Path) -> tuple[Path, Path]:
    return write_bundle(tmp_path, TENSORS)


def test_what_was_written_is_read(bundle: tuple[Path, Path]) -> None:
    read = read_bundle(*bundle)
    assert read.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        np.testing.assert_array_equal(read[name], tensor)
        assert not read[name].flags.writeable


def test_tensors_of_other_types_are_left_out(tmp_path: Path, bundle: tuple[Path, Path]) -> None:
    bundle[0].write_bytes(table({"global_step": entry((), 0, 8, dtype=9), "bias": entry((2,), 96, 8)}))
    assert read_bundle(*bundle)["bias"].tolist() == [0.5, -1.5]
    assert len(read_bundle(*bundle)) == 1


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ({"a": entry((2,), 2**40, 8)}, "outside the data file"),
        ({"a": entry((2,), 0, 2**62)}, "outside the data file"),
        ({"a": entry((2**40, 2**40), 0, 8)}, "outside the data file"),
        ({"a": entry((2,), 0, 4)}, "outside the data file"),
        ({"a": entry((1,) * 40, 0, 4)}, "too many axes"),
        ({"a": entry((2,), 0, 8, shard=1)}, "another data file"),
        ({"a": b"\x0a\xff\xff\xff\xff\x7f"}, "outside its block"),
        ({"a": b"\x0f"}, "wire type"),
        ({"a": b"\xff" * 11}, "too long"),
        ({"a": b"\x10\x05"}, "a number where a message belongs"),
        ({"a": b"\x0a\x00"}, "bytes where a number belongs"),
    ],
)
def test_entries_that_lie_are_refused(bundle: tuple[Path, Path], rows: dict[str, bytes], reason: str) -> None:
    bundle[0].write_bytes(table(rows))
    with pytest.raises(Fault, match=reason):
        read_bundle(*bundle)


@pytest.mark.parametrize("content", [b"", b"x", b"\0" * 100, b"\xff" * 100, b"\0" * (INDEX_BYTES_MAX + 1)])
def test_other_files_are_refused(bundle: tuple[Path, Path], content: bytes) -> None:
    bundle[0].write_bytes(content)
    with pytest.raises(Fault, match="not a TensorFlow bundle"):
        read_bundle(*bundle)


def test_an_empty_or_missing_data_file_is_refused(bundle: tuple[Path, Path]) -> None:
    bundle[1].write_bytes(b"")
    with pytest.raises(Fault):
        read_bundle(*bundle)
    bundle[1].unlink()
    with pytest.raises(Fault):
        read_bundle(*bundle)


def test_a_cut_index_is_refused_wherever_it_is_cut(bundle: tuple[Path, Path]) -> None:
    whole = bundle[0].read_bytes()
    for length in range(len(whole)):
        bundle[0].write_bytes(whole[:length])
        with pytest.raises(Fault):
            read_bundle(*bundle)


def test_any_changed_byte_is_refused_or_harmless(bundle: tuple[Path, Path]) -> None:
    whole = bundle[0].read_bytes()
    refused = 0
    for at in range(len(whole)):
        for value in (0x00, 0x7F, 0x80, 0xFF, whole[at] ^ 0x01):
            bundle[0].write_bytes(whole[:at] + bytes([value]) + whole[at + 1 :])
            try:
                tensors = read_bundle(*bundle)
            except Fault:
                refused += 1
            else:
                assert sum(tensor.nbytes for tensor in tensors.values()) <= 4 * bundle[1].stat().st_size
    assert refused > len(whole)
