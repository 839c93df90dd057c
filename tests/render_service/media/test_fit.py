"""A limit in bytes is kept by bit rate, then by height, even where the pictures are noise."""

from collections.abc import Callable
from pathlib import Path

import pytest

from render_service.media.encode import FfmpegEncoder
from render_service.media.fit import sound_bit_rate
from render_service.media.report import inspect_video
from render_service.stages import FrameSize
from shared.errors import BadOption, ErrorCode
from tests.render_service.media.films import noise

ENCODER = FfmpegEncoder()
LARGE = FrameSize(512, 720)


def test_without_a_limit_nothing_is_changed() -> None:
    size, rate = ENCODER.plan(LARGE, fps=25, duration_s=600, max_bytes=None)
    assert size == LARGE
    assert rate.max_bit_rate is None


def test_bit_rate_gives_way_before_height() -> None:
    plans = [ENCODER.plan(LARGE, fps=25, duration_s=60, max_bytes=n * 1_000_000) for n in range(2, 40)]
    rates = [rate.max_bit_rate for _, rate in plans]
    heights = [size.height for size, _ in plans]
    assert rates == sorted(rates)
    assert heights == sorted(heights)
    assert heights[0] < LARGE.height
    assert heights[12:] == [LARGE.height] * len(heights[12:])


def test_smaller_sizes_are_even_and_keep_the_shape() -> None:
    for megabytes in (1.2, 1.5, 2, 3, 4):
        size, _ = ENCODER.plan(LARGE, fps=25, duration_s=60, max_bytes=int(megabytes * 1e6))
        assert size.width % 2 == size.height % 2 == 0
        assert size.height >= 256
        assert size.width / size.height == pytest.approx(512 / 720, abs=0.01)


def test_pictures_smaller_than_the_least_height_stay_as_they_are() -> None:
    small = FrameSize(120, 200)
    assert ENCODER.plan(small, fps=25, duration_s=60, max_bytes=1_500_000)[0] == small


@pytest.mark.parametrize(
    ("seconds", "max_bytes", "named_mb"), [(60, 10, 0.1), (60, 300_000, 0.3), (600, 5_000_000, 4.8)]
)
def test_a_limit_that_makes_no_sense_is_refused(seconds: float, max_bytes: int, named_mb: float) -> None:
    with pytest.raises(BadOption) as raised:
        ENCODER.plan(LARGE, fps=25, duration_s=seconds, max_bytes=max_bytes)
    assert raised.value.code is ErrorCode.VIDEO_CANNOT_FIT
    assert raised.value.params == {"limit_mb": named_mb}


def test_ten_megabytes_hold_three_minutes() -> None:
    size, rate = ENCODER.plan(FrameSize(512, 512), fps=25, duration_s=180, max_bytes=10 * 1024**2)
    assert size.height >= 320
    assert rate.max_bit_rate is not None
    assert rate.max_bit_rate > 200_000


def test_the_sound_takes_what_is_left() -> None:
    assert sound_bit_rate(rate=44_100, channels=2, room=None) == 192_000
    assert sound_bit_rate(rate=44_100, channels=1, room=None) == 96_000
    assert sound_bit_rate(rate=8_000, channels=2, room=None) == 64_000
    assert 90_000 < sound_bit_rate(rate=44_100, channels=2, room=100_000) < 100_000
    with pytest.raises(BadOption):
        sound_bit_rate(rate=44_100, channels=2, room=10_000)


@pytest.mark.parametrize("max_bytes", [250_000, 500_000, 1_500_000])
@pytest.mark.parametrize("recipe", ["mp3", "m4a"])
def test_noise_keeps_the_limit(max_bytes: int, recipe: str, song: Callable[[str], Path], tmp_path: Path) -> None:
    fps, counts = 25, (34, 33, 33)
    size, rate = ENCODER.plan(FrameSize(360, 480), fps=fps, duration_s=4.0, max_bytes=max_bytes)
    segments = [tmp_path / str(i) for i in range(3)]
    for path, count in zip(segments, counts, strict=True):
        ENCODER.segment(noise(count, size, seed=count), path, size=size, fps=fps, rate=rate)
    out = tmp_path / "out.mp4"
    ENCODER.join(segments, song(recipe), out, fps=fps, start_s=0, duration_s=4.0, max_bytes=max_bytes)
    report = inspect_video(out)
    assert 0.4 * max_bytes < report.size_bytes == out.stat().st_size <= max_bytes
    assert report.frames == 100
