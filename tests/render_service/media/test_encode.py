"""Segments: every frame arrives, in the right colours, the same each time; what goes wrong leaves nothing behind."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import PictureType

from render_service.media import ffmpeg
from render_service.media.encode import FfmpegEncoder
from render_service.stages import Frame, FrameSize, VideoRate
from shared.errors import Cancelled, ErrorCode, Fault
from tests.render_service.media.films import RATE, SMALL, decoded, moving, noise

ENCODER = FfmpegEncoder()


@pytest.mark.parametrize("fps", [24, 25, 30, 50, 60])
def test_every_frame_has_its_own_time(fps: int, tmp_path: Path) -> None:
    out = tmp_path / "segment"
    assert ENCODER.segment(moving(fps + 7), out, size=SMALL, fps=fps, rate=RATE) == fps + 7
    times = [time for time, _ in decoded(out)]
    assert times == pytest.approx([i / fps for i in range(fps + 7)], abs=1e-9)
    assert list(tmp_path.iterdir()) == [out]


def test_the_stream_is_what_every_player_plays(tmp_path: Path) -> None:
    ENCODER.segment(moving(30), tmp_path / "segment", size=SMALL, fps=25, rate=RATE)
    with av.open(str(tmp_path / "segment")) as container:
        context = container.streams.video[0].codec_context
        assert (context.name, context.profile, context.pix_fmt) == ("h264", "High", "yuv420p")
        bt709, limited = 1, 1
        assert (context.color_primaries, context.color_trc, context.colorspace) == (bt709, bt709, bt709)
        assert context.color_range == limited
        assert PictureType.B in {frame.pict_type for frame in container.decode(video=0)}


def test_colours_are_converted_with_the_matrix_that_is_tagged(tmp_path: Path) -> None:
    """ITU-R BT.709-6, item 3: the luma of full red is 0.2126, of full green 0.7152."""
    bars = np.array(
        [(255, 255, 255), (0, 0, 0), (255, 0, 0), (0, 255, 0), (0, 0, 255), (128, 128, 128), (200, 150, 120)],
        np.float64,
    )
    frame = np.repeat(np.repeat(bars.astype(np.uint8)[None], 32, axis=1), 64, axis=0)
    size = FrameSize(frame.shape[1], frame.shape[0])
    ENCODER.segment([frame] * 5, tmp_path / "bars", size=size, fps=25, rate=VideoRate(crf=10))
    _, planes = decoded(tmp_path / "bars")[2]
    seen = _patches(planes, size, len(bars))
    red, green, blue = bars.T / 255
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    expected = [16 + 219 * luma, 128 + 224 * (blue - luma) / 1.8556, 128 + 224 * (red - luma) / 1.5748]
    np.testing.assert_allclose(seen, np.array(expected), atol=1.6)


def _patches(planes: np.ndarray, size: FrameSize, count: int) -> np.ndarray:
    """Means [3, count] of Y, U and V in the middle of each bar."""
    luma = planes[: size.height]
    chroma = planes[size.height :].reshape(2, size.height // 2, size.width // 2)
    means = [luma[:, 32 * i + 12 : 32 * i + 20].mean() for i in range(count)]
    return np.array([means, *([plane[:, 16 * i + 6 : 16 * i + 10].mean() for i in range(count)] for plane in chroma)])


def test_the_same_frames_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        ENCODER.segment(moving(40), tmp_path / name, size=SMALL, fps=25, rate=RATE)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_parameter_sets_do_not_depend_on_the_frames(tmp_path: Path) -> None:
    size = FrameSize(320, 240)
    sources = {"calm": (moving(3, size), 3), "wild": (noise(30, size), 30)}
    headers = set()
    for name, (frames, _) in sources.items():
        ENCODER.segment(frames, tmp_path / name, size=size, fps=25, rate=VideoRate(19, 500_000))
        with av.open(str(tmp_path / name)) as container:
            headers.add(container.streams.video[0].codec_context.extradata)
    assert len(headers) == 1


def test_the_largest_video_gets_its_level(tmp_path: Path) -> None:
    size = FrameSize(3840, 2160)
    ENCODER.segment([np.zeros((2160, 3840, 3), np.uint8)] * 2, tmp_path / "large", size=size, fps=60, rate=RATE)
    with av.open(str(tmp_path / "large")) as container:
        assert container.streams.video[0].codec_context.extradata[3] == 52


def test_a_frame_may_be_reused_for_the_next(tmp_path: Path) -> None:
    def reused() -> Iterator[Frame]:
        buffer = np.zeros((SMALL.height, SMALL.width, 3), np.uint8)
        for frame in moving(20):
            buffer[:] = frame
            yield buffer

    ENCODER.segment(reused(), tmp_path / "reused", size=SMALL, fps=25, rate=RATE)
    ENCODER.segment(moving(20), tmp_path / "fresh", size=SMALL, fps=25, rate=RATE)
    assert (tmp_path / "reused").read_bytes() == (tmp_path / "fresh").read_bytes()


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> "list[subprocess.Popen[bytes]]":
    """Every program the test started, in order."""
    programs: list[subprocess.Popen[bytes]] = []

    class Remembered(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *args: object, **options: object) -> None:
            super().__init__(*args, **options)  # type: ignore[call-overload]
            programs.append(self)

    monkeypatch.setattr(subprocess, "Popen", Remembered)
    return programs


def test_cancelling_ends_the_encoder_and_leaves_nothing(
    tmp_path: Path, started: "list[subprocess.Popen[bytes]]"
) -> None:
    def cancelled() -> Iterator[Frame]:
        yield from moving(5)
        raise Cancelled

    with pytest.raises(Cancelled):
        ENCODER.segment(cancelled(), tmp_path / "segment", size=SMALL, fps=25, rate=RATE)
    assert [program.poll() is not None for program in started] == [True]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("frames_before", [0, 10])
def test_an_encoder_that_dies_is_our_fault(
    frames_before: int, tmp_path: Path, started: "list[subprocess.Popen[bytes]]"
) -> None:
    def deadly() -> Iterator[Frame]:
        size = FrameSize(512, 512)
        yield from moving(frames_before, size)
        started[0].kill()
        started[0].wait()
        yield from moving(10, size)

    with pytest.raises(Fault) as raised:
        ENCODER.segment(deadly(), tmp_path / "segment", size=FrameSize(512, 512), fps=25, rate=RATE)
    assert raised.value.code is ErrorCode.MEDIA_TOOL_FAILED
    assert list(tmp_path.iterdir()) == []


def test_the_fault_says_what_the_encoder_said(tmp_path: Path) -> None:
    with pytest.raises(Fault) as raised:
        ENCODER.segment(moving(3), tmp_path / "missing" / "segment", size=SMALL, fps=25, rate=RATE)
    assert raised.value.code is ErrorCode.MEDIA_TOOL_FAILED
    assert "No such file" in raised.value.detail


def test_a_program_that_is_missing_is_our_fault() -> None:
    with pytest.raises(Fault) as raised:
        ffmpeg.run(["/nowhere/ffmpeg"], [])
    assert raised.value.code is ErrorCode.MEDIA_TOOL_FAILED


def test_no_frames_at_all_are_a_fault(tmp_path: Path) -> None:
    with pytest.raises(Fault):
        ENCODER.segment([], tmp_path / "segment", size=SMALL, fps=25, rate=RATE)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("frame", [np.zeros((64, 98, 3), np.uint8), np.zeros((64, 96, 3), np.float32)])
def test_frames_of_another_shape_are_a_bug(frame: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(Fault) as raised:
        ENCODER.segment([frame], tmp_path / "segment", size=SMALL, fps=25, rate=RATE)
    assert raised.value.code is ErrorCode.INTERNAL
    assert list(tmp_path.iterdir()) == []


def test_names_that_look_like_protocols_are_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("http:segment", "-segment %d"):
        assert ENCODER.segment(moving(3), Path(name), size=SMALL, fps=25, rate=RATE) == 3
        assert (tmp_path / name).is_file()
