"""Takes a song and a portrait from a front end: checks them, stores them and asks for the render.

Nothing is decoded here. What a stranger sent is told by its first bytes only; decoders run in a worker.
"""

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from shared.errors import BadPortrait, BadSong, ErrorCode, Refused, SerenadeError
from shared.filetypes import WITH_SOUND, FileKind, FileType, identify, picture_type, song_type
from shared.models import AssetRef, JobRequest, ProgressEvent, RenderOptions, ReplyTarget, Requester
from shared.settings import MIB, IntakeLimits

log = logging.getLogger(__name__)


class Queue(Protocol):
    """What intake needs of the job queue."""

    async def status(self, job_id: str) -> ProgressEvent | None:
        """How a job stands; None where there is no such job. Raises Fault (QUEUE_UNREACHABLE)."""
        ...

    async def submit(self, request: JobRequest) -> ProgressEvent:
        """Takes the job, once, and says how it stands. Raises Refused, Fault (QUEUE_UNREACHABLE)."""
        ...


class Assets(Protocol):
    """What intake needs of the asset store."""

    def put_file(self, path: Path, media_type: str, ttl_s: float) -> AssetRef: ...

    def delete(self, asset: AssetRef | str) -> None: ...


@dataclass(frozen=True)
class Pair:
    """Two files, told apart."""

    song: Path
    portrait: Path


def pair_files(one: Path, other: Path) -> Pair:
    """Tells which is the song and which the picture, in whatever order they came.

    Raises BadInput: what is wrong with the file that doesn't fit, as `song_type`, `picture_type` and `identify` say.
    """
    first, second = identify(one).kind, identify(other).kind
    swapped = first is FileKind.PICTURE or (second in WITH_SOUND and first not in WITH_SOUND)
    song, portrait = (other, one) if swapped else (one, other)
    song_type(song)
    picture_type(portrait)
    return Pair(song, portrait)


class Intake:
    """The way in, the same for every front end.

    keep_s: seconds after which the stored files may be swept.
    """

    def __init__(self, store: Assets, queue: Queue, limits: IntakeLimits, *, keep_s: float) -> None:
        self._store = store
        self._queue = queue
        self._limits = limits
        self._keep_s = keep_s

    async def accept(
        self,
        song: Path,
        portrait: Path,
        options: RenderOptions,
        *,
        requester: Requester,
        reply_to: ReplyTarget,
        job_id: str,
        background_picture: Path | None = None,
    ) -> ProgressEvent:
        """Checks, stores and submits; answers with how the job stands. A job known already is not stored again.

        background_picture: goes with `options.background` "picture".
        Raises BadInput (FILE_*, SONG_*, PICTURE_*), Refused (TOO_MANY_WAITING, QUEUE_DRAINING), Fault.
        """
        song_found, portrait_found = await asyncio.to_thread(self._check, song, portrait)
        behind_found = await asyncio.to_thread(self._check_picture, background_picture) if background_picture else None
        known = await self._queue.status(job_id)
        if known is not None:
            return known
        async with _Kept(self._store) as kept:
            request = JobRequest(
                job_id=job_id,
                song=await kept.put(song, song_found.media_type, self._keep_s),
                portrait=await kept.put(portrait, portrait_found.media_type, self._keep_s),
                options=options,
                requester=requester,
                reply_to=reply_to,
                background_picture=(
                    await kept.put(background_picture, behind_found.media_type, self._keep_s)
                    if background_picture and behind_found
                    else None
                ),
            )
            kept.offered = True
            return await self._queue.submit(request)

    def _check(self, song: Path, portrait: Path) -> tuple[FileType, FileType]:
        """Types by content, then sizes, so that a picture in the song's place is never called too large a song."""
        found = song_type(song), picture_type(portrait)
        if song.stat().st_size > self._limits.song_max_bytes:
            raise BadSong(ErrorCode.SONG_TOO_LARGE, limit_mb=self._limits.song_max_bytes // MIB)
        self._check_size(portrait)
        return found

    def _check_picture(self, picture: Path) -> FileType:
        found = picture_type(picture)
        self._check_size(picture)
        return found

    def _check_size(self, picture: Path) -> None:
        if picture.stat().st_size > self._limits.picture_max_bytes:
            raise BadPortrait(ErrorCode.PICTURE_TOO_LARGE, limit_mb=self._limits.picture_max_bytes // MIB)


class _Kept:
    """The files stored for one request: removed again, unless the queue has the request or may have it."""

    def __init__(self, store: Assets) -> None:
        self._store = store
        self._storing: list[asyncio.Future[AssetRef]] = []
        self.offered = False

    async def put(self, path: Path, media_type: str, ttl_s: float) -> AssetRef:
        """A thread can't be stopped: when this is cancelled the file is stored all the same, and removed on leaving."""
        storing = asyncio.ensure_future(asyncio.to_thread(self._store.put_file, path, media_type, ttl_s))
        self._storing.append(storing)
        return await asyncio.shield(storing)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if error is None:
            return
        if self.offered and not isinstance(error, Refused):
            log.warning("the queue may have taken the request; its files stay until they expire")
            return
        for stored in await asyncio.gather(*self._storing, return_exceptions=True):
            if isinstance(stored, AssetRef):
                await self._remove(stored)

    async def _remove(self, stored: AssetRef) -> None:
        try:
            await asyncio.to_thread(self._store.delete, stored)
        except SerenadeError:
            log.exception("%s could not be removed; it stays until it expires", stored.key)
