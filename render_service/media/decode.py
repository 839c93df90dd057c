"""Opens one local sound file and nothing else, and turns its packets into stereo samples."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache
from itertools import chain
from pathlib import Path
from typing import IO, Any, Never, TypeAlias

import av
import av.error
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from numpy.typing import NDArray

from render_service.stages import Samples
from shared.errors import BadSong, ErrorCode
from shared.filetypes import song_type

AnyPacket: TypeAlias = "Packet[Any]"

SOUND_CODECS = (
    "aac", "aac_latm", "ac3", "adpcm_ima_qt", "adpcm_ima_wav", "adpcm_ms", "alac", "amrnb", "eac3", "flac",
    "gsm_ms", "libopus", "libvorbis", "mp1", "mp1float", "mp2", "mp2float", "mp3", "mp3float", "opus", "pcm_alaw",
    "pcm_bluray", "pcm_dvd", "pcm_f32be", "pcm_f32le", "pcm_f64be", "pcm_f64le", "pcm_mulaw", "pcm_s16be",
    "pcm_s16le", "pcm_s24be", "pcm_s24le", "pcm_s32be", "pcm_s32le", "pcm_s8", "pcm_u8", "vorbis", "wmav1", "wmav2",
)  # fmt: skip
"""The only decoders that strangers' bytes may reach: what songs and the sound of videos are made of."""

_DEMUXERS = frozenset(("mp3", "aac", "wav", "aiff", "flac", "ogg", "mov", "matroska", "avi", "mpeg", "mpegts"))
"""The only ones that may be named to FFmpeg; none of them is one that opens other files."""
_LARGEST_BLOCK_BYTES = 24 * 1024**2
"""FFmpeg may allocate no larger block at once. A movie of 600 bytes can claim 50 million packets: an index of 2 GB;
an honest one of ten minutes needs 2 MB, and the largest cover picture 16 MB."""
_STREAMS_MAX = 32
_BUFFER_BYTES = 64 * 1024
_RATES = range(4_000, 768_001)
_BAD_PACKETS_FREE, _BAD_PACKETS_SHARE = 8, 0.1
"""A few bad packets are skipped, as players do; a tenth of them is not a song any more."""

LOUDEST = 2.0
"""Twice full scale: decoders of lossy formats overshoot a little, and cutting that off would change the song."""
_FULL_SCALE = {"u8": 128.0, "s16": 2.0**15, "s32": 2.0**31, "s64": 2.0**63}

_SQRT_HALF = 0.5**0.5
_DOWNMIX = {
    "FL": (1.0, 0.0),
    "FR": (0.0, 1.0),
    "FC": (_SQRT_HALF, _SQRT_HALF),
    "BL": (_SQRT_HALF, 0.0),
    "BR": (0.0, _SQRT_HALF),
    "SL": (_SQRT_HALF, 0.0),
    "SR": (0.0, _SQRT_HALF),
    "BC": (0.5, 0.5),
    "FLC": (1.0, 0.0),
    "FRC": (0.0, 1.0),
    "LFE": (0.0, 0.0),
}
"""Left and right shares of a loudspeaker (ITU-R BS.775-3, annex 4): centre and surround at -3 dB, no LFE."""
_UNNAMED = {6: ("FL", "FR", "FC", "LFE", "BL", "BR"), 8: ("FL", "FR", "FC", "LFE", "BL", "BR", "SL", "SR")}
"""What six and eight channels are where the file does not say: 5.1 and 7.1 in the order of WAV."""


@dataclass(frozen=True)
class Sound:
    """An open file and its first audio stream. offset_s: silence before the stream starts, as in a player."""

    container: InputContainer
    stream: AudioStream
    demuxer: str

    @property
    def promised_s(self) -> float | None:
        """The length the header of a format that knows it claims; streams that are made to be cut claim nothing."""
        if self.demuxer not in ("mov", "aiff", "flac") or self.stream.duration is None:
            return None
        return float(self.stream.duration * self.time_base)

    @property
    def time_base(self) -> Fraction:
        return self.stream.time_base or Fraction(1, self.stream.codec_context.sample_rate)

    def packets(self) -> Iterator[AnyPacket]:
        """Up to the end, or to where the container is cut off: what is there may still be enough."""
        demuxed = self.container.demux(self.stream)
        while True:
            try:
                packet = next(demuxed)
            except (StopIteration, av.error.FFmpegError):
                return
            if packet.size:
                yield packet

    def frames(self) -> Iterator[AudioFrame]:
        """Decoded frames with sound in them, priming already skipped by the decoder. Raises BadSong (SONG_DAMAGED)."""
        good = bad = 0
        for packet in chain(self.packets(), (None,)):
            try:
                decoded = self.stream.decode(packet)
            except av.error.FFmpegError:
                bad += 1
                if bad > max(_BAD_PACKETS_FREE, _BAD_PACKETS_SHARE * good):
                    raise BadSong(ErrorCode.SONG_DAMAGED, f"{bad} packets can't be decoded, {good} can") from None
                continue
            good += 1
            yield from (frame for frame in decoded if frame.samples and frame.sample_rate in _RATES)

    def lead_s(self, first: AudioFrame) -> float:
        """How long after the file's own start the first frame sounds: a video's sound may begin late."""
        if first.time is None or self.container.start_time is None:
            return 0.0
        return max(0.0, float(first.time) - self.container.start_time / av.time_base)


