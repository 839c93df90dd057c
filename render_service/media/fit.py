"""Fits a video into a number of bytes: by bit rate first, then by height."""

import math

from render_service.media.ffmpeg import VBV_S
from render_service.stages import FrameSize, VideoRate
from shared.errors import BadOption, ErrorCode
from shared.models import MIN_HEIGHT
from shared.settings import MIB

CRF = 22
"""With x264 tuned for grain: as sharp as the drawn frames (Laplacian .98-1.04 on four faces) for a fifth more bits than
19 without, which lost 5 % and looked like wax in motion."""

STEREO_BIT_RATE, MONO_BIT_RATE = 192_000, 96_000
LEAST_SOUND_BIT_RATE = 64_000
_SOUND_SHARE = 0.25
"""Of a tight limit, so much is the sound's; more would be heard less than it would be missed in the pictures."""

_SOUND_SLACK = 0.03
"""How far FFmpeg's AAC encoder may end above the bit rate it is asked for."""
_AAC_BITS_PER_SAMPLE = 4
"""AAC allows six bits a sample and channel (ISO/IEC 14496-3, 4.5.3.1); songs of low rates need no more than four."""

_GOOD_BITS_PER_PIXEL = 0.05
"""Below this a smaller picture, scaled up again, is nearer to the original (SSIM of two face videos, 60-450 kbit/s)."""
_LEAST_BITS_PER_PIXEL = 0.02
_SEGMENT_S, _SEGMENTS_MORE = 5.0, 2
"""Each segment may spend a full buffer on top of the ceiling. Reckoned with: a segment every 5 s, and two more; `join`
checks the file in any case."""
_CEILING_SLACK = 0.05
"""How far x264 was seen above its ceiling's promise in a segment (3 %, noise)."""

_HEADER_BYTES, _BYTES_PER_FRAME, _SOUND_TABLE_BYTES_PER_S = 16_000, 16, 500
"""What MP4 adds: sizes, offsets and orders of every frame and of every AAC packet."""


def megabytes(size_bytes: int) -> float:
    """For a sentence: one digit, and never nothing."""
    return max(0.1, round(size_bytes / MIB, 1))


def container_bytes(duration_s: float, fps: int) -> int:
    """An upper bound of what the file holds besides pictures and sound."""
    return _HEADER_BYTES + math.ceil(duration_s * (fps * _BYTES_PER_FRAME + _SOUND_TABLE_BYTES_PER_S))


def sound_reserve(bits: float, duration_s: float) -> float:
    """Bits a second kept for the sound out of `bits` for a whole file."""
    return min(STEREO_BIT_RATE, max(LEAST_SOUND_BIT_RATE, _SOUND_SHARE * bits / duration_s))


def sound_bit_rate(*, rate: int, channels: int, room: float | None) -> int:
    """What the sound is encoded with. room: bits a second that are left for it, or None.

    Raises BadOption (VIDEO_CANNOT_FIT) where so little is left that it would only gurgle.
    """
    wanted = min(STEREO_BIT_RATE if channels == 2 else MONO_BIT_RATE, _AAC_BITS_PER_SAMPLE * channels * rate)
    if room is None or room >= wanted * (1 + _SOUND_SLACK):
        return wanted
    left = int(room / (1 + _SOUND_SLACK))
    if left < LEAST_SOUND_BIT_RATE * channels // 4:
        raise BadOption(ErrorCode.VIDEO_CANNOT_FIT, f"{left} bit/s are left for the sound")
    return left


def fit(size: FrameSize, *, fps: int, duration_s: float, max_bytes: int | None) -> tuple[FrameSize, VideoRate]:
    """The size and rate with which a video keeps below `max_bytes`; the given size is only made smaller where it must.

    Never below 256 high, or the given height if that is less. Raises BadOption (VIDEO_CANNOT_FIT).
    """
    if max_bytes is None:
        return size, VideoRate(CRF)
    bits = 8.0 * (max_bytes - container_bytes(duration_s, fps))
    pictures = (bits - sound_reserve(bits, duration_s) * duration_s) / duration_s
    buffers_s = VBV_S * (duration_s / _SEGMENT_S + _SEGMENTS_MORE)
    ceiling = int(pictures * duration_s / (duration_s + buffers_s) / (1 + _CEILING_SLACK))
    smallest = min(MIN_HEIGHT, size.height)
    pixels = ceiling / fps / _GOOD_BITS_PER_PIXEL
    height = 2 * int(math.sqrt(max(0.0, pixels) * size.height / size.width) / 2)
    fitted = _scaled(size, min(size.height, max(smallest, height)))
    if ceiling < _LEAST_BITS_PER_PIXEL * fitted.width * fitted.height * fps:
        raise BadOption(ErrorCode.VIDEO_CANNOT_FIT, f"{ceiling} bit/s are left", limit_mb=megabytes(max_bytes))
    return fitted, VideoRate(CRF, ceiling)


def _scaled(size: FrameSize, height: int) -> FrameSize:
    if height == size.height:
        return size
    return FrameSize(width=max(2, 2 * round(size.width * height / size.height / 2)), height=height)
