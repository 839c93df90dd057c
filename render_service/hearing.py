"""A song's blocks, through the separator, to what the motion model listens to; never the whole song in memory."""

from collections.abc import Iterable, Iterator

import numpy as np
import soxr
from numpy.typing import NDArray

from render_service.stages import MIX_RATE, SEPARATION_RATE, VOICE_RATE, HeardSong, Report, Samples, Separator


class _MonoTrack:
    """Collects stereo blocks as one mono track at a lower rate.

    Kept as float16 while the separator's network needs the memory: noise 66 dB under the sound itself, whatever its
    level, and half the bytes in the moment that decides how much a worker takes.
    """

    def __init__(self, rate: int) -> None:
        self._resampler = soxr.ResampleStream(SEPARATION_RATE, rate, 1, dtype="float32", quality="HQ")
        self._parts: list[NDArray[np.float16]] = []

    def add(self, stereo: Samples) -> None:
        self._keep(self._resampler.resample_chunk(stereo.mean(axis=1)))

    def finish(self) -> Samples:
        self._keep(self._resampler.resample_chunk(np.empty(0, np.float32), last=True))
        whole = np.concatenate(self._parts, dtype=np.float32)
        self._parts.clear()
        return whole

    def _keep(self, part: Samples) -> None:
        self._parts.append(part.astype(np.float16))


def hear(blocks: Iterable[Samples], separator: Separator, *, duration_s: float, report: Report) -> HeardSong:
    """Separates a song and keeps only what the performance needs.

    blocks: stereo [n, 2] float32 at SEPARATION_RATE, `duration_s` seconds of them.
    Raises BadSong from the blocks, Cancelled from the report.
    """
    voice, mix = _MonoTrack(VOICE_RATE), _MonoTrack(MIX_RATE)
    expected = max(duration_s * SEPARATION_RATE, 1.0)
    heard = 0

    def listened() -> Iterator[Samples]:
        for block in blocks:
            mix.add(block)
            yield block

    report(0.0)
    for stems in separator.separate(listened()):
        voice.add(stems.vocals)
        heard += len(stems.vocals)
        report(min(heard / expected, 1.0))
    return HeardSong(vocals=voice.finish(), mix=mix.finish())
