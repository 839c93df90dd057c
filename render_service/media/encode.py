"""Frames to segments, segments and the song's own sound to a video: `FfmpegEncoder`."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from render_service.media import ffmpeg
from render_service.media.fit import fit
from render_service.media.join import join
from render_service.media.report import count_frames
from render_service.stages import Frame, FrameSize, VideoRate
from shared.errors import ErrorCode, Fault


class FfmpegEncoder:
    """`Encoder`: H.264 High and AAC-LC in MP4."""

    def plan(
        self, size: FrameSize, *, fps: int, duration_s: float, max_bytes: int | None
    ) -> tuple[FrameSize, VideoRate]:
        """Fits a limit by bit rate, then by height. Raises BadOption (VIDEO_CANNOT_FIT)."""
        return fit(size, fps=fps, duration_s=duration_s, max_bytes=max_bytes)

    def segment(self, frames: Iterable[Frame], out: Path, *, size: FrameSize, fps: int, rate: VideoRate) -> int:
        """Writes one segment, an MP4 of pictures only, whole or not at all; returns its number of frames.

        Whatever `frames` raises ends the encoder and is raised on.
        Raises Fault: MEDIA_TOOL_FAILED, INTERNAL for frames of another shape.
        """
        part = out.with_name(f".{out.name}.part")
        counted = _Counted(frames, size)
        try:
            ffmpeg.run(ffmpeg.encode_argv(part, size=size, fps=fps, rate=rate), counted.bytes())
            written = count_frames(part)
            if written != counted.count or written == 0:
                raise Fault(ErrorCode.MEDIA_TOOL_FAILED, f"{counted.count} frames in, {written} out")
            part.replace(out)
        finally:
            part.unlink(missing_ok=True)
        return written

    def join(
        self,
        segments: Iterable[Path],
        song: Path,
        out: Path,
        *,
        fps: int,
        start_s: float,
        duration_s: float,
        max_bytes: int | None = None,
    ) -> None:
        """Joins without re-encoding pictures, adds the song's sound, writes `out` whole or not at all.

        Raises BadSong, BadOption (VIDEO_CANNOT_FIT), Fault (MEDIA_TOOL_FAILED).
        """
        join(segments, song, out, fps=fps, start_s=start_s, duration_s=duration_s, max_bytes=max_bytes)


class _Counted:
    """Frames on their way into a pipe: checked, counted, not copied."""

    def __init__(self, frames: Iterable[Frame], size: FrameSize) -> None:
        self._frames, self._shape = frames, (size.height, size.width, 3)
        self.count = 0

    def bytes(self) -> Iterator[memoryview]:
        for frame in self._frames:
            if frame.shape != self._shape or frame.dtype != np.uint8:
                raise Fault(ErrorCode.INTERNAL, f"a frame of {frame.shape} {frame.dtype}, not {self._shape} uint8")
            self.count += 1
            yield np.ascontiguousarray(frame).data
