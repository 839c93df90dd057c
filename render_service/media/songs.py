"""Songs from strangers, as facts and as stereo blocks: `PyAVSongReader`.

How damage is judged: formats made to be cut (MP3, AAC, Ogg, MPEG, Matroska, AVI) play what is there; formats whose
header tells the length (MP4/MOV, WAV, AIFF, FLAC) are damaged where less than `TOLD_SHARE` of it comes out.
"""

from collections.abc import Iterator
from math import gcd
from pathlib import Path

import numpy as np
import soxr

from render_service.media.decode import Sound, open_sound, stereo
from render_service.stages import Samples, SongFacts
from shared.errors import BadSong, ErrorCode
from shared.settings import MIB, IntakeLimits

TOLD_SHARE = 0.9
"""Players forgive a lost tail of a tenth; more than that is a broken upload."""
BLOCK_S = 1.0
PREROLL_S = 0.1
"""Decoded before the start and thrown away, so that the resampler's filter (under 10 ms) is full when it counts."""


class PyAVSongReader:
    """`SongReader` with FFmpeg's libraries: one demuxer, chosen by content; sound codecs only; no second file."""

    def __init__(self, limits: IntakeLimits) -> None:
        self._limits = limits

    def probe(self, path: Path) -> SongFacts:
        """Decodes the song once, at about a hundred times real time, and keeps nothing.

        Raises BadSong: FILE_MISSING, FILE_EMPTY, SONG_TOO_LARGE, SONG_NOT_AUDIO, SONG_IS_PLAYLIST, SONG_DAMAGED,
        SONG_TOO_SHORT, SONG_TOO_LONG.
        """
        self._check_bytes(path)
        with open_sound(path) as sound:
            duration_s, rate, channels = self._measure(sound)
            self._check_duration(duration_s, sound.promised_s)
            return SongFacts(duration_s, rate, channels, sound.stream.codec_context.codec.canonical_name)

    def blocks(self, path: Path, *, rate: int, start_s: float = 0.0, end_s: float | None = None) -> Iterator[Samples]:
        """Stereo [n, 2] float32 blocks of a second, the last one shorter; sample k is the song at start_s + k / rate.

        Resampled with soxr HQ. Memory does not grow with the song.
        Raises BadSong: FILE_MISSING, FILE_EMPTY, SONG_NOT_AUDIO, SONG_IS_PLAYLIST, SONG_DAMAGED.
        """
        start = round(start_s * rate)
        end = None if end_s is None else round(end_s * rate)
        with open_sound(path) as sound:
            yield from _even_blocks(_cut(_resampled(sound, rate, start), start, end), round(BLOCK_S * rate))

    def _check_bytes(self, path: Path) -> None:
        limit = self._limits.song_max_bytes
        if path.exists() and path.stat().st_size > limit:
            raise BadSong(ErrorCode.SONG_TOO_LARGE, f"{path.stat().st_size} bytes", limit_mb=limit // MIB)

    def _measure(self, sound: Sound) -> tuple[float, int, int]:
        """Seconds, sample rate and channels; stops as soon as it is too long, so a bomb is not decoded whole."""
        duration_s, rate, channels = 0.0, 0, 0
        for frame in sound.frames():
            if not rate:
                rate, channels = frame.sample_rate, frame.layout.nb_channels
                duration_s = sound.lead_s(frame)
            duration_s += frame.samples / frame.sample_rate
            if duration_s > self._limits.song_max_s:
                actual_s = max(duration_s, sound.promised_s or 0.0)
                raise BadSong(ErrorCode.SONG_TOO_LONG, limit_s=self._limits.song_max_s, actual_s=round(actual_s, 1))
        return duration_s, rate, channels

    def _check_duration(self, duration_s: float, promised_s: float | None) -> None:
        if duration_s == 0.0:
            raise BadSong(ErrorCode.SONG_DAMAGED, "nothing comes out")
        if promised_s is not None and duration_s < TOLD_SHARE * promised_s:
            raise BadSong(ErrorCode.SONG_DAMAGED, f"{duration_s:.1f} s of {promised_s:.1f} s come out")
        if duration_s < self._limits.song_min_s:
            raise BadSong(ErrorCode.SONG_TOO_SHORT, limit_s=self._limits.song_min_s, actual_s=round(duration_s, 1))


class _Run:
    """Frames of one sample rate in a row, resampled. Begins a little before `wanted`, on a sample both grids share."""

    def __init__(self, source_rate: int, rate: int, origin: int, wanted: int) -> None:
        """origin, wanted: positions at `rate` of the run's first sample and of the first one that is asked for."""
        common = gcd(source_rate, rate)
        steps = max(0, wanted - origin - round(PREROLL_S * rate)) // (rate // common)
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
            yield 0, np.zeros((position, 2), np.float32)
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
