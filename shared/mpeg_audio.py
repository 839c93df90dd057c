"""Telling MP3 and ADTS (AAC) from chance bytes: neither has a magic number, only frames that follow frames.

Sources: ISO/IEC 11172-3 and 13818-3 (frame header), ISO/IEC 13818-7 (ADTS), id3.org "ID3 tag version 2.4.0" (tags).
"""

from collections.abc import Callable

ID3_HEADER_BYTES = 10
MIN_FRAMES = 3
"""Frames in a row that are believed; chance makes one sync in 2^11 places, three that fit about never."""

_V1, _V2, _V25 = 3, 2, 0
_KBPS: dict[tuple[bool, int], tuple[int, ...]] = {
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""Bit rates by (MPEG-1?, layer), index 1..14."""
_HZ = {_V1: (44100, 48000, 32000), _V2: (22050, 24000, 16000), _V25: (11025, 12000, 8000)}


def id3_tag_bytes(head: bytes) -> int:
    """Length of the ID3v2 tag that `head` opens with, header and footer included; 0 where there is none."""
    if len(head) < ID3_HEADER_BYTES or not head.startswith(b"ID3") or any(byte & 0x80 for byte in head[6:10]):
        return 0
    size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]  # syncsafe: seven bits a byte
    footer = ID3_HEADER_BYTES if head[5] & 0x10 else 0
    return ID3_HEADER_BYTES + size + footer


def find_frames(head: bytes, *, whole: bool) -> str | None:
    """'mp3' or 'aac' where frames follow each other anywhere in `head`, else None.

    whole: `head` is all there is, so fewer frames are enough where the file ends with the last of them.
    """
    at = head.find(0xFF)
    while 0 <= at < len(head) - 4:
        for name, frame_bytes in (("mp3", _mpeg_frame_bytes), ("aac", _adts_frame_bytes)):
            if _frames_follow(head, at, frame_bytes, whole=whole):
                return name
        at = head.find(0xFF, at + 1)
    return None


def _frames_follow(head: bytes, at: int, frame_bytes: Callable[[bytes], int], *, whole: bool) -> bool:
    for _ in range(MIN_FRAMES):
        length = frame_bytes(head[at : at + 7])
        if not length:
            return False
        at += length
        if whole and at == len(head):
            return True
    return True


def _mpeg_frame_bytes(header: bytes) -> int:
    """Length of the frame with this header; 0 where it is none (or of free format, which nothing writes)."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return 0
    version, layer = header[1] >> 3 & 3, 4 - (header[1] >> 1 & 3)
    rate_index, hz_index, padding = header[2] >> 4, header[2] >> 2 & 3, header[2] >> 1 & 1
    if version not in _HZ or layer == 4 or hz_index == 3 or not 0 < rate_index < 15:
        return 0
    bit_rate = 1000 * _KBPS[version == _V1, layer][rate_index - 1]
    hz = _HZ[version][hz_index]
    if layer == 1:
        return (12 * bit_rate // hz + padding) * 4
    slots = 72 if layer == 3 and version != _V1 else 144
    return slots * bit_rate // hz + padding


def _adts_frame_bytes(header: bytes) -> int:
    if len(header) < 7 or header[0] != 0xFF or header[1] & 0xF6 != 0xF0 or header[2] >> 2 & 15 > 12:
        return 0
    length = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    return length if length > 7 else 0
