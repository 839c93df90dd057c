"""Segments and a song to the finished MP4: pictures copied packet by packet, the song's own sound under them."""

import heapq
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import av.error
from av.container import InputContainer, OutputContainer
from av.video.stream import VideoStream

from render_service.media.decode import AnyPacket, open_sound
from render_service.media.fit import container_bytes, megabytes
from render_service.media.report import check_video, count_frames, inspect_video
from render_service.media.soundtrack import PACKET_SAMPLES, AacTrack, copied, encoded, find_aac
from shared.errors import BadOption, ErrorCode, Fault

COMMENT = "Made with Serenade: AI-generated performance"
"""The only metadata of the file: nothing of the song's tags, cover or place goes along."""
_MUXER = {"movflags": "+faststart", "fflags": "+bitexact"}


def join(
    segments: Iterable[Path],
    song: Path,
    out: Path,
    *,
    fps: int,
    start_s: float,
    duration_s: float,
    max_bytes: int | None = None,
) -> None:
    """Writes `out` whole or not at all; pictures and sound are equally long within a frame, and start together.

    The song's AAC packets are copied where they can be: from the song's beginning, and within `max_bytes`. Otherwise
    the sound is encoded, with what the pictures leave of `max_bytes`.
    Raises BadSong, BadOption (VIDEO_CANNOT_FIT), Fault (MEDIA_TOOL_FAILED).
    """
    paths = list(segments)
    counts = [count_frames(path) for path in paths]
    frames = sum(counts)
    duration_s = _checked_duration_s(frames, fps, duration_s)
    room = None if max_bytes is None else _room(paths, duration_s, fps, max_bytes)
    track = None if start_s > 0 else _copyable(song, duration_s, fps, room)
    with _whole_or_not(out) as part, _muxing(part) as container, open_sound(song) as sound:
        pictures = _pictures(container, paths, counts, fps)
        if track:
            heard = copied(container, sound, track, duration_s)
        else:
            heard = encoded(container, sound, start_s=start_s, duration_s=duration_s, room=room)
        for packet in heapq.merge(pictures, heard, key=_decoding_time):
            container.mux(packet)
        container.close()
        _check(part, frames, fps, max_bytes)


def _checked_duration_s(frames: int, fps: int, duration_s: float) -> float:
    """The pictures' own length, which the sound follows. Raises Fault where a segment is missing."""
    if frames == 0 or abs(frames / fps - duration_s) > 1 / fps:
        raise Fault(ErrorCode.MEDIA_TOOL_FAILED, f"the segments hold {frames} frames, not {duration_s:.3f} s of them")
    return frames / fps


def _room(paths: list[Path], duration_s: float, fps: int, max_bytes: int) -> float:
    """Bits a second that the pictures leave for the sound."""
    pictures = sum(path.stat().st_size for path in paths)
    return 8 * (max_bytes - pictures - container_bytes(duration_s, fps)) / duration_s


def _copyable(song: Path, duration_s: float, fps: int, room: float | None) -> AacTrack | None:
    track = find_aac(song)
    if track is None or track.duration_s < duration_s - 0.5 / fps:
        return None
    bit_rate = 8 * track.size_bytes / (track.count * PACKET_SAMPLES / track.rate)
    return track if room is None or bit_rate <= room else None


@contextmanager
def _muxing(part: Path) -> Iterator[OutputContainer]:
    try:
        with av.open(f"file:{part}", "w", format="mp4", container_options=_MUXER) as container:
            container.metadata["comment"] = COMMENT
            yield container
    except av.error.FFmpegError as error:
        raise Fault(ErrorCode.MEDIA_TOOL_FAILED, f"joining: {error}") from error


@contextmanager
def _whole_or_not(out: Path) -> Iterator[Path]:
    """A file beside `out` that takes its place, flushed to disk, once the block has ended well."""
    part = out.with_name(f".{out.name}.{secrets.token_hex(4)}.part")
    try:
        yield part
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)


def _pictures(container: OutputContainer, paths: list[Path], counts: list[int], fps: int) -> Iterator[AnyPacket]:
    """Adds the stream now; the packets follow, each segment's times behind the frames before it."""
    with _segment(paths[0]) as segment:
        first = segment.streams.video[0]
        stream: VideoStream = container.add_stream_from_template(first, opaque=True)
        header, time_base = first.codec_context.extradata, first.time_base
    ticks = round(1 / (fps * (time_base or Fraction(1, fps))))

    def packets() -> Iterator[AnyPacket]:
        done = 0
        for path, count in zip(paths, counts, strict=True):
            with _segment(path) as segment:
                source = segment.streams.video[0]
                if (source.codec_context.extradata, source.time_base) != (header, time_base):
                    raise Fault(ErrorCode.MEDIA_TOOL_FAILED, f"{path.name} was encoded with other settings")
                for packet in segment.demux(source):
                    if packet.pts is not None and packet.dts is not None:
                        packet.pts, packet.dts = packet.pts + done * ticks, packet.dts + done * ticks
                        packet.stream = stream
                        yield packet
            done += count

    return packets()


@contextmanager
def _segment(path: Path) -> Iterator[InputContainer]:
    with av.open(f"file:{path}", format="mp4") as container:
        yield container


def _decoding_time(packet: AnyPacket) -> float:
    return float((packet.dts or 0) * packet.time_base)


def _check(part: Path, frames: int, fps: int, max_bytes: int | None) -> None:
    report = inspect_video(part)
    check_video(report, frames=frames, fps=fps)
    if max_bytes is not None and report.size_bytes > max_bytes:
        limit_mb = megabytes(max_bytes)
        raise BadOption(ErrorCode.VIDEO_CANNOT_FIT, f"{report.size_bytes} bytes came out", limit_mb=limit_mb)
