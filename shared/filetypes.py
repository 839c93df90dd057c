"""What a file is by its first bytes, never by its name. Nothing is decoded here: only a few marks are compared.

`container` is what a decoder should be told to use, so that it never guesses by itself: the demuxer's name in FFmpeg
for sound and video, the format's name in Pillow for pictures.
"""

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from shared.errors import BadInput, BadPortrait, BadSong, ErrorCode
from shared.mpeg_audio import find_frames, id3_tag_bytes
from shared.playlists import is_playlist, is_text

HEAD_BYTES = 64 * 1024
"""Enough for junk before the first MP3 frame and for 60 of the longest frames."""
MAX_TAGS = 8
"""ID3 tags before the sound; some taggers stack a few."""


class FileKind(StrEnum):
    SOUND = "sound"
    VIDEO = "video"
    PICTURE = "picture"
    PLAYLIST = "playlist"
    TEXT = "text"
    UNKNOWN = "unknown"


WITH_SOUND = frozenset({FileKind.SOUND, FileKind.VIDEO})


@dataclass(frozen=True)
class FileType:
    """What a file is; `container` is empty where there is nothing to decode."""

    kind: FileKind
    media_type: str
    container: str = ""


UNKNOWN = FileType(FileKind.UNKNOWN, "application/octet-stream")
TEXT = FileType(FileKind.TEXT, "text/plain")
PLAYLIST = FileType(FileKind.PLAYLIST, "text/plain")

MP3 = FileType(FileKind.SOUND, "audio/mpeg", "mp3")
AAC = FileType(FileKind.SOUND, "audio/aac", "aac")
WAV = FileType(FileKind.SOUND, "audio/wav", "wav")
AIFF = FileType(FileKind.SOUND, "audio/aiff", "aiff")
FLAC = FileType(FileKind.SOUND, "audio/flac", "flac")
OGG = FileType(FileKind.SOUND, "audio/ogg", "ogg")
OGG_VIDEO = FileType(FileKind.VIDEO, "video/ogg", "ogg")
M4A = FileType(FileKind.SOUND, "audio/mp4", "mov")
MP4 = FileType(FileKind.VIDEO, "video/mp4", "mov")
QUICKTIME = FileType(FileKind.VIDEO, "video/quicktime", "mov")
WEBM = FileType(FileKind.VIDEO, "video/webm", "matroska")
MATROSKA = FileType(FileKind.VIDEO, "video/x-matroska", "matroska")
AVI = FileType(FileKind.VIDEO, "video/x-msvideo", "avi")
MPEG_PS = FileType(FileKind.VIDEO, "video/mpeg", "mpeg")
MPEG_TS = FileType(FileKind.VIDEO, "video/mp2t", "mpegts")

PNG = FileType(FileKind.PICTURE, "image/png", "PNG")
JPEG = FileType(FileKind.PICTURE, "image/jpeg", "JPEG")
WEBP = FileType(FileKind.PICTURE, "image/webp", "WEBP")
HEIF = FileType(FileKind.PICTURE, "image/heic", "HEIF")
AVIF = FileType(FileKind.PICTURE, "image/avif", "AVIF")
BMP = FileType(FileKind.PICTURE, "image/bmp", "BMP")
GIF = FileType(FileKind.PICTURE, "image/gif", "GIF")

