"""The mouth's steps one by one: gate, phones, coarticulation, contact, ridge."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from render_service.perform import phones, ridge, vowels
from render_service.perform.coarticulation import SHAPES, articulate
from render_service.perform.contact import LIPS_TOUCH, contact
from render_service.perform.curves import RATE
from render_service.perform.features import listen
from render_service.perform.gate import gate
from render_service.perform.phones import Phone
from render_service.stages import VOICE_RATE

DIPPED = np.ones((300, 8))
DIPPED[100:108] = 0.2


def test_the_gate_holds_through_a_dip_and_ignores_leaks() -> None:
    level = np.full(500, 0.1)
    level[100:200] = 0.9
    level[140:145] = 0.4
    level[300:400] = 0.33
    found = gate(level)
    assert found.on[100:200].all()
    assert not found.on[200:].any()
    assert found.amount[220:].max() < 1e-9
    assert [(p.start_s, p.end_s) for p in found.phrases] == [(1.0, 2.0)]


def test_a_noisy_floor_lifts_the_gate() -> None:
    rng = np.random.default_rng(0)
    level = np.clip(rng.normal(0.36, 0.02, 600), 0, 1)
    level[200:300] = 0.9
    assert gate(level).on.sum() == pytest.approx(100, abs=2)


def test_short_gaps_do_not_part_a_phrase_and_long_ones_do() -> None:
    level = np.zeros(600)
    for begin, end in ((50, 150), (165, 250), (300, 400)):
        level[begin:end] = 0.9
    assert [(p.start_s, p.end_s) for p in gate(level).phrases] == [(0.5, 2.5), (3.0, 4.0)]


def test_chunks_hold_everything_sung_are_short_and_cut_where_it_is_quiet() -> None:
    level = np.full(4000, 0.9)
    quiet = list(range(700, 4000, 830))
    for at in quiet:
        level[at : at + 20] = 0.5
    level[2000:2300] = 0.0
    found = phones.chunks(level, 0.4)
    covered = np.zeros(4000, bool)
    for begin, end in found:
        assert end - begin <= phones.CHUNK_MOST_S * RATE
        covered[begin:end] = True
    assert covered[level > 0.4].all()
    assert not covered[2050:2250].any()
    inner = {end for _, end in found} - {4000}
    assert all(any(abs(cut - at) < 30 for at in [*quiet, 2015]) for cut in inner)


def test_silence_holds_no_phones() -> None:
    assert phones.decode(np.zeros(32000, np.float32), np.zeros(201), 0.4) == []


@pytest.mark.parametrize(("sung", "names"), [("a", {"AA", "AH"}), ("i", {"IY", "IH"}), ("u", {"UW", "UH"})])
def test_a_held_vowel_without_a_name_gets_its_own(make_vowel: Callable, sung: str, names: set[str]) -> None:
    voice = listen(make_vowel(sung, 1.0, 120.0))
    for unnamed in ("SIL", "+SPN+"):
        heard = vowels.named([Phone(unnamed, 0.0, 1.0)], voice)
        assert {phone.name for phone in heard} <= names
        assert sum(phone.end_s - phone.start_s for phone in heard) > 0.8


def test_named_phones_and_true_silence_keep_their_names(make_vowel: Callable) -> None:
    sound = np.concatenate([make_vowel("a", 0.5), np.zeros(VOICE_RATE, np.float32)])
    kept = [Phone("N", 0.0, 0.5), Phone("SIL", 0.6, 1.5)]
    assert vowels.named(kept, listen(sound)) == kept


def test_neighbours_bend_a_phone() -> None:
    rounded = articulate([Phone("W", 0.5, 0.6), Phone("AA", 0.6, 0.75), Phone("W", 0.75, 0.85)], 200)
    plain = articulate([Phone("T", 0.5, 0.6), Phone("AA", 0.6, 0.75), Phone("T", 0.75, 0.85)], 200)
    assert rounded.width[67] < plain.width[67] - 0.05
    assert plain.opening[67] > 0.6 * SHAPES["AA"].opening
    assert plain.opening[150] < 0.02


def test_vowels_are_ordered_as_mouths_are() -> None:
    def middle(name: str) -> tuple[float, float]:
        lips = articulate([Phone(name, 0.5, 1.0)], 150)
        return lips.opening[75], lips.width[75]

    assert middle("AA")[0] > middle("EH")[0] > middle("IY")[0]
    assert middle("IY")[1] > middle("AA")[1] > middle("OW")[1] > middle("UW")[1]


@pytest.mark.parametrize("fps", [24, 25, 30, 60])
def test_a_closure_shows_at_every_frame_rate(fps: int) -> None:
    closed = contact([Phone("B", 1.02, 1.05)], LIPS_TOUCH, DIPPED)
    for phase in np.linspace(0, 1, 7):
        seen = np.interp((np.arange(3 * fps) + phase) / fps, np.arange(300) / RATE, closed)
        assert seen.max() > 0.95


def test_a_closure_the_sound_denies_is_not_believed() -> None:
    assert contact([Phone("M", 1.5, 1.6)], LIPS_TOUCH, DIPPED).max() == 0
    assert contact([Phone("N", 1.02, 1.05)], LIPS_TOUCH, DIPPED).max() == 0
    assert contact([Phone("M", 5.0, 5.1)], LIPS_TOUCH, DIPPED).max() == 0


def test_the_ridge_finds_a_line_and_survives_the_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    seen = rng.normal(3, 2, (400, 6))
    wanted = np.stack([seen @ rng.normal(size=6), seen[:, 0]], axis=1)
    made = ridge.fit(seen, wanted, 1e-3)
    made.save(tmp_path / "w.npz")
    again = ridge.load(tmp_path / "w.npz")
    common = ((seen > np.percentile(seen, 2, axis=0)) & (seen < np.percentile(seen, 98, axis=0))).all(axis=1)
    assert np.corrcoef(again.predict(seen[common])[:, 0], wanted[common, 0])[0, 1] > 0.999
    assert np.allclose(again.predict(seen), made.predict(seen), atol=1e-3)
    assert np.allclose(again.predict(np.full((1, 6), 1e3)), again.predict(np.full((1, 6), 1e6)))


def test_the_shipped_ridge_opens_for_a_and_narrows_for_u(make_vowel: Callable) -> None:
    voice = listen(np.concatenate([make_vowel("a", 1.0), make_vowel("u", 1.0)]))
    lips = articulate([Phone("AA", 0.0, 1.0), Phone("UW", 1.0, 2.0)], len(voice.level))
    opening, width = ridge.load().predict(ridge.in_context(voice, lips)).T
    assert opening[50] > opening[150] + 0.3
    assert width[50] > width[150]
