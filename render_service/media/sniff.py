"""What a song file really is, by its first bytes: names the one demuxer that may open it."""

import re
from typing import IO

from render_service.media.mpeg_audio import raw_demuxer
from shared.errors import BadSong, ErrorCode

HEAD_BYTES = 64 * 1024
"""Looked at from where a leading ID3 tag ends: MP3s with that much rubbish in front of the first frame still play."""

_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"fLaC", "flac"),
    (0, b"OggS", "ogg"),
    (0, b"\x1a\x45\xdf\xa3", "matroska"),
    (0, b"\x00\x00\x01\xba", "mpeg"),
    (8, b"WAVE", "wav"),
    (8, b"AVI ", "avi"),
    (8, b"AIFF", "aiff"),
    (8, b"AIFC", "aiff"),
)
_RIFF_LIKE = (b"RIFF", b"RF64", b"BW64", b"FORM")
_MOV_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp")

_TS_PACKET_BYTES = (188, 192, 204)
_PLAYLIST_STARTS = (
    "#extm3u",
    "#ext-x-",
    "ffconcat version",
    "[playlist]",
    "[reference]",
    "<asx",
    "<smil",
    "<mpd",
    "v=0",
)
_PLAYLIST_XML = re.compile(r"<(mpd|playlist|smil|asx|smoothstreamingmedia|manifest|rss)\b")
_CUE_SHEET = re.compile(r'^\s*file\s+["\']?.+?["\']?\s+(wave|mp3|aiff|binary|motorola)\s*$', re.MULTILINE)
_ENTRY = re.compile(
    r"^(file\s+['\"]?\S|[a-z][a-z0-9+.-]*://|.+\.(mp3|wav|flac|ogg|opus|m4a|aac|aiff?|mp4|mov|mkv|m3u8?)$)"
)


def demuxer_of(file: IO[bytes]) -> str:
    """The name of FFmpeg's demuxer for a song.

    Raises BadSong: SONG_IS_PLAYLIST for a text that only names other files, SONG_NOT_AUDIO for anything unknown.
    """
    head = _head(file)
    found = _by_magic(head) or raw_demuxer(head)
    if found:
        return found
    if _is_playlist(head):
        raise BadSong(ErrorCode.SONG_IS_PLAYLIST, "a list of files, not a file")
    raise BadSong(ErrorCode.SONG_NOT_AUDIO, f"begins with {head[:16].hex(' ')}")


def _head(file: IO[bytes]) -> bytes:
    """The first bytes after leading ID3v2 tags, which MP3, AAC and even FLAC files carry."""
    start = 0
    while True:
        file.seek(start)
        head = file.read(HEAD_BYTES)
        if head[:3] != b"ID3" or len(head) < 10:
            return head
        # four bytes of seven bits (id3.org, ID3v2.4 section 3.1); flag 0x10 announces a footer of ten bytes
        size = sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
        start += 10 + size + (10 if head[5] & 0x10 else 0)


def _by_magic(head: bytes) -> str | None:
    for offset, magic, name in _MAGIC:
        if head[offset : offset + len(magic)] == magic and (offset == 0 or head[:4] in _RIFF_LIKE):
            return name
    if head[4:8] in _MOV_BOXES:
        return "mov"
    for size in _TS_PACKET_BYTES:
        lead = size - 188 if size == 192 else 0
        if len(head) > lead + 4 * size and all(head[lead + i * size] == 0x47 for i in range(5)):
            return "mpegts"
    return None


def _is_playlist(head: bytes) -> bool:
    """A text that names other files: M3U, PLS, XSPF, ASX, SMIL, DASH, CUE, SDP, or a concat script."""
    text = _text(head)
    if text is None:
        return False
    first = next((line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")), "")
    return (
        text.startswith(_PLAYLIST_STARTS)
        or (text.startswith("<") and _PLAYLIST_XML.search(text) is not None)
        or _CUE_SHEET.search(text) is not None
        or _ENTRY.match(first) is not None
    )


def _text(head: bytes) -> str | None:
    """Lower-case text without its byte order mark and leading space, or None where the bytes are no text."""
    encoding = "utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    text = head.decode(encoding, errors="ignore").lstrip().lower()
    printable = sum(letter.isprintable() or letter.isspace() for letter in text[:1000])
    return text if text and printable > 0.95 * len(text[:1000]) else None
