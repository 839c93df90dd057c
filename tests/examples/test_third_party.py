"""THIRD_PARTY.md names everything that is used, and the licence is where packaging looks for it."""

import re
import tomllib
from pathlib import Path

import pytest

from render_service.weights.catalogue import CATALOGUE

ROOT = Path(__file__).parents[2]
THIRD_PARTY = (ROOT / "THIRD_PARTY.md").read_text(encoding="utf-8")


def direct_dependencies() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lists = [project["dependencies"], *project.get("optional-dependencies", {}).values()]
    return sorted({re.match(r"[\w.-]+", line)[0] for names in lists for line in names})  # type: ignore[index]


@pytest.mark.parametrize("name", direct_dependencies())
def test_every_direct_dependency_has_a_row_with_a_licence(name: str) -> None:
    assert re.search(rf"^\| {re.escape(name)}( \(extra `\w+`\))? \| [\w.-]+[^|]* \|", THIRD_PARTY, re.MULTILINE)


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_every_weight_is_named(name: str) -> None:
    assert name in THIRD_PARTY


@pytest.mark.parametrize("name", ["examples/song.mp3", "examples/portrait.jpg", "GRID", "pocketsphinx", "Deezer"])
def test_data_is_named(name: str) -> None:
    assert name in THIRD_PARTY


def test_licence_is_mit_by_the_contributors() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert text.startswith("MIT License\n\nCopyright (c) 2026 Serenade contributors")
