"""`serenade separate` writes two files that add up to the song, or nothing."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from cli.separate_command import separate
from render_service.stages import SEPARATION_RATE
from shared.errors import BadInput, BadOption, BadSong, ErrorCode
from tests.render_service.separate.voices import plucked_chords, si_sdr, sung_vowels


def write_song(path: Path, *, rate: int, channels: int, count: int) -> np.ndarray:
    sound = 0.1 * np.random.default_rng(0).standard_normal((count, channels))
    soundfile.write(path, sound, rate, subtype="FLOAT" if path.suffix == ".wav" else None)
    return soundfile.read(path, always_2d=True)[0]


@pytest.mark.parametrize(
    ("rate", "channels", "count"),
    [(44_100, 2, 99_991), (48_000, 2, 123_457), (16_000, 1, 40_001), (96_000, 1, 200_003)],
)
def test_both_files_have_the_songs_shape_and_add_up_to_it(tmp_path: Path, rate: int, channels: int, count: int) -> None:
    song = write_song(tmp_path / "song.wav", rate=rate, channels=channels, count=count)
    out = tmp_path / "new" / "folder"
    separate(tmp_path / "song.wav", out)
    assert {file.name for file in out.iterdir()} == {"vocals.wav", "accompaniment.wav"}
    (vocals, vocals_rate), (rest, rest_rate) = (
        soundfile.read(out / name, always_2d=True) for name in ("vocals.wav", "accompaniment.wav")
    )
    assert vocals_rate == rest_rate == rate
    assert vocals.shape == rest.shape == song.shape
    assert np.abs(vocals + rest - song).max() < 1e-6
    assert vocals.std() > 0


def test_the_voice_lies_where_the_song_has_it_after_resampling(tmp_path: Path) -> None:
    voice = soxr.resample(sung_vowels(4.0), SEPARATION_RATE, 48_000)
    band = soxr.resample(plucked_chords(4.0), SEPARATION_RATE, 48_000)
    soundfile.write(tmp_path / "song.wav", voice + band, 48_000, subtype="FLOAT")
    separate(tmp_path / "song.wav", tmp_path)
    vocals = soundfile.read(tmp_path / "vocals.wav", dtype="float32")[0]
    late = np.roll(vocals, 4, axis=0)
    assert si_sdr(vocals, voice) > max(si_sdr(voice + band, voice), si_sdr(late, voice)) + 0.3


def test_a_song_is_replaced_whole_the_second_time(tmp_path: Path) -> None:
    for count in (99_000, 100_000):
        write_song(tmp_path / "song.wav", rate=44_100, channels=1, count=count)
        separate(tmp_path / "song.wav", tmp_path / "out")
    assert soundfile.info(tmp_path / "out" / "vocals.wav").frames == 100_000


def test_what_is_no_song_leaves_nothing_behind(tmp_path: Path) -> None:
    text = tmp_path / "song.mp3"
    text.write_text("not a song " * 1000)
    with pytest.raises(BadSong) as bad:
        separate(text, tmp_path / "out")
    assert bad.value.code is ErrorCode.SONG_NOT_AUDIO
    assert not (tmp_path / "out").exists()


def test_a_missing_song_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as bad:
        separate(tmp_path / "nowhere.wav", tmp_path / "out")
    assert bad.value.code is ErrorCode.FILE_MISSING


def test_a_song_that_breaks_halfway_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_song(tmp_path / "song.wav", rate=44_100, channels=2, count=200_000)

    def breaks(*_: object, **__: object) -> None:
        raise BadSong(ErrorCode.SONG_DAMAGED)

    monkeypatch.setattr("cli.separate_command._side_by_side", breaks)
    with pytest.raises(BadSong):
        separate(tmp_path / "song.wav", tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_the_song_itself_is_never_replaced(tmp_path: Path) -> None:
    song = tmp_path / "vocals.wav"
    write_song(song, rate=44_100, channels=1, count=99_000)
    before = song.read_bytes()
    with pytest.raises(BadOption):
        separate(song, tmp_path)
    assert song.read_bytes() == before


def test_a_file_in_the_place_of_the_folder_is_a_bad_option(tmp_path: Path) -> None:
    write_song(tmp_path / "song.wav", rate=44_100, channels=1, count=99_000)
    (tmp_path / "out").write_text("mine")
    with pytest.raises(BadOption) as bad:
        separate(tmp_path / "song.wav", tmp_path / "out")
    assert bad.value.params["name"] == "--output"
    assert (tmp_path / "out").read_text() == "mine"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_leaves_nothing_behind(tmp_path: Path, number: signal.Signals) -> None:
    write_song(tmp_path / "song.flac", rate=44_100, channels=2, count=44_100 * 100)
    out = tmp_path / "out"
    command = [sys.executable, "-m", "cli", "separate", str(tmp_path / "song.flac"), "-o", str(out)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while not list(out.glob(".separating-*/vocals.wav")) and time.monotonic() < deadline:
            time.sleep(0.01)
        for _ in range(3):
            process.send_signal(number)
            time.sleep(0.01)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert list(out.iterdir()) == []
