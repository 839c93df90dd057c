"""The finished video: pictures untouched, each at its time, and the song under them to the millisecond."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from render_service.media.encode import FfmpegEncoder
from render_service.media.join import COMMENT
from render_service.media.report import check_video, inspect_video
from render_service.media.songs import PyAVSongReader
from render_service.stages import VideoRate
from shared.errors import BadOption, BadSong, ErrorCode, Fault
from shared.settings import IntakeLimits
from tests.render_service.media.films import SMALL, decoded, make_segments, moving, packets
from tests.render_service.media.sounds import RATE, SECONDS, Sound, ffmpeg, lag_s, make_song

ENCODER = FfmpegEncoder()
MakeSong = Callable[[str], Path]
IN_SYNC_S = 0.002


@pytest.fixture(scope="module")
def segments(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Four seconds of 25 frames in three segments."""
    return make_segments(tmp_path_factory.mktemp("segments"), (40, 33, 27))


def heard(path: Path, start_s: float = 0.0, end_s: float | None = None) -> Sound:
    """A file's sound through our own reader, which other tests check against the source."""
    reader = PyAVSongReader(IntakeLimits())
    return np.concatenate(list(reader.blocks(path, rate=RATE, start_s=start_s, end_s=end_s)))


def test_every_frame_keeps_its_time_and_its_picture_across_joins(
    segments: list[Path], song: MakeSong, tmp_path: Path
) -> None:
    out = tmp_path / "out.mp4"
    ENCODER.join(segments, song("mp3"), out, fps=25, start_s=0, duration_s=4.0)
    joined = decoded(out)
    assert [time for time, _ in joined] == pytest.approx([i / 25 for i in range(100)], abs=1e-9)
    apart = [picture for path in segments for _, picture in decoded(path)]
    assert all(np.array_equal(picture, other) for (_, picture), other in zip(joined, apart, strict=True))
    assert packets(out, "video") == [packet for path in segments for packet in packets(path, "video")]


@pytest.mark.parametrize("fps", [24, 30, 50, 60])
def test_pictures_and_sound_are_equally_long_at_every_rate(fps: int, song: MakeSong, tmp_path: Path) -> None:
    frames = 2 * fps + 1
    paths = make_segments(tmp_path, (fps, fps + 1), fps)
    ENCODER.join(paths, song("m4a"), tmp_path / "out.mp4", fps=fps, start_s=0, duration_s=frames / fps)
    report = inspect_video(tmp_path / "out.mp4")
    assert (report.frames, report.fps) == (frames, fps)
    assert report.duration_s == pytest.approx(frames / fps, abs=1e-3)
    assert report.sound_s == pytest.approx(frames / fps, abs=1e-3)


@pytest.mark.parametrize(
    ("recipe", "rate", "channels"),
    [
        ("mp3", 44_100, 2),
        ("mono22k.wav", 22_050, 1),
        ("96k.flac", 96_000, 2),
        ("surround.wav", 44_100, 2),
        ("opus", 48_000, 2),
        ("m4a", 44_100, 2),
        ("aac", 44_100, 2),
        ("aac.mkv", 44_100, 2),
        ("mp4", 44_100, 2),
        ("ts", 44_100, 2),
    ],
)
@pytest.mark.parametrize("start_s", [0.0, 1.2345])
def test_the_sound_is_in_time_at_the_songs_own_rate(
    recipe: str, rate: int, channels: int, start_s: float, segments: list[Path], song: MakeSong, tmp_path: Path
) -> None:
    out, duration_s = tmp_path / "out.mp4", 1.6
    ENCODER.join(segments[:1], song(recipe), out, fps=25, start_s=start_s, duration_s=duration_s)
    lag, agreement = lag_s(heard(out), heard(song(recipe), start_s, start_s + duration_s), RATE)
    assert abs(lag) < IN_SYNC_S
    assert agreement > 0.97
    with av.open(str(out)) as container:
        sound = container.streams.audio[0].codec_context
        assert (sound.name, sound.profile, sound.sample_rate, sound.channels) == ("aac", "LC", rate, channels)
    assert len(heard(out)) / RATE == pytest.approx(duration_s, abs=1 / 25)


