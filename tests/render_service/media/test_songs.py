"""Every container gives back the sound that went in, at its own time; limits and damage have their own errors."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from render_service.media.decode import LOUDEST
from render_service.media.songs import PyAVSongReader
from shared.errors import BadInput, BadSong, ErrorCode
from shared.settings import IntakeLimits
from tests.render_service.media.sounds import CONTAINERS, RATE, SECONDS, Sound, ffmpeg, lag_s, make_song, make_sound

MakeSong = Callable[[str], Path]

WITHOUT_PRIMING = {"aac": 0.030, "ts": 0.030, "avi": 0.060, "mpg": 0.030}
"""Containers that cannot say how much of the beginning is the encoder's run-up: players hear it too. Seconds."""
LOSSY_AGREEMENT = 0.95


@pytest.fixture
def reader(limits: IntakeLimits) -> PyAVSongReader:
    return PyAVSongReader(limits)


def whole(reader: PyAVSongReader, path: Path, rate: int = RATE, **part: float) -> Sound:
    return np.concatenate(list(reader.blocks(path, rate=rate, **part)))


@pytest.mark.parametrize("recipe", CONTAINERS)
def test_every_container_plays_its_sound_at_its_own_time(
    recipe: str, song: MakeSong, sound: Sound, reader: PyAVSongReader
) -> None:
    facts = reader.probe(song(recipe))
    heard = whole(reader, song(recipe))
    lag, agreement = lag_s(heard, sound, RATE)
    assert 0 <= lag <= WITHOUT_PRIMING.get(recipe, 0.0005)
    assert agreement > LOSSY_AGREEMENT
    assert facts.duration_s == pytest.approx(SECONDS, abs=0.06)
    assert len(heard) == pytest.approx(facts.duration_s * RATE, abs=2)
    assert heard.dtype == np.float32
    assert np.abs(heard).max() <= 1.0


@pytest.mark.parametrize(
    ("recipe", "codec", "rate", "channels"),
    [
        ("mp3", "mp3", 44_100, 2),
        ("mono22k.wav", "pcm_s16le", 22_050, 1),
        ("96k.flac", "flac", 96_000, 2),
        ("surround.wav", "pcm_s16le", 44_100, 6),
        ("mp4", "aac", 44_100, 2),
        ("webm", "opus", 48_000, 2),
    ],
)
def test_facts_are_those_of_the_file(
    recipe: str, codec: str, rate: int, channels: int, song: MakeSong, reader: PyAVSongReader
) -> None:
    facts = reader.probe(song(recipe))
    assert (facts.codec, facts.sample_rate, facts.channels) == (codec, rate, channels)


def test_lossless_sound_at_its_own_rate_is_untouched(song: MakeSong, sound: Sound, reader: PyAVSongReader) -> None:
    np.testing.assert_array_equal(whole(reader, song("float.wav")), sound)


@pytest.mark.parametrize("recipe", ["mp3", "m4a", "96k.flac", "opus"])
@pytest.mark.parametrize("rate", [16_000, 22_050, 44_100])
def test_a_part_is_cut_to_the_sample(recipe: str, rate: int, song: MakeSong, reader: PyAVSongReader) -> None:
    start_s, end_s = 1.2345, 3.1
    part = whole(reader, song(recipe), rate, start_s=start_s, end_s=end_s)
    expected = whole(reader, song(recipe), rate)[round(start_s * rate) : round(end_s * rate)]
    np.testing.assert_allclose(part, expected, atol=1e-5)


def test_blocks_last_a_second_and_end_with_the_song(song: MakeSong, reader: PyAVSongReader) -> None:
    lengths = [len(block) for block in reader.blocks(song("wav"), rate=16_000, start_s=0.5, end_s=99.0)]
    assert lengths == [16_000, 16_000, 16_000, 8_000]


def test_a_part_beyond_the_end_is_empty(song: MakeSong, reader: PyAVSongReader) -> None:
    assert list(reader.blocks(song("mp3"), rate=16_000, start_s=10.0)) == []


def test_resampling_keeps_tones_and_removes_what_the_rate_cannot_hold(tmp_path: Path, reader: PyAVSongReader) -> None:
    time = np.arange(2 * 48_000) / 48_000
    path = tmp_path / "tones"
    soundfile.write(
        path, 0.4 * np.sin(2 * np.pi * 1_000 * time) + 0.4 * np.sin(2 * np.pi * 12_000 * time), 48_000, format="WAV"
    )
    heard = whole(reader, path, 16_000)[2_000:-2_000, 0]
    expected = 0.4 * np.sin(2 * np.pi * 1_000 * np.arange(2_000, 30_000) / 16_000)
    assert np.abs(heard - expected).max() < 1e-3


