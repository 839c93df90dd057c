"""How a file is sealed at rest: AES-256-GCM in chunks, so that memory stays flat and any change is noticed.

    header   magic "SRNA", version 1, id of the master key (8), nonce (12), wrapped data key (48)
    chunks   131,072 bytes of content + a 16-byte tag; the last one is shorter, perhaps empty

Each file has a data key of its own, wrapped by a key derived from the master key (HKDF, RFC 5869), so a master key can
be replaced later by wrapping again 73 bytes. A chunk's nonce is its index and a mark on the last one: the STREAM
construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015), under which chunks can't be cut off, swapped or repeated
unnoticed. The file's name is authenticated with every chunk, so a file can't pass for another.
"""

import os
import struct
from collections.abc import Iterable, Iterator
from itertools import chain

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared.errors import ErrorCode, Fault

KEY_BYTES = 32
CHUNK_BYTES = 128 * 1024
TAG_BYTES = 16
NONCE_BYTES = 12

MAGIC, VERSION = b"SRNA", 1
_LABEL = struct.Struct(">4sB8s")
"""Magic, version, id of the master key; authenticated when the data key is unwrapped."""
_WRAP = struct.Struct(f">{NONCE_BYTES}s{KEY_BYTES + TAG_BYTES}s")
"""Nonce, wrapped data key."""
HEADER_BYTES = _LABEL.size + _WRAP.size


class Sealer:
    """Seals and opens content under one master key. Safe to share between threads.

    master_key: 32 bytes.
    """

    def __init__(self, master_key: bytes) -> None:
        if len(master_key) != KEY_BYTES:
            raise Fault(ErrorCode.INTERNAL, f"the master key has {len(master_key)} bytes instead of {KEY_BYTES}")
        self._wrapping = AESGCM(_derive(master_key, b"serenade wrap v1", KEY_BYTES))
        self._label = _LABEL.pack(MAGIC, VERSION, _derive(master_key, b"serenade key id v1", 8))

    def seal(self, name: str, content: Iterable[bytes]) -> Iterator[bytes]:
        """Yields the sealed form of `content`, given in blocks of any size; it can only be opened under `name`."""
        data_key, nonce = os.urandom(KEY_BYTES), os.urandom(NONCE_BYTES)
        yield self._label + _WRAP.pack(nonce, self._wrapping.encrypt(nonce, data_key, self._label + name.encode()))
        cipher = AESGCM(data_key)
        for index, (chunk, last) in enumerate(_chunks(content, CHUNK_BYTES)):
            yield cipher.encrypt(_nonce(index, last), chunk, name.encode())

    def open(self, name: str, sealed: Iterable[bytes]) -> Iterator[bytes]:
        """Yields the content, each chunk only once it is proven; what was yielded is whole only if no error follows.

        Raises Fault (ASSET_UNREADABLE).
        """
        header, rest = _split(sealed, HEADER_BYTES)
        cipher = AESGCM(self._unwrap(name, header))
        for index, (chunk, last) in enumerate(_chunks(rest, CHUNK_BYTES + TAG_BYTES)):
            yield _decrypt(cipher, _nonce(index, last), chunk, name.encode(), f"chunk {index} of {name}")

    def _unwrap(self, name: str, header: bytes) -> bytes:
        label, wrap = header[: _LABEL.size], header[_LABEL.size :]
        if len(header) < HEADER_BYTES or not label.startswith(MAGIC):
            raise Fault(ErrorCode.ASSET_UNREADABLE, f"{name} is not a sealed file")
        if label != self._label:
            raise Fault(ErrorCode.ASSET_UNREADABLE, f"{name} was sealed with another master key or version")
        nonce, wrapped = _WRAP.unpack(wrap)
        return _decrypt(self._wrapping, nonce, wrapped, label + name.encode(), f"the data key of {name}")


def _derive(master_key: bytes, purpose: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=purpose).derive(master_key)


def _nonce(index: int, last: bool) -> bytes:
    return index.to_bytes(NONCE_BYTES - 1) + bytes([last])


def _decrypt(cipher: AESGCM, nonce: bytes, data: bytes, bound_to: bytes, what: str) -> bytes:
    try:
        return cipher.decrypt(nonce, data, bound_to)
    except (InvalidTag, ValueError) as error:  # ValueError: shorter than a tag
        raise Fault(ErrorCode.ASSET_UNREADABLE, f"{what} was changed or damaged") from error


def _chunks(blocks: Iterable[bytes], size: int) -> Iterator[tuple[bytes, bool]]:
    """Blocks of any size -> chunks of `size` bytes and whether it is the last; always at least one."""
    waiting = bytearray()
    for block in blocks:
        waiting += block
        while len(waiting) > size:  # equal is not enough: only what follows tells that it isn't the last
            yield bytes(waiting[:size]), False
            del waiting[:size]
    yield bytes(waiting), True


def _split(blocks: Iterable[bytes], size: int) -> tuple[bytes, Iterator[bytes]]:
    """The first `size` bytes (fewer where there are no more), and the rest."""
    remaining, head = iter(blocks), b""
    while len(head) < size and (block := next(remaining, None)) is not None:
        head += block
    return head[:size], chain([head[size:]], remaining)