_STARTS = (
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"\xff\xd8\xff", JPEG),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"fLaC", FLAC),
    (b"\x00\x00\x01\xba", MPEG_PS),
)
_FORMS = {
    (b"RIFF", b"WAVE"): WAV,
    (b"RIFX", b"WAVE"): WAV,
    (b"RF64", b"WAVE"): WAV,
    (b"BW64", b"WAVE"): WAV,
    (b"RIFF", b"AVI "): AVI,
    (b"RIFF", b"WEBP"): WEBP,
    (b"FORM", b"AIFF"): AIFF,
    (b"FORM", b"AIFC"): AIFF,
}
"""IFF and its kin: a four-letter mark, a size, a four-letter form."""
_BMP_HEADER_SIZES = {12, 16, 40, 52, 56, 64, 108, 124}
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_SOUND_BRANDS = {b"M4A ", b"M4B ", b"M4P ", b"F4A ", b"F4B "}
_QUICKTIME_ATOMS = {b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"}
"""What files of before 2001 begin with; later ones begin with `ftyp`."""
_OGG_VIDEO_MARKS = (b"\x80theora", b"BBCD\x00", b"OVP80")
_OGG_STARTS_BYTES = 512
_TS_LAYOUTS = ((0, 188), (4, 192), (0, 204))
"""Where the first sync byte is and how far the next: plain, with time stamps (M2TS), with error correction (DVB)."""


def identify(path: Path) -> FileType:
    """What the file is. Raises BadInput (FILE_MISSING, FILE_EMPTY)."""
    try:
        if not path.is_file():  # a folder, or a pipe that would be waited on forever
            raise BadInput(ErrorCode.FILE_MISSING, f"{path} is not a file", name=path.name)
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size == 0:
                raise BadInput(ErrorCode.FILE_EMPTY, f"{path} is empty", name=path.name)
            return _identify(file, size)
    except OSError as error:
        raise BadInput(ErrorCode.FILE_MISSING, str(error), name=path.name) from error


def song_type(path: Path) -> FileType:
    """The type of a file with sound. Raises BadSong (SONG_IS_PLAYLIST, SONG_NOT_AUDIO), and as `identify` does."""
    found = identify(path)
    if found.kind is FileKind.PLAYLIST:
        raise BadSong(ErrorCode.SONG_IS_PLAYLIST, f"{path} only names other files")
    if found.kind not in WITH_SOUND:
        raise BadSong(ErrorCode.SONG_NOT_AUDIO, f"{path} is {found.kind}")
    return found


def picture_type(path: Path) -> FileType:
    """The type of a picture. Raises BadPortrait (PICTURE_NOT_IMAGE), and as `identify` does."""
    found = identify(path)
    if found.kind is not FileKind.PICTURE:
        raise BadPortrait(ErrorCode.PICTURE_NOT_IMAGE, f"{path} is {found.kind}")
    return found


def _identify(file: BinaryIO, size: int) -> FileType:
    head = file.read(HEAD_BYTES)
    start = 0
    for _ in range(MAX_TAGS):
        tag_bytes = id3_tag_bytes(head)
        if not tag_bytes:
            break
        start += tag_bytes  # may point beyond the end; nothing is read there then
        file.seek(start)
        head = file.read(HEAD_BYTES)
    found = _by_content(head, whole=start + len(head) >= size)
    if start and found.kind not in (FileKind.SOUND, FileKind.PLAYLIST):
        return UNKNOWN
    return found


def _by_content(head: bytes, *, whole: bool) -> FileType:
    if is_playlist(head):
        return PLAYLIST
    found = _by_mark(head)
    if found:
        return found
    if is_text(head):
        return TEXT
    if _is_transport_stream(head):
        return MPEG_TS
    return {"mp3": MP3, "aac": AAC, None: UNKNOWN}[find_frames(head, whole=whole)]


def _by_mark(head: bytes) -> FileType | None:
    for start, file_type in _STARTS:
        if head.startswith(start):
            return file_type
    if form := _FORMS.get((head[:4], head[8:12])):
        return form
    if head.startswith(b"OggS\x00"):
        return _ogg(head)
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return WEBM if b"\x42\x82\x84webm" in head[:256] else MATROSKA
    if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in _BMP_HEADER_SIZES:
        return BMP
    return _iso_media(head)


def _ogg(head: bytes) -> FileType:
    """Every stream's first packet stands on the first pages (RFC 3533)."""
    return OGG_VIDEO if any(mark in head[:_OGG_STARTS_BYTES] for mark in _OGG_VIDEO_MARKS) else OGG


def _iso_media(head: bytes) -> FileType | None:
    """ISO/IEC 14496-12: the brands in the first box tell pictures, sound and video apart."""
    size, box = int.from_bytes(head[:4]), head[4:8]
    if box in _QUICKTIME_ATOMS and (size >= 8 or size in (0, 1)):
        return QUICKTIME
    if box != b"ftyp" or size < 16:
        return None
    major = head[8:12]
    brands = {major} | {head[at : at + 4] for at in range(16, min(size, len(head)), 4)}
    if major in _AVIF_BRANDS | _HEIF_BRANDS | {b"miaf"}:
        return AVIF if brands & _AVIF_BRANDS else HEIF
    if major in _SOUND_BRANDS:
        return M4A
    return QUICKTIME if major == b"qt  " else MP4


def _is_transport_stream(head: bytes) -> bool:
    """Three packets in a row, or all there are, begin with the sync byte (ISO/IEC 13818-1)."""
    for first, step in _TS_LAYOUTS:
        marks = head[first : first + 3 * step : step]
        if len(marks) > 1 and set(marks) == {0x47}:
            return True
    return False