def test_mono_is_doubled_and_surround_mixed_without_clipping(tmp_path: Path, reader: PyAVSongReader) -> None:
    loud = np.full((RATE * 2, 6), 0.99, np.float32)
    loud[:, 3] = 0.0
    soundfile.write(tmp_path / "6.wav", loud, RATE, subtype="FLOAT", format="WAVEX")
    soundfile.write(tmp_path / "1.wav", loud[:, 0], RATE)
    surround, mono = whole(reader, tmp_path / "6.wav"), whole(reader, tmp_path / "1.wav")
    assert surround.shape == mono.shape == (RATE * 2, 2)
    assert surround.max() == pytest.approx(0.99, abs=1e-3)
    np.testing.assert_array_equal(mono[:, 0], mono[:, 1])


def test_a_voice_from_the_centre_is_heard_on_both_sides(tmp_path: Path, reader: PyAVSongReader) -> None:
    voice = np.zeros((RATE * 2, 6), np.float32)
    voice[:, 2] = 0.5
    soundfile.write(tmp_path / "6.wav", voice, RATE, subtype="FLOAT", format="WAVEX")
    heard = whole(reader, tmp_path / "6.wav")
    assert heard.min() == pytest.approx(0.5 * 0.7071 / 2.4142, abs=1e-3)


def test_a_song_that_changes_its_format_halfway_goes_on(
    song: MakeSong, sound: Sound, tmp_path: Path, reader: PyAVSongReader
) -> None:
    ffmpeg("-i", song("wav"), "-c:a", "aac", "-ar", "22050", "-ac", "1", "-f", "adts", tmp_path / "second")
    path = tmp_path / "both"
    path.write_bytes(song("aac").read_bytes() + (tmp_path / "second").read_bytes())
    heard = whole(reader, path)
    assert reader.probe(path).duration_s == pytest.approx(2 * SECONDS, abs=0.2)
    lag, agreement = lag_s(heard[round(SECONDS * RATE) :], sound, RATE)
    assert 0 < lag < 0.15
    assert agreement > 0.8


