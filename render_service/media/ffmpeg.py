"""The ffmpeg program: what it is told, as argv lists, and one way to run it that raises with the tail of its stderr.

It only ever reads raw frames of ours from its standard input: files of strangers are opened by `decode` alone.
"""

import contextlib
import subprocess
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import IO, cast

import imageio_ffmpeg

from render_service.stages import FrameSize, VideoRate
from shared.errors import ErrorCode, Fault

VBV_S = 0.5
"""How much of the ceiling's bit rate the decoder's buffer holds. A key frame must fit in."""

_PRESET = "veryfast"
"""4 to 7 ms a frame at 512 high; superfast needs 5 % more bits for the same SSIM, faster takes half as long again."""
_TUNE = "grain"
"""Keeps the texture of skin, canvas and print, which x264 otherwise smooths away (docs/quality.md, "sharpness")."""
_KEY_FRAME_S = 5
_STDERR_TAIL_CHARS = 2_000

_TO_BT709 = (
    "scale=in_range=pc:out_range=tv:out_color_matrix=bt709:flags=bicubic+accurate_rnd+full_chroma_int+bitexact,"
    "format=yuv420p,setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
)
"""Converted with the matrix that is tagged (ITU-R BT.709-6), in arithmetic that is the same on every processor."""


def encode_argv(out: Path, *, size: FrameSize, fps: int, rate: VideoRate) -> list[str]:
    """RGB frames on standard input to an MP4 of H.264 High in `out`.

    The stream's parameter sets depend on these arguments alone, so segments of one job join; one thread, because every
    core encodes a segment of its own, and because x264's output depends on the number of threads.
    """
    return [
        *(_program(), "-hide_banner", "-nostdin", "-loglevel", "error", "-y"),
        *("-filter_threads", "1", "-f", "rawvideo", "-pix_fmt", "rgb24"),
        *("-video_size", f"{size.width}x{size.height}", "-framerate", str(fps), "-i", "pipe:0"),
        *("-map", "0:v", "-vf", _TO_BT709, "-fps_mode", "passthrough"),
        *("-c:v", "libx264", "-preset", _PRESET, "-tune", _TUNE, "-profile:v", "high"),
        *("-threads", "1"),
        *("-crf", str(rate.crf), *_ceiling(rate)),
        *("-g", str(_KEY_FRAME_S * fps), "-flags", "+cgop+bitexact", "-fflags", "+bitexact"),
        *("-f", "mp4", f"file:{out}"),
    ]


def _ceiling(rate: VideoRate) -> tuple[str, ...]:
    if rate.max_bit_rate is None:
        return ()
    return ("-maxrate", str(rate.max_bit_rate), "-bufsize", str(round(rate.max_bit_rate * VBV_S)))


@cache
def _program() -> str:
    return str(imageio_ffmpeg.get_ffmpeg_exe())


def run(argv: list[str], chunks: Iterable[memoryview]) -> None:
    """Feeds a program's standard input and waits for it.

    Its stderr goes to a file, not a pipe, so neither side can wait for the other. Whatever `chunks` raises, as
    `Cancelled`, ends the program and is raised on. Raises Fault (MEDIA_TOOL_FAILED) with the tail of stderr.
    """
    with tempfile.TemporaryFile() as stderr:
        try:
            process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=stderr)
        except OSError as error:
            raise Fault(ErrorCode.MEDIA_TOOL_FAILED, f"{argv[0]}: {error}") from error
        stdin = cast("IO[bytes]", process.stdin)
        try:
            _feed(stdin, chunks)
            status = process.wait()
        finally:
            _end(process, stdin)
        if status:
            stderr.seek(0)
            tail = stderr.read().decode(errors="replace").strip()[-_STDERR_TAIL_CHARS:]
            raise Fault(ErrorCode.MEDIA_TOOL_FAILED, f"{Path(argv[0]).name} ended with {status}: {tail}")


def _feed(stdin: IO[bytes], chunks: Iterable[memoryview]) -> None:
    """Stops quietly where the program stops listening: its status says why."""
    for chunk in chunks:
        try:
            stdin.write(chunk)
        except BrokenPipeError:
            break
    with contextlib.suppress(BrokenPipeError):
        stdin.close()


def _end(process: "subprocess.Popen[bytes]", stdin: IO[bytes]) -> None:
    if process.poll() is None:
        process.kill()
        process.wait()
    with contextlib.suppress(OSError):
        stdin.close()