@contextmanager
def open_sound(path: Path) -> Iterator[Sound]:
    """Opens a song with the one demuxer its content asks for, through our own file object: FFmpeg gets no protocol.

    Raises BadInput (FILE_MISSING, FILE_EMPTY), BadSong (SONG_NOT_AUDIO, SONG_IS_PLAYLIST, SONG_DAMAGED).
    """
    demuxer = song_type(path).container
    if demuxer not in _DEMUXERS:
        raise BadSong(ErrorCode.SONG_NOT_AUDIO, f"{demuxer} is not for songs")
    with path.open("rb") as file:
        try:
            container = _open(file, demuxer)
        except (av.error.FFmpegError, ValueError) as error:
            raise BadSong(ErrorCode.SONG_DAMAGED, f"{demuxer}: {error}") from error
        with container:
            yield Sound(container, _first_sound(container), demuxer)


class _OnlyThisFile:
    """A file object without a name, so that FFmpeg knows no folder to look for neighbours in."""

    def __init__(self, file: IO[bytes]) -> None:
        self.read, self.seek, self.tell = file.read, file.seek, file.tell


def _open(file: IO[bytes], demuxer: str) -> InputContainer:
    _limit_memory()
    return av.open(
        _OnlyThisFile(file),
        mode="r",
        format=demuxer,
        # belt and braces: io_open already refuses every second file, whatever the protocol
        container_options={
            "format_whitelist": av.ContainerFormat(demuxer, "r").name,
            "codec_whitelist": ",".join(SOUND_CODECS),
            "protocol_whitelist": "",
            "max_streams": str(_STREAMS_MAX),
        },
        metadata_errors="replace",
        buffer_size=_BUFFER_BYTES,
        io_open=_refuse,
    )


@cache
def _limit_memory() -> None:
    """`av_max_alloc` (libavutil/mem.h), which PyAV links but does not offer; it holds for the whole process."""
    ctypes.CDLL(av._core.__file__).av_max_alloc(ctypes.c_size_t(_LARGEST_BLOCK_BYTES))


def _refuse(url: str, flags: int, options: dict[str, str]) -> Never:
    raise PermissionError("a song may not open other files")


def _first_sound(container: InputContainer) -> AudioStream:
    streams = container.streams.audio
    if not streams:
        raise BadSong(ErrorCode.SONG_NOT_AUDIO, f"{container.format.name} without sound")
    first = streams[0]
    codec = first.codec_context.name if first.codec_context else "none"
    if codec not in SOUND_CODECS:
        raise BadSong(ErrorCode.SONG_NOT_AUDIO, f"codec {codec} is not for songs")
    if first.codec_context.sample_rate not in _RATES:
        raise BadSong(ErrorCode.SONG_DAMAGED, f"{first.codec_context.sample_rate} samples a second")
    return first


def stereo(frame: AudioFrame) -> Samples:
    """One frame as [n, 2] float32 in -1..1: mono doubled, surround mixed down, not-a-number silenced."""
    array = frame.to_ndarray()
    channels = frame.layout.nb_channels
    planes = array if frame.format.is_planar else array.reshape(-1, channels).T
    sample = frame.format.packed.name
    if sample in _FULL_SCALE:
        scale = _FULL_SCALE[sample]
        planes = planes.astype(np.float32) * np.float32(1 / scale) - (1.0 if sample == "u8" else 0.0)
    else:  # a file of floating-point samples may hold anything
        planes = np.clip(np.nan_to_num(planes, nan=0.0), -LOUDEST, LOUDEST).astype(np.float32)
    speakers = tuple(channel.name for channel in frame.layout.channels)
    return np.asarray(planes.T @ _downmix(speakers), np.float32)


@lru_cache(maxsize=32)
def _downmix(speakers: tuple[str, ...]) -> NDArray[np.float32]:
    """Weights [channels, 2] of loudspeakers; scaled so that nothing clips when all of them are at full level."""
    if len(speakers) <= 2:
        return np.eye(2, dtype=np.float32) if len(speakers) == 2 else np.ones((1, 2), np.float32)
    if speakers[0] not in _DOWNMIX:
        speakers = _UNNAMED.get(len(speakers), speakers)
    weights = np.array([_DOWNMIX.get(speaker, (0.5, 0.5)) for speaker in speakers], np.float32)
    return np.asarray(weights / max(1.0, float(weights.sum(axis=0).max())), np.float32)
