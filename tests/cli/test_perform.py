"""`serenade perform`: a table or nothing, and the same table every time."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from cli import perform_command
from render_service import weights
from render_service.perform import csv
from render_service.separate.spleeter import WEIGHT
from render_service.stages import Performance
from shared.errors import BadOption, BadSong, ErrorCode


@pytest.fixture
def separator_weights() -> None:
    if not dict(weights.survey()).get(WEIGHT):
        pytest.skip(f"{WEIGHT} is not fetched: serenade weights fetch")


@pytest.fixture
def performed(monkeypatch: pytest.MonkeyPatch) -> Performance:
    made = Performance(25, np.full((50, 52), 0.5, np.float32), np.zeros((50, 6), np.float32), np.zeros(50, np.float32))
    monkeypatch.setattr(perform_command, "_performed", lambda *_args, **_options: made)
    return made


def test_the_table_is_written_whole(performed: Performance, tmp_path: Path) -> None:
    out = tmp_path / "performance.csv"
    out.write_text("older")
    perform_command.perform(tmp_path / "song.mp3", out, fps=25, seed=0)
    assert np.array_equal(csv.read(out).blendshapes, performed.blendshapes)
    assert [path.name for path in tmp_path.iterdir()] == ["performance.csv"]


def test_a_folder_that_is_not_there_is_the_persons_to_mend(performed: Performance, tmp_path: Path) -> None:
    with pytest.raises(BadOption) as caught:
        perform_command.perform(tmp_path / "song.mp3", tmp_path / "none" / "p.csv", fps=25, seed=0)
    assert caught.value.code is ErrorCode.OPTION_INVALID


@pytest.mark.parametrize("place", [".", "song.mp3"])
def test_a_folder_or_the_song_itself_is_never_replaced(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def worked(*_: object, **__: object) -> None:
        raise AssertionError("work was done for nothing")

    monkeypatch.setattr(perform_command, "_performed", worked)
    monkeypatch.chdir(tmp_path)
    Path("song.mp3").write_text("music")
    with pytest.raises(BadOption) as caught:
        perform_command.perform(Path("song.mp3"), Path(place), fps=25, seed=0)
    assert caught.value.params["name"] == "--output"
    assert Path("song.mp3").read_text() == "music"


def test_what_fails_half_way_leaves_nothing(
    performed: Performance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_performance: Performance, out: object) -> None:
        out.write("Timecode")  # type: ignore[attr-defined]
        raise OSError("disk full")

    monkeypatch.setattr(perform_command, "write", broken)
    with pytest.raises(BadOption):
        perform_command.perform(tmp_path / "song.mp3", tmp_path / "p.csv", fps=25, seed=0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("separator_weights")
def test_a_silent_song_is_told_and_nothing_written(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silent.wav", np.zeros((3 * 44_100, 2), np.float32), 44_100)
    with pytest.raises(BadSong) as caught:
        perform_command.perform(tmp_path / "silent.wav", tmp_path / "p.csv", fps=25, seed=0)
    assert caught.value.code is ErrorCode.SONG_SILENT
    assert not (tmp_path / "p.csv").exists()


@pytest.mark.usefixtures("separator_weights")
def test_a_real_song_gives_the_same_moving_table_twice(tmp_path: Path) -> None:
    song = Path(__file__).parents[3] / "shared" / "media" / "songs" / "imagine.wav"
    if not song.exists():
        pytest.skip("no ../shared/media beside the checkout")
    for name in ("one.csv", "two.csv"):
        perform_command.perform(song, tmp_path / name, fps=30, seed=5)
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
    performance = csv.read(tmp_path / "one.csv")
    assert performance.fps == 30
    assert performance.frame_count == round(soundfile.info(song).duration * 30)
    assert performance.column("jawOpen").std() > 0.08
