"""Songs from strangers, as facts and as stereo blocks: `PyAVSongReader`.

How damage is judged: most formats can be cut anywhere and play what is there (MP3, AAC, WAV, Ogg, MPEG, Matroska, AVI);
those whose header tells the length (MP4/MOV, AIFF, FLAC) are damaged where less than `TOLD_SHARE` of it comes out.
"""

from collections.abc import Iterator
from pathlib import Path

from render_service.media.decode import Sound, open_sound
from render_service.media.resample import stereo_blocks
from render_service.stages import Samples, SongFacts
from shared.errors import BadSong, ErrorCode
from shared.settings import MIB, IntakeLimits

TOLD_SHARE = 0.9
"""Players forgive a lost tail of a tenth; more than that is a broken upload."""


class PyAVSongReader:
    """`SongReader` with FFmpeg's libraries: one demuxer, chosen by content; sound codecs only; no second file."""

    def __init__(self, limits: IntakeLimits) -> None:
        self._limits = limits

    def probe(self, path: Path) -> SongFacts:
        """Decodes the song once, at hundreds of times real time, and keeps nothing.

        Raises BadInput (FILE_MISSING, FILE_EMPTY), BadSong (SONG_TOO_LARGE, SONG_NOT_AUDIO, SONG_IS_PLAYLIST,
        SONG_DAMAGED, SONG_TOO_SHORT, SONG_TOO_LONG).
        """
        self._check_bytes(path)
        with open_sound(path) as sound:
            duration_s, rate, channels = self._measure(sound)
            self._check_duration(duration_s, sound.promised_s)
            return SongFacts(duration_s, rate, channels, sound.stream.codec_context.codec.canonical_name)

    def blocks(self, path: Path, *, rate: int, start_s: float = 0.0, end_s: float | None = None) -> Iterator[Samples]:
        """Stereo [n, 2] float32 blocks of a second, the last one shorter; sample k is the song at start_s + k / rate.

        Resampled with soxr HQ. Memory does not grow with the song.
        Raises BadInput (FILE_MISSING, FILE_EMPTY), BadSong (SONG_NOT_AUDIO, SONG_IS_PLAYLIST, SONG_DAMAGED).
        """
        with open_sound(path) as sound:
            yield from stereo_blocks(sound, rate=rate, start_s=start_s, end_s=end_s)

    def _check_bytes(self, path: Path) -> None:
        limit = self._limits.song_max_bytes
        if path.exists() and path.stat().st_size > limit:
            raise BadSong(ErrorCode.SONG_TOO_LARGE, f"{path.stat().st_size} bytes", limit_mb=limit // MIB)

    def _measure(self, sound: Sound) -> tuple[float, int, int]:
        """Seconds, sample rate and channels; stops as soon as it is too long, so a bomb is not decoded whole."""
        lead_s, channels, limit_s = 0.0, 0, self._limits.song_max_s
        samples: dict[int, int] = {}
        for frame in sound.frames():
            if not samples:
                lead_s, channels = sound.lead_s(frame), frame.layout.nb_channels
            samples[frame.sample_rate] = samples.get(frame.sample_rate, 0) + frame.samples
            duration_s = lead_s + sum(count / rate for rate, count in samples.items())
            if duration_s > limit_s:
                actual_s = round(max(duration_s, sound.promised_s or 0.0), 1)
                raise BadSong(ErrorCode.SONG_TOO_LONG, f"over {limit_s} s", limit_s=limit_s, actual_s=actual_s)
        if not samples:
            raise BadSong(ErrorCode.SONG_DAMAGED, "nothing comes out")
        return duration_s, next(iter(samples)), channels

    def _check_duration(self, duration_s: float, promised_s: float | None) -> None:
        if promised_s is not None and duration_s < TOLD_SHARE * promised_s:
            raise BadSong(ErrorCode.SONG_DAMAGED, f"{duration_s:.1f} s of {promised_s:.1f} s come out")
        if duration_s < self._limits.song_min_s:
            raise BadSong(ErrorCode.SONG_TOO_SHORT, limit_s=self._limits.song_min_s, actual_s=round(duration_s, 1))
