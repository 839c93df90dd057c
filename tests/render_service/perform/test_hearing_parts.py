"""Features on sounds whose truth is known: formants, pitch, loudness, beats, key."""

from collections.abc import Callable

import numpy as np
import pytest
import soxr

from render_service.perform import formants, music, pitch
from render_service.perform.beats import track_beats
from render_service.perform.curves import RATE
from render_service.perform.features import listen
from render_service.stages import MIX_RATE, VOICE_RATE


@pytest.mark.parametrize(("name", "f1", "f2"), [("a", 800, 1200), ("i", 300, 2300), ("u", 320, 800)])
def test_formants_of_vowels(make_vowel: Callable, name: str, f1: int, f2: int) -> None:
    slow = soxr.resample(make_vowel(name, 1.0, 120.0), VOICE_RATE, formants.RATE_HZ)
    frames = np.lib.stride_tricks.sliding_window_view(formants.emphasised(slow), 320)[2000:8000:100]
    found = np.nanmedian(formants.formants(frames), axis=0)
    assert found == pytest.approx([f1, f2], rel=0.12)


def test_silence_has_no_formants() -> None:
    assert np.isnan(formants.formants(np.zeros((3, 320)))).all()


@pytest.mark.parametrize("hertz", [95.0, 150.0, 330.0, 640.0])
def test_pitch_is_followed_within_a_third_of_a_semitone(make_vowel: Callable, hertz: float) -> None:
    voice = listen(make_vowel("a", 1.5, hertz))
    found = pitch.follow(voice.hertz, voice.periodic, voice.sounding)
    middle = slice(20, 130)
    assert found.voiced[middle].mean() > 0.95
    assert np.median(found.semitones[middle]) == pytest.approx(12 * np.log2(hertz / 55), abs=0.3)
    assert found.held[30:120].mean() > 0.9


def test_a_glide_is_not_held_and_noise_is_not_voiced() -> None:
    times = np.arange(VOICE_RATE) / VOICE_RATE
    glide = 0.3 * np.sin(2 * np.pi * np.cumsum(150 * 2 ** (2 * times)) / VOICE_RATE)
    voice = listen(glide.astype(np.float32))
    assert pitch.follow(voice.hertz, voice.periodic, voice.sounding).held.mean() < 0.2
    hiss = listen(0.1 * np.random.default_rng(1).standard_normal(VOICE_RATE).astype(np.float32))
    assert pitch.follow(hiss.hertz, hiss.periodic, hiss.sounding).voiced.mean() < 0.05


def test_level_is_relative_to_the_songs_own_loud_parts(make_vowel: Callable) -> None:
    sound = np.concatenate([make_vowel("a", 1.0), np.zeros(VOICE_RATE, np.float32)])
    loud, soft = listen(sound), listen(0.01 * sound)
    assert loud.level[50] == pytest.approx(1.0, abs=0.1)
    assert loud.level[150] == 0.0
    assert np.allclose(loud.level[:95], soft.level[:95], atol=0.02)


@pytest.mark.parametrize("interval_s", [0.42, 0.5, 0.75])
def test_beats_are_on_the_clicks(make_clicks: Callable, interval_s: float) -> None:
    heard = music.hear_music(make_clicks(20.0, interval_s))
    assert heard.interval_s == pytest.approx(interval_s, abs=0.011)
    off = np.abs((heard.beats_s + interval_s / 2) % interval_s - interval_s / 2)
    assert len(heard.beats_s) > 0.8 * 20.0 / interval_s
    assert np.percentile(off, 90) < 0.04


def test_what_has_no_beat_gets_none() -> None:
    hiss = np.abs(np.random.default_rng(0).standard_normal(30 * RATE))
    assert len(track_beats(hiss)[0]) == 0
    assert len(track_beats(np.zeros(1000))[0]) == 0
    assert len(track_beats(np.zeros(10))[0]) == 0


@pytest.mark.parametrize(("third", "sign"), [(4, 1), (3, -1)])
def test_major_and_minor_are_told_apart(third: int, sign: int) -> None:
    times = np.arange(4 * MIX_RATE) / MIX_RATE
    chords = [(0, third, 7), (5, 5 + third, 12), (7, 11, 14), (0, third, 7)]
    sound = np.concatenate(
        [
            sum(np.sin(2 * np.pi * 261.63 * 2 ** (tone / 12) * times[:MIX_RATE]) for tone in chord) / 6
            for chord in chords
        ]
    )
    assert np.sign(music.hear_music(sound.astype(np.float32)).majorness) == sign
