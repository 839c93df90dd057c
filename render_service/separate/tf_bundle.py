"""Reads float tensors from a TensorFlow checkpoint ("tensor bundle") with bounds checks, and nothing else of it.

The index file is a LevelDB-style sorted table of BundleEntryProto messages (tensorflow/core/lib/io/table_format.txt,
tensorflow/core/protobuf/tensor_bundle.proto); the data file is the tensors, one after another.
"""

from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shared.errors import ErrorCode, Fault

Tensors = dict[str, NDArray[np.float32]]

INDEX_BYTES_MAX = 1024**2
"""Spleeter's index has 5 kB; a larger one is not what we came for."""
MAGIC = bytes.fromhex("57fb808b247547db")
FOOTER_BYTES = 48
TRAILER_BYTES = 5
"""After each block: one byte for the compression, four for a checksum."""
UNCOMPRESSED = 0
VARINT_BYTES_MAX = 10
DT_FLOAT = 1
RANK_MAX = 8

# fields of BundleEntryProto, TensorShapeProto and TensorShapeProto.Dim
ENTRY_DTYPE, ENTRY_SHAPE, ENTRY_SHARD, ENTRY_OFFSET, ENTRY_SIZE = 1, 2, 3, 4, 5
SHAPE_DIM, DIM_SIZE = 2, 1


class _Damaged(ValueError):
    """The bytes are not a bundle."""


class _Entry(NamedTuple):
    """Where one tensor lies."""

    dtype: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int


def read_bundle(index: Path, data: Path) -> Tensors:
    """All float32 tensors of a bundle with one data file, as views of that file, mapped and read-only.

    Raises Fault (WEIGHTS_MISSING) for anything that is not such a bundle.
    """
    try:
        if index.stat().st_size > INDEX_BYTES_MAX:
            raise _Damaged("the index is too large")
        table = _Cursor(index.read_bytes())
        mapped = np.memmap(data, np.uint8, "r")
        return {name: _tensor(mapped, entry) for name, entry in _entries(table) if entry.dtype == DT_FLOAT}
    except (ValueError, OSError) as damaged:
        raise Fault(ErrorCode.WEIGHTS_MISSING, f"{index.name} is not a TensorFlow bundle: {damaged}") from damaged


class _Cursor:
    """Bytes, and how far they were read. Reading past the end raises _Damaged."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._content)

    def part(self, offset: int, size: int) -> "_Cursor":
        """A cursor over size bytes from `offset`, wherever this one is."""
        if offset + size > len(self._content):
            raise _Damaged("a block ends outside the file")
        return _Cursor(self._content[offset : offset + size])

    def last(self, size: int) -> "_Cursor":
        return self.part(max(len(self._content) - size, 0), size)

    def without_last(self, size: int) -> "_Cursor":
        if size > len(self._content):
            raise _Damaged("a block is too short")
        return _Cursor(self._content[: len(self._content) - size])

    def take(self, size: int) -> bytes:
        if self._at + size > len(self._content):
            raise _Damaged("a field ends outside its block")
        taken = self._content[self._at : self._at + size]
        self._at += size
        return taken

    def varint(self) -> int:
        """Base-128, least significant group first."""
        value = 0
        for group in range(VARINT_BYTES_MAX):
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << 7 * group
            if byte < 0x80:
                return value
        raise _Damaged("a number is too long")

    def fixed32(self) -> int:
        return int.from_bytes(self.take(4), "little")


def _entries(table: _Cursor) -> Iterator[tuple[str, _Entry]]:
    footer = table.last(FOOTER_BYTES)
    if table.last(len(MAGIC)).take(len(MAGIC)) != MAGIC:
        raise _Damaged("the magic number is missing")
    for _ in range(2):  # the handle of the meta-index, which bundles leave empty
        footer.varint()
    for _, handle in _block(table, footer.varint(), footer.varint()):
        where = _Cursor(handle)
        for key, value in _block(table, where.varint(), where.varint()):
            if key:  # the empty key is the bundle's header
                yield key.decode(), _entry(value)


def _block(table: _Cursor, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Keys, each sharing a prefix with the one before, and values; then an array of restart points."""
    if table.part(offset + size, TRAILER_BYTES).take(1)[0] != UNCOMPRESSED:
        raise _Damaged("a block is compressed")
    block = table.part(offset, size)
    restarts = block.last(4).fixed32()
    rows = block.without_last(4 + 4 * restarts)
    key = b""
    while rows:
        shared, added, length = rows.varint(), rows.varint(), rows.varint()
        if shared > len(key):
            raise _Damaged("a key shares more than there is")
        key = key[:shared] + rows.take(added)
        yield key, rows.take(length)


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and raw value of each field of a protobuf message."""
    cursor = _Cursor(message)
    while cursor:
        tag = cursor.varint()
        match tag & 7:
            case 0:
                yield tag >> 3, cursor.varint()
            case 1:
                yield tag >> 3, cursor.take(8)
            case 2:
                yield tag >> 3, cursor.take(cursor.varint())
            case 5:
                yield tag >> 3, cursor.take(4)
            case wire_type:
                raise _Damaged(f"wire type {wire_type}")


def _number(value: int | bytes) -> int:
    if isinstance(value, bytes):
        raise _Damaged("bytes where a number belongs")
    return value


def _message(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise _Damaged("a number where a message belongs")
    return value


def _entry(message: bytes) -> _Entry:
    numbers = {ENTRY_DTYPE: 0, ENTRY_SHARD: 0, ENTRY_OFFSET: 0, ENTRY_SIZE: 0}
    shape: tuple[int, ...] = ()
    for field, value in _fields(message):
        if field in numbers:
            numbers[field] = _number(value)
        elif field == ENTRY_SHAPE:
            shape = _shape(_message(value))
    return _Entry(numbers[ENTRY_DTYPE], shape, numbers[ENTRY_SHARD], numbers[ENTRY_OFFSET], numbers[ENTRY_SIZE])


def _shape(message: bytes) -> tuple[int, ...]:
    dims = [_message(value) for field, value in _fields(message) if field == SHAPE_DIM]
    if len(dims) > RANK_MAX:
        raise _Damaged("a tensor has too many axes")
    return tuple(next((_number(v) for field, v in _fields(dim) if field == DIM_SIZE), 0) for dim in dims)


def _tensor(data: NDArray[np.uint8], entry: _Entry) -> NDArray[np.float32]:
    if entry.shard != 0:
        raise _Damaged("a tensor lies in another data file")
    if entry.size != 4 * prod(entry.shape) or entry.offset + entry.size > len(data):
        raise _Damaged("a tensor ends outside the data file")
    return data[entry.offset : entry.offset + entry.size].view("<f4").reshape(entry.shape)
