"""Is there anything to sing: silence and songs without a voice are told apart from quiet songs."""

import numpy as np

from render_service.stages import MIX_RATE, VOICE_RATE, HeardSong, Samples
from shared.errors import BadSong, ErrorCode

SILENT_DBFS = -60.0
"""Loudest part of a song that nobody can hear."""
VOICE_UNDER_MIX_DB = -30.0
BLOCK_S = 0.4
"""Loudness is judged in blocks as long as ITU-R BS.1770's."""


def require_sound(mix: Samples) -> None:
    """Raises BadSong (SONG_SILENT)."""
    loudest = block_levels_db(mix, MIX_RATE).max(initial=-np.inf)
    if loudest < SILENT_DBFS:
        raise BadSong(ErrorCode.SONG_SILENT, f"loudest 0.4 s at {loudest:.0f} dBFS")


def require_voice(song: HeardSong) -> None:
    """Raises BadSong (SONG_WITHOUT_VOICE) where the separated voice is only what separation leaks."""
    share = voice_share_db(song)
    if share < VOICE_UNDER_MIX_DB:
        raise BadSong(ErrorCode.SONG_WITHOUT_VOICE, f"voice {share:.0f} dB under the mix")


def voice_share_db(song: HeardSong) -> float:
    """The voice's loud blocks (95th percentile) against the mix's."""
    voice, mix = (block_levels_db(x, rate) for x, rate in ((song.vocals, VOICE_RATE), (song.mix, MIX_RATE)))
    return float(np.percentile(voice, 95) - np.percentile(mix, 95))


def block_levels_db(sound: Samples, rate: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """RMS level of every block, dBFS."""
    size = round(BLOCK_S * rate)
    count = max(1, len(sound) // size)
    padded = np.zeros(max(len(sound), size), np.float32)
    padded[: len(sound)] = sound
    power = (padded[: count * size].reshape(count, size).astype(np.float64) ** 2).mean(axis=1)
    return np.asarray(10 * np.log10(power + 1e-12))
