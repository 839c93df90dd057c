"""One tree for everything that can go wrong; each error has a stable code that front ends turn into a sentence.

    SerenadeError
    ├── BadInput       the person can mend it: another file, another option   (exit status 2)
    │   ├── BadSong
    │   ├── BadPortrait
    │   └── BadOption
    ├── Refused        not now: limits, a drained queue, a ban                (exit status 2)
    ├── Cancelled      someone asked for it to stop                           (exit status 130)
    └── Fault          ours to mend: a missing weight, a dead worker, a bug   (exit status 1)

`code` and `params` cross the queue as JSON; `detail` is for logs only and is never shown to a person.
"""

from enum import StrEnum

Param = str | int | float


class ErrorCode(StrEnum):
    """Stable names of what went wrong. Add freely, never rename: stored jobs and translations hold them."""

    FILE_MISSING = "file_missing"
    FILE_EMPTY = "file_empty"

    SONG_NOT_AUDIO = "song_not_audio"
    SONG_IS_PLAYLIST = "song_is_playlist"
    SONG_DAMAGED = "song_damaged"
    SONG_TOO_LARGE = "song_too_large"
    SONG_TOO_SHORT = "song_too_short"
    SONG_TOO_LONG = "song_too_long"
    SONG_SILENT = "song_silent"
    SONG_WITHOUT_VOICE = "song_without_voice"

    PICTURE_NOT_IMAGE = "picture_not_image"
    PICTURE_DAMAGED = "picture_damaged"
    PICTURE_TOO_LARGE = "picture_too_large"
    PICTURE_TOO_MANY_PIXELS = "picture_too_many_pixels"
    FACE_MISSING = "face_missing"
    FACE_TOO_SMALL = "face_too_small"
    FACE_TURNED_AWAY = "face_turned_away"
    FACE_NUMBER = "face_number"

    OPTION_INVALID = "option_invalid"
    RANGE_OUTSIDE_SONG = "range_outside_song"
    VIDEO_CANNOT_FIT = "video_cannot_fit"
    BACKGROUND_NOT_SEPARABLE = "background_not_separable"

    TOO_MANY_WAITING = "too_many_waiting"
    QUEUE_DRAINING = "queue_draining"

    CANCELLED = "cancelled"

    WEIGHTS_MISSING = "weights_missing"
    MEDIA_TOOL_FAILED = "media_tool_failed"
    ASSET_MISSING = "asset_missing"
    ASSET_UNREADABLE = "asset_unreadable"
    QUEUE_UNREACHABLE = "queue_unreachable"
    WORKER_LOST = "worker_lost"
    INTERNAL = "internal"

    @property
    def ours(self) -> bool:
        """Whether it is ours to mend: nothing the person does differently would help."""
        return self in _OURS


_OURS = frozenset(
    {
        ErrorCode.WEIGHTS_MISSING,
        ErrorCode.MEDIA_TOOL_FAILED,
        ErrorCode.ASSET_MISSING,
        ErrorCode.ASSET_UNREADABLE,
        ErrorCode.QUEUE_UNREACHABLE,
        ErrorCode.WORKER_LOST,
        ErrorCode.INTERNAL,
    }
)


class SerenadeError(Exception):
    """Base of all errors of ours.

    code:   what went wrong, stable.
    detail: one line for the log.
    params: values a sentence may need, such as `limit_s=600`.
    """

    def __init__(self, code: ErrorCode, detail: str = "", **params: Param) -> None:
        super().__init__(detail or code.value)
        self.code = code
        self.detail = detail
        self.params: dict[str, Param] = params


class BadInput(SerenadeError):
    """The person can mend it."""


class BadSong(BadInput):
    """The song can't be used as it is."""


class BadPortrait(BadInput):
    """The picture can't be used as it is."""


class BadOption(BadInput):
    """An option can't be honoured."""


class Refused(SerenadeError):
    """Not now: a limit, a drained queue."""


class Cancelled(SerenadeError):
    """Someone asked for it to stop."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(ErrorCode.CANCELLED, detail)


class Fault(SerenadeError):
    """Ours to mend."""
