"""The catalogue says of every weight what it is, on which terms, and where it can be had; the cache finds it."""

import hashlib
import re
from pathlib import Path

import pytest

from render_service import weights
from render_service.registry import BACKENDS
from render_service.weights.catalogue import CATALOGUE, TarMember, Url, Weight, WheelMember
from shared.errors import ErrorCode, Fault

INGREDIENTS = [part for weight in CATALOGUE.values() if weight.recipe for part in weight.recipe.ingredients]
EVERY = [*CATALOGUE.values(), *INGREDIENTS]


@pytest.mark.parametrize("weight", EVERY, ids=lambda weight: weight.name)
def test_every_entry_is_complete(weight: Weight) -> None:
    assert weight.size_bytes > 0
    assert re.fullmatch(r"[0-9a-f]{64}", weight.sha256)
    assert weight.licence in ("MIT", "Apache-2.0")
    assert weight.purpose
    assert len(weight.terms) > 30
    assert Path(weight.name).name == weight.name
    assert bool(weight.sources) != bool(weight.recipe)


@pytest.mark.parametrize("weight", [weight for weight in EVERY if weight.sources], ids=lambda weight: weight.name)
def test_its_makers_are_asked_first_and_a_package_second(weight: Weight) -> None:
    official, *others = weight.sources
    assert isinstance(official, Url | TarMember)
    assert official.url.startswith("https://")
    assert any(isinstance(source, WheelMember) for source in others)


def test_hashes_and_names_are_distinct() -> None:
    assert len({weight.sha256 for weight in EVERY}) == len({weight.name for weight in EVERY}) == len(EVERY)


def test_every_weight_a_backend_needs_is_catalogued() -> None:
    assert {name for backend in BACKENDS.values() for name in backend.weights} <= set(CATALOGUE)


def test_a_missing_weight_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SERENADE_WEIGHTS_DIR", str(tmp_path))
    with pytest.raises(Fault) as missing:
        weights.path("face_landmarker.task")
    assert missing.value.code is ErrorCode.WEIGHTS_MISSING
    assert "run: serenade weights fetch" in missing.value.detail
    assert not any(present for _, present in weights.survey())


def test_an_unknown_weight_is_missing_too() -> None:
    with pytest.raises(Fault, match="no weight called"):
        weights.path("../etc/passwd")


def test_damage_of_the_right_size_is_found_by_verify(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SERENADE_WEIGHTS_DIR", str(tmp_path))
    content = b"genuine"
    weight = Weight("tiny.bin", "test", len(content), hashlib.sha256(content).hexdigest(), "MIT", "test")
    monkeypatch.setitem(CATALOGUE, weight.name, weight)
    (tmp_path / weight.name).write_bytes(content)
    assert dict(weights.verify())[weight.name]
    (tmp_path / weight.name).write_bytes(b"damaged")
    assert dict(weights.survey())[weight.name]
    assert not dict(weights.verify())[weight.name]
