"""Every file of data, sound or picture that lies in the repository has its origin told in THIRD_PARTY.md."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
THIRD_PARTY = (ROOT / "THIRD_PARTY.md").read_text(encoding="utf-8")
FOLDERS = ("bots", "cli", "docs", "examples", "render_service", "shared")
BINARY = {".npz", ".npy", ".jpg", ".jpeg", ".png", ".webp", ".gif", ".mp3", ".wav", ".flac", ".mp4", ".onnx", ".tflite"}
"""Files whose origin can't be read in themselves."""


def shipped() -> list[str]:
    files = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix.lower() in BINARY)
    return sorted(path.relative_to(ROOT).as_posix() for path in files)


def test_shipped_files_are_found_at_all() -> None:
    assert {"examples/portrait.jpg", "render_service/portrait/canonical.npz"} <= set(shipped())


@pytest.mark.parametrize("name", shipped())
def test_origin_is_told(name: str) -> None:
    assert f"`{name}`" in THIRD_PARTY


def test_canonical_face_names_what_it_was_measured_on() -> None:
    (row,) = [line for line in THIRD_PARTY.splitlines() if line.startswith("| `render_service/portrait/canonical.npz`")]
    assert "GRID" in row
    assert "MediaPipe" in row
