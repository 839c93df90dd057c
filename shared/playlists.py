"""Telling text from media, and text that makes a decoder open other files or addresses: playlists and scripts.

The marks at the very start are looked for in any bytes, since decoders go by them alone; the rest only in plain text.
Sources: RFC 8216 (HLS), ISO/IEC 23009-1 (DASH), RFC 8866 (SDP), FFmpeg's concat; others by their root elements.
"""

import re

_TEXT_HEAD_BYTES = 4096
_BOMS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_NOT_TEXT = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")

_START = re.compile(r"#EXTM3U|\[playlist\]|\[reference\]|ffconcat\s|<\?wpl|v=0\s*\n\s*o=", re.IGNORECASE)
_ROOT = re.compile(r"<(\w+:)?(MPD|smil|asx|playlist|SmoothStreamingMedia|CompositionPlaylist)[\s>]", re.IGNORECASE)
_CUE = re.compile(
    r"^[ \t]*(FILE[ \t].+[ \t](WAVE|MP3|AIFF|FLAC|BINARY|MOTOROLA)|TRACK[ \t]+\d+[ \t]+AUDIO)\b", re.I | re.M
)
_LIST_LINE = re.compile(
    r"file\s+\S|\w{2,10}://\S+$|.{1,500}\.(mp[34]|m4a|aac|wav|flac|og[ga]|opus|aiff?|webm|mkv|mov|avi|ts|m3u8?)$",
    re.IGNORECASE,
)


def is_text(head: bytes) -> bool:
    """No control characters but tabs, breaks and escapes, in any 8-bit encoding; or UTF-16 by its mark."""
    return bool(head) and (head[:2] in _BOMS or not _NOT_TEXT.search(head))


def is_playlist(head: bytes) -> bool:
    """Whether these first bytes of a file would send a decoder elsewhere."""
    text = _decode(head[:_TEXT_HEAD_BYTES])
    if _START.match(text) or (text.startswith("<") and _ROOT.search(text)):
        return True
    return is_text(head) and (bool(_CUE.search(text)) or _lists_media(text))


def _decode(head: bytes) -> str:
    mark = next((mark for mark in _BOMS if head.startswith(mark)), b"")
    return head[len(mark) :].decode(_BOMS.get(mark, "latin-1"), errors="replace").lstrip()


def _lists_media(text: str) -> bool:
    """A bare M3U or concat script: nothing but comments, addresses, `file` lines and paths of media."""
    whole_lines = text if len(text) < _TEXT_HEAD_BYTES // 2 else text[: text.rfind("\n") + 1]
    lines = [line.strip() for line in whole_lines.splitlines()]
    entries = [line for line in lines if line and not line.startswith("#")]
    return bool(entries) and all(map(_LIST_LINE.match, entries))
