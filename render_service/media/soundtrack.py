"""The sound of the finished video: the song's own AAC packets where they fit as they are, else encoded from samples."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import av.error
import numpy as np
from av.audio.frame import AudioFrame
from av.container import OutputContainer

from render_service.media.decode import AnyPacket, Sound, open_sound
from render_service.media.fit import sound_bit_rate
from render_service.media.resample import stereo_blocks
from render_service.stages import Samples

AAC_RATES = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000)
"""The sampling frequencies of AAC (ISO/IEC 14496-3, table 1.18) down to 8 kHz."""
_OTHER_RATE = 48_000
PACKET_SAMPLES = 1024
"""Of AAC-LC; players take this for granted (ISO/IEC 14496-3, 4.5.2.1.1)."""
_ADTS_DEMUXERS, _ADTS_BLOCKS_AT = ("aac", "mpegts"), 6
"""The byte of an ADTS header whose last two bits are the number of further blocks (ISO/IEC 13818-7, 6.2.1)."""
_JITTER_S = 0.002
"""Matroska rounds times to milliseconds; anything beyond is a hole."""


@dataclass(frozen=True)
class AacTrack:
    """AAC-LC packets without holes. first: position of the first, in samples; negative where it only primes."""

    first: int
    count: int
    size_bytes: int
    rate: int

    @property
    def duration_s(self) -> float:
        return (self.first + self.count * PACKET_SAMPLES) / self.rate


def find_aac(song: Path) -> AacTrack | None:
    """Decodes every packet of a song; None where they can't be copied into an MP4 and play at the same times."""
    with open_sound(song) as sound:
        context = sound.stream.codec_context
        if context.name != "aac" or context.profile != "LC" or context.sample_rate not in AAC_RATES:
            return None
        rate, times, size = context.sample_rate, [], 0
        for packet in sound.packets():
            if packet.pts is None or not _is_sound(sound, packet, rate):
                return None
            times.append(float(packet.pts * sound.time_base))
            size += packet.size
        start_s = (sound.container.start_time or 0) / av.time_base
    if not times:
        return None
    expected = times[0] + np.arange(len(times)) * PACKET_SAMPLES / rate
    if np.abs(expected - times).max() > _JITTER_S or times[0] - start_s > _JITTER_S:
        return None
    return AacTrack(round((times[0] - start_s) * rate), len(times), size, rate)


def _is_sound(sound: Sound, packet: AnyPacket, rate: int) -> bool:
    """Whether a packet decodes by itself to one block at the rate its header promised (HE-AAC doubles it)."""
    if sound.demuxer in _ADTS_DEMUXERS and (packet.size <= _ADTS_BLOCKS_AT or bytes(packet)[_ADTS_BLOCKS_AT] & 3):
        return False  # no header, or several blocks in one packet, which MP4 does not hold
    try:
        frames = sound.stream.decode(packet)
    except av.error.FFmpegError:
        return False
    return all(frame.samples <= PACKET_SAMPLES and frame.sample_rate == rate for frame in frames)


def copied(out: OutputContainer, sound: Sound, track: AacTrack, duration_s: float) -> Iterator[AnyPacket]:
    """Adds a stream to `out`, returns the packets of the song's first `duration_s`; the last one is cut short."""
    stream = out.add_stream_from_template(sound.stream)
    stream.time_base = time_base = Fraction(1, track.rate)
    end = round(duration_s * track.rate)

    def packets() -> Iterator[AnyPacket]:
        for index, packet in enumerate(sound.packets()):
            position = track.first + index * PACKET_SAMPLES
            if position >= end:
                return
            packet.stream = stream
            packet.time_base = time_base
            packet.pts = packet.dts = position
            packet.duration = min(PACKET_SAMPLES, end - position)
            yield packet

    return packets()


def encoded(
    out: OutputContainer, sound: Sound, *, start_s: float, duration_s: float, room: float | None
) -> Iterator[AnyPacket]:
    """Adds a stream to `out`, returns its packets: AAC-LC of exactly `duration_s`, silence where the song has ended.

    At the song's own rate where AAC knows it. room: bits a second that may be used, or None.
    Raises BadOption (VIDEO_CANNOT_FIT); the packets raise BadSong (SONG_DAMAGED).
    """
    context = sound.stream.codec_context
    rate = context.sample_rate if context.sample_rate in AAC_RATES else _OTHER_RATE
    layout = "mono" if context.channels == 1 else "stereo"
    channels = 1 if layout == "mono" else 2
    bit_rate = sound_bit_rate(rate=rate, channels=channels, room=room)
    stream = out.add_stream("aac", rate=rate, layout=layout, bit_rate=bit_rate)
    count = round(duration_s * rate)

    def packets() -> Iterator[AnyPacket]:
        done = 0
        blocks = stereo_blocks(sound, rate=rate, start_s=start_s, end_s=start_s + duration_s)
        for block in chain(blocks, _silence(rate, count)):
            samples = block[: count - done, :channels]
            if len(samples):
                yield from stream.encode(_audio_frame(samples, layout, rate, done))
            done += len(samples)
        yield from stream.encode(None)

    return packets()


def _silence(rate: int, count: int) -> Iterator[Samples]:
    """As much as a whole song could lack, a second at a time."""
    return (np.zeros((rate, 2), np.float32) for _ in range(count // rate + 1))


def _audio_frame(samples: Samples, layout: str, rate: int, position: int) -> AudioFrame:
    frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples.T), format="fltp", layout=layout)
    frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), position
    return frame
