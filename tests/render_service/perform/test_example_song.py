"""The bundled song, separated as any other: mouths, beats and breaths against its score."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from render_service import weights
from render_service.hearing import hear
from render_service.media.songs import PyAVSongReader
from render_service.perform.coarticulation import SHAPES
from render_service.perform.lips import ROLL
from render_service.perform.model import SungMotionModel
from render_service.perform.music import hear_music
from render_service.separate.spleeter import WEIGHT, SpleeterSeparator
from render_service.stages import SEPARATION_RATE, HeardSong, Performance
from shared.settings import IntakeLimits

EXAMPLES = Path(__file__).parents[3] / "examples"
FPS = 50
VOWEL_LEAST_S = 0.12


@pytest.fixture(scope="module")
def score() -> dict[str, Any]:
    truth: dict[str, Any] = json.loads((EXAMPLES / "song.json").read_text(encoding="utf-8"))
    return truth


@pytest.fixture(scope="module")
def heard(score: dict[str, Any]) -> HeardSong:
    if not dict(weights.survey()).get(WEIGHT):
        pytest.skip(f"{WEIGHT} is not fetched: serenade weights fetch")
    blocks = PyAVSongReader(IntakeLimits()).blocks(EXAMPLES / "song.mp3", rate=SEPARATION_RATE)
    return hear(blocks, SpleeterSeparator(), duration_s=score["duration_s"], report=lambda _share: None)


@pytest.fixture(scope="module")
def performance(heard: HeardSong, model: SungMotionModel) -> Performance:
    return model.perform(heard, fps=FPS, frame_count=round(heard.duration_s * FPS), seed=0)


@pytest.fixture(scope="module")
def gap(performance: Performance) -> NDArray[np.float32]:
    return performance.column("jawOpen") - performance.column("mouthClose")


def frames(start_s: float, end_s: float) -> slice:
    return slice(round(start_s * FPS), max(round(end_s * FPS), round(start_s * FPS) + 1))


def vowels(score: dict[str, Any]) -> list[tuple[str, slice]]:
    """Names and middles of the longer vowels."""
    return [
        (event["phone"], frames(event["start_s"] + 0.04, event["end_s"] - 0.04))
        for event in score["events"]
        if event["phone"][0] in "AEIOU" and event["end_s"] - event["start_s"] >= VOWEL_LEAST_S
    ]


def test_vowels_open_the_mouth_as_they_should(score: dict[str, Any], gap: NDArray[np.float32]) -> None:
    sung = vowels(score)
    shown = [float(gap[where].mean()) for _, where in sung]
    wanted = [SHAPES[name].opening for name, _ in sung]
    assert np.corrcoef(shown, wanted)[0, 1] > 0.5
    assert np.mean(np.array(shown) > 0.05) >= 0.9


def test_lips_are_rounded_where_vowels_are(score: dict[str, Any], performance: Performance) -> None:
    shape = performance.column("mouthStretchLeft") - performance.column("mouthPucker")
    rounded = [shape[where].mean() for name, where in vowels(score) if SHAPES[name].width < -0.3]
    spread = [shape[where].mean() for name, where in vowels(score) if SHAPES[name].width > 0.2]
    assert np.median(rounded) < np.median(spread) - 0.1


def test_no_lips_close_inside_a_vowel(score: dict[str, Any], gap: NDArray[np.float32]) -> None:
    assert np.mean([gap[where].min() > 0.02 for _, where in vowels(score)]) >= 0.9


def test_lips_seldom_touch_for_what_the_tongue_says(score: dict[str, Any], performance: Performance) -> None:
    touch = performance.column("mouthRollUpper") / ROLL
    tongue = [event for event in score["events"] if event["phone"] in {"T", "D", "N", "L", "K", "G"}]
    closed = [touch[frames(event["start_s"], event["end_s"])].max() > 0.7 for event in tongue]
    assert len(closed) > 20
    assert np.mean(closed) <= 0.15


def test_lips_touch_for_an_m(score: dict[str, Any], gap: NDArray[np.float32]) -> None:
    (m,) = (event for event in score["events"] if event["phone"] == "M")
    assert gap[frames(m["start_s"], m["end_s"])].min() < 0.02


def test_the_mouth_rests_between_phrases(score: dict[str, Any], gap: NDArray[np.float32]) -> None:
    silent = np.ones(len(gap), bool)
    for phrase in score["phrases"]:
        silent[frames(max(phrase["start_s"] - 0.2, 0), phrase["end_s"] + 0.2)] = False
    for event in score["breaths"]:
        silent[frames(event["start_s"], event["end_s"])] = False
    assert (gap[silent] > 0.25 * np.percentile(gap, 95)).mean() <= 0.05


def test_breath_is_full_as_a_phrase_begins_after_a_rest(score: dict[str, Any], performance: Performance) -> None:
    ends = [0.0, *(phrase["end_s"] for phrase in score["phrases"])]
    for phrase, before in zip(score["phrases"], ends[:-1], strict=True):
        if phrase["start_s"] - before > 1.0:
            begin = round(phrase["start_s"] * FPS)
            assert performance.breath[begin : begin + 15].max() > performance.breath[begin - 25] + 0.3


def test_beats_are_the_scores(score: dict[str, Any], heard: HeardSong) -> None:
    music = hear_music(heard.mix)
    ratio = music.interval_s * score["tempo_bpm"] / 60
    assert min(abs(ratio - whole) for whole in (0.5, 1, 2)) < 0.03
    true = np.array(score["beats"])
    away = np.abs(music.beats_s[:, None] - true[None]).min(axis=1)
    assert np.median(away) < 0.05
