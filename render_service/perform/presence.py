"""Is there anything to sing: silence and songs without a voice are told apart from quiet songs."""

from itertools import pairwise

import numpy as np

from render_service.perform.curves import RATE, Curve, smooth
from render_service.stages import MIX_RATE, VOICE_RATE, HeardSong, Samples
from shared.errors import BadSong, ErrorCode

SILENT_DBFS = -60.0
"""Loudest part of a song that nobody can hear."""
VOICE_UNDER_MIX_DB = -20.0
"""Separated voices of 25 real songs were 0-5 dB under their mix. Of 20 backing tracks without a voice nine came out
25-94 dB under; what is left of the others, melodies on synthesisers, can't be told from a quiet voice by loudness."""
LOUD_S = 5.0
"""A voice that sings this long anywhere is a voice."""
SHARE_S = 0.2
QUIETEST = 1e-12
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
    """The voice in its loudest LOUD_S against the mix in its own."""
    return _loud_db(song.vocals, VOICE_RATE) - _loud_db(song.mix, MIX_RATE)


def share_db(song: HeardSong, count: int) -> Curve:
    """[count] at `curves.RATE`: the voice against the mix over a tenth of a second; 0 where it is all there is."""
    powers = [_power(sound, rate, count) for sound, rate in ((song.vocals, VOICE_RATE), (song.mix, MIX_RATE))]
    voice, mix = (smooth(power, SHARE_S) for power in powers)
    return np.asarray(10 * np.log10((voice + QUIETEST) / (mix + QUIETEST)))


def _power(sound: Samples, rate: int, count: int) -> Curve:
    """[count] mean square around each hundredth of a second; silence beyond the end."""
    borders = ((np.arange(count + 1) - 0.5) * rate / RATE).round().astype(int).clip(0, len(sound))
    sums = [np.dot(part, part) for part in (sound[a:b] for a, b in pairwise(borders))]
    return np.array(sums, np.float64) * RATE / rate


def _loud_db(sound: Samples, rate: int) -> float:
    """The level that LOUD_S of blocks reach, or a quarter of the blocks of a short song."""
    levels = np.sort(block_levels_db(sound, rate))
    return float(levels[-max(1, min(len(levels) // 4, round(LOUD_S / BLOCK_S)))])


def block_levels_db(sound: Samples, rate: int) -> Curve:
    """RMS level of every block, dBFS."""
    size = round(BLOCK_S * rate)
    count = max(1, len(sound) // size)
    blocks = sound[: count * size].reshape(count, -1)
    power = np.einsum("ij,ij->i", blocks, blocks) / max(1, blocks.shape[1])
    return np.asarray(10 * np.log10(power.astype(np.float64) + QUIETEST))
