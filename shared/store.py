"""The asset store: songs, portraits and videos, encrypted at rest under opaque keys, each with a time to go.

A key is `<expiry>-<random>`: the sweeper reads the expiry without opening anything, and since the key is authenticated
with the content nobody can prolong a file by renaming it.
"""

import logging
import os
import re
import secrets
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from shared.errors import BadInput, ErrorCode, Fault
from shared.master_key import load_master_key, parse_master_key
from shared.models import AssetRef
from shared.sealing import Sealer
from shared.settings import StoreSettings

log = logging.getLogger(__name__)

ASSET_FOLDER = "assets"
BLOCK_BYTES = 1024 * 1024
"""Read at once from a file or the store; bounds memory."""
PART_BYTES = 5 * 1024 * 1024
"""Written at once: the smallest part S3 takes in a multipart upload."""
PARTS_IN_FLIGHT = 2

_KEY = re.compile(r"([0-9a-f]{10})-[0-9a-f]{32}")
_STAGED = re.compile(rf"({_KEY.pattern})#\d+")
"""How LocalStore names a file that is still being written; a killed process leaves it behind."""


class AssetStore:
    """Stores files and gives them back whole or not at all. Blocking: async callers use threads.

    objects: where sealed files go.
    sealer:  holds the master key.
    clock:   seconds since the epoch.
    folder:  the folder behind `objects`, where it is one: what killed writers left there is swept too.
    """

    def __init__(
        self,
        objects: ObjectStore,
        sealer: Sealer,
        *,
        clock: Callable[[], float] = time.time,
        folder: Path | None = None,
    ) -> None:
        self._objects = objects
        self._sealer = sealer
        self._clock = clock
        self._folder = folder

    def put_file(self, path: Path, media_type: str, ttl_s: float) -> AssetRef:
        """Stores a copy that may be swept after `ttl_s` seconds. Raises BadInput (FILE_MISSING), Fault."""
        try:
            file = path.open("rb")
        except OSError as error:
            raise BadInput(ErrorCode.FILE_MISSING, str(error), name=path.name) from error
        with file:
            return self._put(iter(lambda: file.read(BLOCK_BYTES), b""), media_type, ttl_s)

    def put_bytes(self, content: bytes, media_type: str, ttl_s: float) -> AssetRef:
        """Stores `content`, which may be swept after `ttl_s` seconds. Raises Fault."""
        return self._put([content], media_type, ttl_s)

    def fetch(self, asset: AssetRef | str, to: Path) -> None:
        """Writes the content to `to`, readable by the owner alone; on failure nothing is left and `to` is as it was.

        Raises Fault (ASSET_MISSING, ASSET_UNREADABLE), OSError where `to` can't be written.
        """
        descriptor, aside = tempfile.mkstemp(prefix=".fetch-", dir=to.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                for chunk in self._content(_key(asset)):
                    file.write(chunk)
            Path(aside).replace(to)
        except BaseException:
            Path(aside).unlink(missing_ok=True)
            raise

    def get_bytes(self, asset: AssetRef | str) -> bytes:
        """The whole content. Raises Fault (ASSET_MISSING, ASSET_UNREADABLE)."""
        return b"".join(self._content(_key(asset)))

    def delete(self, asset: AssetRef | str) -> None:
        """Removes it; what is gone already is fine. Raises Fault."""
        self.delete_many([asset])

    def delete_many(self, assets: Iterable[AssetRef | str]) -> None:
        """Removes them all; those gone already are fine. Raises Fault."""
        keys = [asset.key if isinstance(asset, AssetRef) else asset for asset in assets]
        try:
            for key in filter(_KEY.fullmatch, keys):
                with suppress(FileNotFoundError):
                    obstore.delete(self._objects, key)
        except (BaseError, OSError) as error:
            raise Fault(ErrorCode.INTERNAL, f"the asset store can't delete: {_reason(error)}") from error

    def sweep(self, now: float) -> int:
        """Deletes what has expired at `now` (seconds since the epoch); returns how many. Raises Fault."""
        try:
            stored = [item["path"] for batch in obstore.list(self._objects) for item in batch]
        except (BaseError, OSError) as error:
            raise Fault(ErrorCode.INTERNAL, f"the asset store can't be listed: {_reason(error)}") from error
        expired = [key for key in stored if _expired(key, now)]
        self.delete_many(expired)
        self._sweep_staged(now)
        return len(expired)

    def _put(self, content: Iterable[bytes], media_type: str, ttl_s: float) -> AssetRef:
        key = f"{int(self._clock() + ttl_s):010x}-{secrets.token_hex(16)}"
        counted = _Counted(content)
        try:
            obstore.put(
                self._objects,
                key,
                self._sealer.seal(key, counted),
                chunk_size=PART_BYTES,
                max_concurrency=PARTS_IN_FLIGHT,
            )
        except (BaseError, OSError) as error:
            raise Fault(ErrorCode.INTERNAL, f"the asset store can't write: {_reason(error)}") from error
        return AssetRef(key=key, size_bytes=counted.size_bytes, media_type=media_type)

    def _content(self, key: str) -> Iterator[bytes]:
        return self._sealer.open(key, self._sealed(key))

    def _sealed(self, key: str) -> Iterator[bytes]:
        try:
            for block in obstore.get(self._objects, key).stream(min_chunk_size=BLOCK_BYTES):
                yield bytes(block)
        except FileNotFoundError as error:
            raise Fault(ErrorCode.ASSET_MISSING, f"{key} is not in the store") from error
        except (BaseError, OSError) as error:
            raise Fault(ErrorCode.ASSET_UNREADABLE, f"{key} can't be read: {_reason(error)}") from error

    def _sweep_staged(self, now: float) -> None:
        for path in self._folder.iterdir() if self._folder else ():
            staged = _STAGED.fullmatch(path.name)
            if staged and _expired(staged[1], now):
                path.unlink(missing_ok=True)


def open_store(
    data_dir: Path,
    *,
    master_key: str | None = None,
    url: str | None = None,
    clock: Callable[[], float] = time.time,
) -> AssetStore:
    """The store of this installation.

    master_key: base64 of 32 bytes; without it one is kept in `<data_dir>/master.key`.
    url:        such as `s3://bucket/folder` (credentials from the usual AWS_* variables); without it files go to
                `<data_dir>/assets`.
    Raises Fault where the key or the place is no good.
    """
    try:
        sealer = Sealer(parse_master_key(master_key) if master_key else load_master_key(data_dir))
        if url:
            return AssetStore(from_url(url), sealer, clock=clock)
        folder = data_dir / ASSET_FOLDER
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return AssetStore(LocalStore(folder), sealer, clock=clock, folder=folder)
    except (BaseError, OSError, ValueError) as error:
        raise Fault(ErrorCode.INTERNAL, f"the asset store can't be opened: {_reason(error)}") from error


def store_from(settings: StoreSettings) -> AssetStore:
    """The store that settings describe; raises as `open_store`."""
    key = settings.master_key.get_secret_value() if settings.master_key else None
    return open_store(settings.data_dir, master_key=key, url=settings.url)


class _Counted:
    """Passes blocks on and counts their bytes."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = blocks
        self.size_bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        for block in self._blocks:
            self.size_bytes += len(block)
            yield block


def _key(asset: AssetRef | str) -> str:
    """Only keys of ours reach the store, so no key can name a path elsewhere."""
    key = asset.key if isinstance(asset, AssetRef) else asset
    if not _KEY.fullmatch(key):
        raise Fault(ErrorCode.ASSET_MISSING, f"{key!r} is not a key of the store")
    return key


def _reason(error: Exception) -> str:
    """The first line of what obstore says; the rest is a dump that may hold credentials."""
    return str(error).partition("\n")[0]


def _expired(key: str, now: float) -> bool:
    match = _KEY.fullmatch(key)
    return match is not None and int(match[1], 16) <= now
