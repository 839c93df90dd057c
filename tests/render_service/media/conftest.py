"""The known sound and the songs made of it, once a session."""

from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile

from shared.settings import IntakeLimits
from tests.render_service.media.sounds import RATE, Sound, make_song, make_sound


@pytest.fixture(scope="session")
def sound() -> Sound:
    """[n, 2] float32 at RATE: the sound in every song of `songs`."""
    return make_sound()


@pytest.fixture(scope="session")
def sound_file(sound: Sound, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "source.wav"
    soundfile.write(path, sound, RATE, subtype="FLOAT")
    return path


@pytest.fixture(scope="session")
def song(sound_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A song by recipe, made when it is first asked for; its name does not tell what it is."""
    folder = tmp_path_factory.mktemp("songs")

    def make(recipe: str) -> Path:
        path = folder / f"{recipe}.bin"
        return path if path.exists() else make_song(path, sound_file, recipe)

    return make


@pytest.fixture
def limits() -> IntakeLimits:
    return IntakeLimits()