def test_sound_that_begins_late_in_a_video_begins_late(
    song: MakeSong, sound: Sound, tmp_path: Path, reader: PyAVSongReader
) -> None:
    path = tmp_path / "late"
    ffmpeg(
        "-i",
        song("mp4"),
        "-itsoffset",
        "1.5",
        "-i",
        song("mp4"),
        "-map",
        "0:v",
        "-map",
        "1:a",
        "-c",
        "copy",
        "-f",
        "mp4",
        path,
    )
    lag, _ = lag_s(whole(reader, path), sound, RATE)
    assert lag == pytest.approx(1.5, abs=0.002)
    assert max(len(block) for block in reader.blocks(path, rate=RATE)) == RATE
    part, _ = lag_s(whole(reader, path, start_s=2.0), sound[RATE // 2 :], RATE)
    assert part == pytest.approx(0.0, abs=0.002)


def test_numbers_that_are_none_become_silence_and_overshoot_stays(tmp_path: Path, reader: PyAVSongReader) -> None:
    wild = np.zeros(3 * RATE, np.float32)
    wild[100:104] = np.nan, np.inf, -1e30, 1.25
    soundfile.write(tmp_path / "wild.wav", wild, RATE, subtype="FLOAT")
    assert whole(reader, tmp_path / "wild.wav")[99:105, 0].tolist() == [0.0, 0.0, LOUDEST, -LOUDEST, 1.25, 0.0]


def test_tags_in_any_encoding_do_no_harm(song: MakeSong, tmp_path: Path, reader: PyAVSongReader) -> None:
    text = b"TIT2" + (6).to_bytes(4) + b"\0\0" + b"\x00\xe9\xe8\xff\xfe\xfd"
    path = tmp_path / "tagged"
    path.write_bytes(b"ID3\x03\0\0" + bytes([0, 0, 0, len(text)]) + text + song("mp3").read_bytes())
    assert reader.probe(path).duration_s == pytest.approx(SECONDS, abs=0.06)


def test_too_short_and_too_long_tell_both_lengths(song: MakeSong) -> None:
    with pytest.raises(BadSong) as short:
        PyAVSongReader(IntakeLimits(song_min_s=5)).probe(song("mp3"))
    assert (short.value.code, short.value.params) == (ErrorCode.SONG_TOO_SHORT, {"limit_s": 5.0, "actual_s": 4.0})
    with pytest.raises(BadSong) as long:
        PyAVSongReader(IntakeLimits(song_max_s=3)).probe(song("flac"))
    assert (long.value.code, long.value.params) == (ErrorCode.SONG_TOO_LONG, {"limit_s": 3.0, "actual_s": 4.0})


def test_a_bomb_is_not_decoded_beyond_the_limit(tmp_path: Path) -> None:
    """Its second half is missing: whoever reads that far finds damage instead."""
    ffmpeg("-f", "lavfi", "-i", "anullsrc=r=44100:cl=mono:d=1200", "-c:a", "flac", "-f", "flac", tmp_path / "whole")
    data = (tmp_path / "whole").read_bytes()
    (tmp_path / "bomb").write_bytes(data[: len(data) // 2])
    with pytest.raises(BadSong) as raised:
        PyAVSongReader(IntakeLimits(song_max_s=60)).probe(tmp_path / "bomb")
    assert (raised.value.code, raised.value.params["actual_s"]) == (ErrorCode.SONG_TOO_LONG, 1200.0)


def test_too_many_bytes_are_refused_before_they_are_read(song: MakeSong) -> None:
    with pytest.raises(BadSong) as raised:
        PyAVSongReader(IntakeLimits(song_max_bytes=1024)).probe(song("wav"))
    assert raised.value.code is ErrorCode.SONG_TOO_LARGE


@pytest.mark.parametrize("recipe", ["aiff", "flac", "m4a"])
def test_half_a_file_whose_header_tells_its_length_is_damaged(
    recipe: str, song: MakeSong, tmp_path: Path, reader: PyAVSongReader
) -> None:
    with pytest.raises(BadSong) as raised:
        reader.probe(_half(song(recipe), tmp_path))
    assert raised.value.code is ErrorCode.SONG_DAMAGED


def test_half_an_mp4_made_for_streaming_is_damaged_too(song: MakeSong, tmp_path: Path, reader: PyAVSongReader) -> None:
    ffmpeg("-i", song("m4a"), "-c", "copy", "-movflags", "+faststart", "-f", "mp4", tmp_path / "fast")
    with pytest.raises(BadSong) as raised:
        reader.probe(_half(tmp_path / "fast", tmp_path))
    assert raised.value.code is ErrorCode.SONG_DAMAGED


@pytest.mark.parametrize("recipe", ["mp3", "wav", "aac", "ogg", "webm", "mpg", "ts"])
def test_half_a_stream_plays_what_is_there(recipe: str, song: MakeSong, tmp_path: Path, limits: IntakeLimits) -> None:
    reader = PyAVSongReader(limits.model_copy(update={"song_min_s": 0.5}))
    assert 1.0 < reader.probe(_half(song(recipe), tmp_path)).duration_s < 3.5


def _half(path: Path, folder: Path) -> Path:
    data = path.read_bytes()
    (folder / "half").write_bytes(data[: len(data) // 2])
    return folder / "half"


@pytest.mark.parametrize("recipe", ["mp3", "flac", "ogg", "m4a", "mkv", "avi", "mpg", "ts", "aiff", "wav"])
def test_flipped_bytes_give_sound_or_an_error_of_ours(
    recipe: str, song: MakeSong, tmp_path: Path, limits: IntakeLimits
) -> None:
    rng = np.random.default_rng(7)
    data = np.frombuffer(song(recipe).read_bytes(), np.uint8)
    reader = PyAVSongReader(limits)
    for number in range(6):
        broken = data.copy()
        spread = len(data) if number % 2 else 2_000
        broken[rng.integers(0, spread, 40)] = rng.integers(0, 256, 40)
        (tmp_path / "broken").write_bytes(broken.tobytes())
        try:
            assert reader.probe(tmp_path / "broken").duration_s > 0
            assert all(np.isfinite(block).all() for block in reader.blocks(tmp_path / "broken", rate=16_000))
        except BadInput:
            continue


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (None, ErrorCode.FILE_MISSING),
        (b"", ErrorCode.FILE_EMPTY),
        (b"hello, I am a song\n" * 99, ErrorCode.SONG_NOT_AUDIO),
        (bytes(100_000), ErrorCode.SONG_NOT_AUDIO),
        (b"\xff\xfb\x90", ErrorCode.SONG_NOT_AUDIO),
    ],
)
def test_what_is_no_song_is_told_apart(
    content: bytes | None, code: ErrorCode, tmp_path: Path, reader: PyAVSongReader
) -> None:
    path = tmp_path / "song.mp3"
    if content is not None:
        path.write_bytes(content)
    for attempt in (reader.probe, lambda path: next(reader.blocks(path, rate=16_000))):
        with pytest.raises(BadInput) as raised:
            attempt(path)
        assert raised.value.code is code


def test_a_video_without_sound_is_no_song(tmp_path: Path, reader: PyAVSongReader) -> None:
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=64x64:duration=3", "-c:v", "libx264", "-f", "mp4", tmp_path / "mute")
    with pytest.raises(BadSong) as raised:
        reader.probe(tmp_path / "mute")
    assert raised.value.code is ErrorCode.SONG_NOT_AUDIO


def test_a_long_song_never_comes_in_more_than_a_second_at_once(tmp_path: Path, reader: PyAVSongReader) -> None:
    make_song(tmp_path / "long", _written(tmp_path / "s.wav", make_sound(60, 22_050)), "mp3")
    sizes = {len(block) for block in reader.blocks(tmp_path / "long", rate=44_100)}
    assert max(sizes) == 44_100


def _written(path: Path, sound: Sound) -> Path:
    soundfile.write(path, sound, 22_050)
    return path
