"""A song's frames to stereo blocks at another rate, cut to the sample; memory does not grow with the song."""

from collections.abc import Iterator
from math import gcd

import numpy as np
import soxr

from render_service.media.decode import Sound, stereo
from render_service.stages import Samples
from shared.errors import BadSong, ErrorCode

BLOCK_S = 1.0
_PREROLL_S = 0.1
"""Decoded before the start and thrown away, so that the resampler's filter (under 10 ms) is full when it counts."""


def stereo_blocks(sound: Sound, *, rate: int, start_s: float = 0.0, end_s: float | None = None) -> Iterator[Samples]:
    """Stereo [n, 2] float32 blocks of a second, the last one shorter; sample k is the song at start_s + k / rate.

    Resampled with soxr HQ; frames of a song that changes its format halfway follow each other without a hole.
    Raises BadSong (SONG_DAMAGED).
    """
    start = round(start_s * rate)
    end = None if end_s is None else round(end_s * rate)
    return _even_blocks(_cut(_resampled(sound, rate, start), start, end), round(BLOCK_S * rate))


class _Run:
    """Frames of one sample rate in a row, resampled. Begins a little before `wanted`, on a sample both grids share."""

    def __init__(self, source_rate: int, rate: int, origin: int, wanted: int) -> None:
        """origin, wanted: positions at `rate` of the run's first sample and of the first one that is asked for."""
        common = gcd(source_rate, rate)
        steps = max(0, wanted - origin - round(_PREROLL_S * rate)) // (rate // common)
        self.source_rate = source_rate
        self.position = origin + steps * (rate // common)
        """Where the next output sample lies, at `rate`."""
        self._rate, self._origin = rate, origin
        self._skip, self._taken = steps * (source_rate // common), 0
        self._stream = None if source_rate == rate else soxr.ResampleStream(source_rate, rate, 2, dtype="float32")

    def skips(self, count: int) -> bool:
        """Lets `count` source samples pass where all of them lie before the beginning; they need no conversion."""
        if self._taken + count > self._skip:
            return False
        self._taken += count
        return True

    def push(self, samples: Samples) -> Samples:
        """samples: the next [n, 2] at the source's rate."""
        fresh = samples[max(0, self._skip - self._taken) :]
        self._taken += len(samples)
        return self._out(fresh, last=False)

    def finish(self) -> Samples:
        if self._taken <= self._skip:
            self.position = self._origin + round(self._taken * self._rate / self.source_rate)
            return np.zeros((0, 2), np.float32)
        return self._out(np.zeros((0, 2), np.float32), last=True)

    def _out(self, samples: Samples, *, last: bool) -> Samples:
        if self._stream is not None:
            samples = self._stream.resample_chunk(np.ascontiguousarray(samples), last=last)
        self.position += len(samples)
        return samples


def _resampled(sound: Sound, rate: int, wanted: int) -> Iterator[tuple[int, Samples]]:
    """Pairs of position and samples at `rate`, without holes, from at or before `wanted` to the end of the song."""
    run: _Run | None = None
    position = 0
    for frame in sound.frames():
        if run is None:
            position = round(sound.lead_s(frame) * rate)
            yield from _silence(position, rate)
        if run is None or frame.sample_rate != run.source_rate:
            if run is not None:
                tail = run.finish()
                position = run.position
                yield position - len(tail), tail
            run = _Run(frame.sample_rate, rate, position, wanted)
        if not run.skips(frame.samples):
            out = run.push(stereo(frame))
            yield run.position - len(out), out
    if run is None:
        raise BadSong(ErrorCode.SONG_DAMAGED, "nothing comes out")
    tail = run.finish()
    yield run.position - len(tail), tail


def _silence(count: int, rate: int) -> Iterator[tuple[int, Samples]]:
    for position in range(0, count, rate):
        yield position, np.zeros((min(rate, count - position), 2), np.float32)


def _cut(pieces: Iterator[tuple[int, Samples]], start: int, end: int | None) -> Iterator[Samples]:
    """What lies between two positions; stops asking for more once the end is reached."""
    for position, samples in pieces:
        first = max(0, start - position)
        last = len(samples) if end is None else min(len(samples), end - position)
        if last > first:
            yield samples[first:last]
        if end is not None and position + len(samples) >= end:
            return


def _even_blocks(pieces: Iterator[Samples], size: int) -> Iterator[Samples]:
    waiting: list[Samples] = []
    count = 0
    for piece in pieces:
        waiting.append(piece)
        count += len(piece)
        while count >= size:
            joined = np.concatenate(waiting)
            yield joined[:size]
            waiting, count = [joined[size:]], count - size
    if count:
        yield np.concatenate(waiting)
