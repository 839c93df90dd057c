"""The whole performance of songs whose vowels and silences are known."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from render_service.perform.model import SungMotionModel
from render_service.stages import ARKIT_NAMES, JAW_OPEN_CM, MIX_RATE, VOICE_RATE, HeardSong, Performance
from shared.errors import BadSong, ErrorCode

REST_S = 0.2


def gap_cm(performance: Performance) -> NDArray[np.float32]:
    return (performance.column("jawOpen") - performance.column("mouthClose")) * JAW_OPEN_CM


def inside(performance: Performance, start_s: float, end_s: float) -> slice:
    return slice(round(start_s * performance.fps), round(end_s * performance.fps))


def over(performance: Performance, curve: NDArray[np.float32], note: tuple[str, float, float]) -> float:
    _, start_s, end_s = note
    return float(curve[inside(performance, start_s + 0.2, end_s - 0.2)].mean())


def test_shapes_ranges_and_types(sung_verse: Performance) -> None:
    count = sung_verse.frame_count
    assert sung_verse.blendshapes.shape == (count, len(ARKIT_NAMES))
    assert sung_verse.head.shape == (count, 6)
    assert sung_verse.breath.shape == (count,)
    assert {a.dtype for a in (sung_verse.blendshapes, sung_verse.head, sung_verse.breath)} == {np.dtype(np.float32)}
    assert sung_verse.blendshapes.min() >= 0
    assert sung_verse.blendshapes.max() <= 1
    assert np.abs(sung_verse.breath).max() <= 1
    assert np.isfinite(sung_verse.head).all()


def test_open_vowels_open_more_than_close_ones(sung_verse: Performance, verse) -> None:
    a, i, u = (over(sung_verse, gap_cm(sung_verse), note) for note in verse.notes[:3])
    assert a > 1.3 * i
    assert a > 1.3 * u
    assert a > 0.8


def test_u_is_rounded_and_i_is_spread(sung_verse: Performance, verse) -> None:
    round_ = sung_verse.column("mouthPucker") + sung_verse.column("mouthFunnel")
    spread = sung_verse.column("mouthStretchLeft") + sung_verse.column("mouthStretchRight")
    _, i, u = verse.notes[:3]
    assert over(sung_verse, round_, u) > over(sung_verse, round_, i) + 0.1
    assert over(sung_verse, spread, i) > over(sung_verse, spread, u) + 0.1


def test_lips_rest_in_silence(sung_verse: Performance, verse) -> None:
    silent = np.ones(sung_verse.frame_count, bool)
    for _, start_s, end_s in verse.notes:
        silent[inside(sung_verse, start_s - REST_S, end_s + REST_S)] = False
    widest = np.percentile(gap_cm(sung_verse), 95)
    assert (gap_cm(sung_verse)[silent] > 0.25 * widest).mean() <= 0.05
    assert sung_verse.column("mouthPucker")[silent].max() < 0.1


def test_a_held_vowel_does_not_flutter(sung_verse: Performance, verse) -> None:
    _, start_s, end_s = verse.notes[0]
    held = gap_cm(sung_verse)[inside(sung_verse, start_s + 0.35, end_s - 0.35)]
    assert np.ptp(held) < 0.35 * held.mean()
    assert np.abs(np.diff(held)).sum() < np.ptp(held) + 0.15


def test_same_seed_same_arrays(sung_verse: Performance, verse, model: SungMotionModel) -> None:
    again = model.perform(verse.song, fps=50, frame_count=sung_verse.frame_count, seed=7)
    for name in ("blendshapes", "head", "breath"):
        assert np.array_equal(getattr(sung_verse, name), getattr(again, name))


def test_another_seed_moves_the_head_and_eyes_but_sings_the_same(
    sung_verse: Performance, verse, model: SungMotionModel
) -> None:
    other = model.perform(verse.song, fps=50, frame_count=sung_verse.frame_count, seed=8)
    assert np.abs(other.head - sung_verse.head).max() > 1
    assert np.abs(other.column("eyeBlinkLeft") - sung_verse.column("eyeBlinkLeft")).max() > 0.5
    first_note = inside(sung_verse, 1.0, 2.2)
    assert np.allclose(other.column("jawOpen")[first_note], sung_verse.column("jawOpen")[first_note], atol=0.02)


def test_frame_rate_only_says_where_the_curves_are_sampled(verse, model: SungMotionModel) -> None:
    slow = model.perform(verse.song, fps=20, frame_count=200, seed=3)
    quick = model.perform(verse.song, fps=60, frame_count=600, seed=3)
    assert np.allclose(slow.blendshapes, quick.blendshapes[1::3], atol=1e-5)
    assert np.allclose(slow.head, quick.head[1::3], atol=1e-4)
    assert np.allclose(slow.breath, quick.breath[1::3], atol=1e-5)


def test_closed_lips_win_over_mood(sung_verse: Performance) -> None:
    closing = sung_verse.column("mouthClose")
    assert (closing <= sung_verse.column("jawOpen") + 1e-6).all()


def test_blinks_are_as_frequent_as_people_blink(make_song: Callable, model: SungMotionModel) -> None:
    song = make_song(*([("a", 1.5), ("-", 0.7), ("i", 0.8), ("-", 1.0)] * 18)).song
    lids = model.perform(song, fps=25, frame_count=round(song.duration_s * 25), seed=1).column("eyeBlinkLeft")
    closings = int(((lids[1:] > 0.5) & (lids[:-1] <= 0.5)).sum())
    assert 8 <= closings / (song.duration_s / 60) <= 25
    assert (lids > 0.5).mean() < 0.2


def test_silence_is_refused(model: SungMotionModel) -> None:
    song = HeardSong(np.zeros(3 * VOICE_RATE, np.float32), np.full(3 * MIX_RATE, 5e-4, np.float32))
    with pytest.raises(BadSong) as caught:
        model.perform(song, fps=25, frame_count=75, seed=0)
    assert caught.value.code is ErrorCode.SONG_SILENT


def test_an_instrumental_is_refused(make_clicks: Callable, model: SungMotionModel) -> None:
    leak = 3e-4 * np.random.default_rng(0).standard_normal(4 * VOICE_RATE).astype(np.float32)
    with pytest.raises(BadSong) as caught:
        model.perform(HeardSong(leak, make_clicks(4.0, 0.5, 0.5)), fps=25, frame_count=100, seed=0)
    assert caught.value.code is ErrorCode.SONG_WITHOUT_VOICE


def test_a_very_short_song_is_performed(make_song: Callable, model: SungMotionModel) -> None:
    performance = model.perform(make_song(("a", 0.5)).song, fps=24, frame_count=12, seed=0)
    assert performance.column("jawOpen").max() > 0.2
