"""Measures a video of ours on the file: frames counted, lengths of pictures and sound."""

from dataclasses import dataclass
from pathlib import Path

import av
import av.error
from av.container import InputContainer

from shared.errors import ErrorCode, Fault


@dataclass(frozen=True)
class VideoReport:
    """What is in a file, by its packets. sound_s: how long its sound plays, 0 where there is none."""

    frames: int
    width: int
    height: int
    fps: int
    duration_s: float
    sound_s: float
    sound_codec: str | None
    size_bytes: int


def count_frames(path: Path) -> int:
    """Frames in a segment. Raises Fault (MEDIA_TOOL_FAILED) where it can't be read."""
    try:
        with av.open(f"file:{path}", format="mp4") as container:
            return sum(packet.size > 0 for packet in container.demux(video=0))
    except (av.error.FFmpegError, IndexError) as error:
        raise Fault(ErrorCode.MEDIA_TOOL_FAILED, f"{path.name} can't be read: {error}") from error


def inspect_video(path: Path) -> VideoReport:
    """Reads every packet of a video of ours; strangers' files go through `songs`.

    Raises Fault (MEDIA_TOOL_FAILED) where it can't be read or has no pictures.
    """
    try:
        with av.open(f"file:{path}", format="mp4") as container:
            return _measured(container, path.stat().st_size)
    except (av.error.FFmpegError, IndexError) as error:
        raise Fault(ErrorCode.MEDIA_TOOL_FAILED, f"{path.name} can't be read: {error}") from error


def check_video(report: VideoReport, *, frames: int, fps: int) -> None:
    """Raises Fault (MEDIA_TOOL_FAILED) where frames are missing, or the sound is, or is not as long as the pictures."""
    if report.frames != frames or report.fps != fps:
        raise Fault(
            ErrorCode.MEDIA_TOOL_FAILED, f"{report.frames} frames at {report.fps}, {frames} at {fps} were joined"
        )
    if abs(report.sound_s - frames / fps) > 1 / fps:
        raise Fault(ErrorCode.MEDIA_TOOL_FAILED, f"{report.sound_s:.3f} s of sound under {frames / fps:.3f} s")


def _measured(container: InputContainer, size_bytes: int) -> VideoReport:
    pictures = container.streams.video[0]
    sound = container.streams.audio[0] if container.streams.audio else None
    frames, ends = 0, {stream.index: 0.0 for stream in container.streams}
    for packet in container.demux():
        if packet.size and packet.pts is not None:
            frames += packet.stream_index == pictures.index
            end = float((packet.pts + (packet.duration or 0)) * packet.time_base)
            ends[packet.stream_index] = max(ends[packet.stream_index], end)
    return VideoReport(
        frames=frames,
        width=pictures.width,
        height=pictures.height,
        fps=round(pictures.average_rate or 0),
        duration_s=ends[pictures.index],
        sound_s=ends[sound.index] if sound else 0.0,
        sound_codec=sound.codec_context.name if sound else None,
        size_bytes=size_bytes,
    )