@pytest.mark.parametrize("recipe", ["m4a", "mp4", "aac.mkv"])
def test_aac_from_the_beginning_is_copied(recipe: str, segments: list[Path], song: MakeSong, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    ENCODER.join(segments, song(recipe), out, fps=25, start_s=0, duration_s=4.0)
    copied = packets(out, "audio")
    assert copied == packets(song(recipe), "audio")[: len(copied)]
    assert len(copied) == pytest.approx(4.0 * RATE / 1024, abs=2)


def test_raw_aac_is_copied_without_its_transport_headers(segments: list[Path], song: MakeSong, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    ENCODER.join(segments, song("aac"), out, fps=25, start_s=0, duration_s=4.0)
    header_bytes = 7
    copied = packets(out, "audio")
    assert copied == [packet[header_bytes:] for packet in packets(song("aac"), "audio")[: len(copied)]]


def test_aac_with_a_broken_packet_is_encoded_instead(segments: list[Path], song: MakeSong, tmp_path: Path) -> None:
    data, path = bytearray(song("aac").read_bytes()), tmp_path / "broken"
    middle = data.index(b"\xff\xf1", len(data) // 2)
    data[middle + 7 : middle + 200] = bytes(193)
    path.write_bytes(data)
    ENCODER.join(segments, path, tmp_path / "out.mp4", fps=25, start_s=0, duration_s=4.0)
    copied = [packet[7:] for packet in packets(path, "audio")]
    assert packets(tmp_path / "out.mp4", "audio")[5:20] != copied[5:20]
    assert inspect_video(tmp_path / "out.mp4").sound_s == pytest.approx(4.0, abs=0.001)


def test_a_copied_stream_that_would_break_the_limit_is_encoded(
    segments: list[Path], song: MakeSong, tmp_path: Path
) -> None:
    out = tmp_path / "out.mp4"
    pictures = sum(path.stat().st_size for path in segments)
    limit = pictures + 20_000 + 40_000
    ENCODER.join(segments, song("m4a"), out, fps=25, start_s=0, duration_s=4.0, max_bytes=limit)
    assert out.stat().st_size <= limit
    assert packets(out, "audio")[:20] != packets(song("m4a"), "audio")[:20]
    with pytest.raises(BadOption) as raised:
        ENCODER.join(segments, song("m4a"), out, fps=25, start_s=0, duration_s=4.0, max_bytes=pictures + 18_000)
    assert raised.value.code is ErrorCode.VIDEO_CANNOT_FIT


def test_rates_that_aac_does_not_know_become_48_khz(segments: list[Path], sound: Sound, tmp_path: Path) -> None:
    for rate in (192_000, 37_800):
        path = tmp_path / "odd"
        ffmpeg("-f", "lavfi", "-i", f"anoisesrc=d=4:r={rate}:a=0.3", "-c:a", "pcm_s16le", "-f", "wav", path)
        ENCODER.join(segments[:1], path, tmp_path / "out.mp4", fps=25, start_s=0, duration_s=1.6)
        with av.open(str(tmp_path / "out.mp4")) as container:
            assert container.streams.audio[0].codec_context.sample_rate == 48_000


def test_a_song_that_ends_before_the_pictures_is_followed_by_silence(
    segments: list[Path], sound: Sound, tmp_path: Path
) -> None:
    for recipe in ("mp3", "m4a"):
        soundfile.write(tmp_path / "short.wav", sound[: 3 * RATE], RATE)
        short, out = make_song(tmp_path / "short", tmp_path / "short.wav", recipe), tmp_path / "out.mp4"
        ENCODER.join(segments, short, out, fps=25, start_s=0.5, duration_s=4.0)
        tail = heard(out)[round(2.7 * RATE) :]
        assert inspect_video(out).sound_s == pytest.approx(4.0, abs=0.001)
        assert np.abs(tail).max() < 1e-3


def test_nothing_of_the_songs_own_metadata_goes_along(segments: list[Path], song: MakeSong, tmp_path: Path) -> None:
    path, out = tmp_path / "private", tmp_path / "out.mp4"
    tags = {"title": "Xyzzy", "artist": "Plugh", "comment": "Frobozz", "location": "+52.5200+013.4050/"}
    options = [part for name, text in tags.items() for part in ("-metadata", f"{name}={text}")]
    language = ("-metadata:s:a", "language=deu")
    ffmpeg("-i", song("mp4"), "-c", "copy", *options, *language, "-f", "mov", path)
    assert [text for text in tags.values() if text.encode() not in path.read_bytes()] == []
    ENCODER.join(segments, path, out, fps=25, start_s=0, duration_s=4.0)
    data = out.read_bytes()
    assert [text for text in (*tags.values(), "Lavf") if text.encode() in data] == []
    with av.open(str(out)) as container:
        assert container.metadata["comment"] == COMMENT
        assert set(container.metadata) == {"comment", "major_brand", "minor_version", "compatible_brands"}
        assert [stream.metadata.get("language") for stream in container.streams] == ["und", "und"]
        assert len(container.streams) == 2


def test_the_file_can_be_played_while_it_is_still_loading(segments: list[Path], song: MakeSong, tmp_path: Path) -> None:
    ENCODER.join(segments, song("mp3"), tmp_path / "out.mp4", fps=25, start_s=0, duration_s=4.0)
    data = (tmp_path / "out.mp4").read_bytes()
    assert 0 < data.find(b"moov") < data.find(b"mdat")


def test_the_same_segments_and_song_give_the_same_bytes(segments: list[Path], song: MakeSong, tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        ENCODER.join(segments, song("mp3"), tmp_path / name, fps=25, start_s=0.5, duration_s=4.0)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_a_song_that_fails_leaves_what_was_there(segments: list[Path], song: MakeSong, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    out.write_bytes(b"an older video")
    (tmp_path / "broken").write_bytes(song("flac").read_bytes()[:9_000] + bytes(200_000))
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=64x64:duration=4", "-c:v", "libx264", "-f", "mp4", tmp_path / "mute")
    for name, code in {"broken": ErrorCode.SONG_DAMAGED, "mute": ErrorCode.SONG_NOT_AUDIO}.items():
        with pytest.raises(BadSong) as raised:
            ENCODER.join(segments, tmp_path / name, out, fps=25, start_s=0, duration_s=4.0)
        assert raised.value.code is code
    assert out.read_bytes() == b"an older video"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken", "mute", "out.mp4"]


def test_a_missing_segment_is_a_fault(segments: list[Path], song: MakeSong, tmp_path: Path) -> None:
    for wrong in (segments[:2], [*segments, tmp_path / "nowhere"], []):
        with pytest.raises(Fault):
            ENCODER.join(wrong, song("mp3"), tmp_path / "out.mp4", fps=25, start_s=0, duration_s=4.0)
    assert list(tmp_path.iterdir()) == []


def test_segments_of_different_settings_are_not_joined(segments: list[Path], song: MakeSong, tmp_path: Path) -> None:
    other, out = tmp_path / "other.seg", tmp_path / "out.mp4"
    ENCODER.segment(moving(27), other, size=SMALL, fps=25, rate=VideoRate(23, 80_000))
    with pytest.raises(Fault) as raised:
        ENCODER.join([*segments[:2], other], song("mp3"), out, fps=25, start_s=0, duration_s=4.0)
    assert raised.value.code is ErrorCode.MEDIA_TOOL_FAILED
    assert list(tmp_path.iterdir()) == [other]


def test_a_video_without_sound_does_not_pass(segments: list[Path]) -> None:
    report = inspect_video(segments[0])
    assert (report.frames, report.width, report.height, report.sound_codec) == (40, SMALL.width, SMALL.height, None)
    with pytest.raises(Fault):
        check_video(report, frames=40, fps=25)


def test_a_folder_that_cannot_be_written_is_a_fault(segments: list[Path], song: MakeSong, tmp_path: Path) -> None:
    with pytest.raises(Fault):
        ENCODER.join(segments, song("mp3"), tmp_path / "no" / "out.mp4", fps=25, start_s=0, duration_s=4.0)


def test_the_song_never_reaches_the_ffmpeg_program(
    segments: list[Path], song: MakeSong, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*arguments: object, **options: object) -> None:
        raise AssertionError("a program was started")

    monkeypatch.setattr(subprocess, "Popen", forbidden)
    ENCODER.join(segments, song("mp3"), tmp_path / "out.mp4", fps=25, start_s=0, duration_s=SECONDS)
    assert inspect_video(tmp_path / "out.mp4").sound_codec == "aac"
