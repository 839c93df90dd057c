"""Headers of raw MPEG audio (MP3 and its elder layers) and ADTS: streams without a magic number."""

from collections.abc import Callable

_MPEG1_KBIT = {
    3: (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    2: (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    1: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
}
_MPEG2_KBIT = {
    3: (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    2: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    1: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""Bit rates by the header's two layer bits: 3 is layer I, 1 is layer III (ISO/IEC 11172-3 and 13818-3, 2.4.2.3)."""
_RATES = (44_100, 48_000, 32_000)
_MPEG1, _MPEG2, _RESERVED_VERSION = 3, 2, 1
_HEADER_BYTES = 7
_FRAMES_IN_A_ROW = 3
"""The sync word has only 11 bits; three headers that point at each other are no accident (once in 10^9 files)."""


def raw_demuxer(head: bytes) -> str | None:
    """ "mp3" or "aac" by the first place in `head` where several frames follow each other; None where there is none."""
    at = head.find(b"\xff")
    while at >= 0:
        if _in_a_row(head, at, _adts_bytes):
            return "aac"
        if _in_a_row(head, at, _layer_bytes):
            return "mp3"
        at = head.find(b"\xff", at + 1)
    return None


def _in_a_row(head: bytes, at: int, frame_bytes: Callable[[bytes], int]) -> bool:
    for _ in range(_FRAMES_IN_A_ROW):
        size = frame_bytes(head[at : at + _HEADER_BYTES])
        if size == 0:
            return False
        at += size
    return True


def _adts_bytes(header: bytes) -> int:
    """Length of the ADTS frame that begins here, 0 where none does (ISO/IEC 13818-7, 6.2)."""
    if len(header) < _HEADER_BYTES or header[0] != 0xFF or header[1] & 0xF6 != 0xF0 or header[2] >> 2 & 15 > 12:
        return 0
    size = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    return size if size > _HEADER_BYTES else 0


def _layer_bytes(header: bytes) -> int:
    """Length of the MPEG audio frame that begins here, 0 where none does."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return 0
    version, layer = header[1] >> 3 & 3, header[1] >> 1 & 3
    kbit_index, rate_index, padding = header[2] >> 4, header[2] >> 2 & 3, header[2] >> 1 & 1
    if version == _RESERVED_VERSION or layer == 0 or kbit_index in (0, 15) or rate_index == 3:
        return 0
    rate = _RATES[rate_index] >> (0 if version == _MPEG1 else 1 if version == _MPEG2 else 2)
    bit_rate = 1000 * (_MPEG1_KBIT if version == _MPEG1 else _MPEG2_KBIT)[layer][kbit_index - 1]
    if layer == 3:
        return (12 * bit_rate // rate + padding) * 4
    halved = layer == 1 and version != _MPEG1
    return (72 if halved else 144) * bit_rate // rate + padding
