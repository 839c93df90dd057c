"""Head, eyes, brows and breath: on the beat, before the phrase, never periodic, from seeds."""

import numpy as np
import pytest

from render_service.perform import breath, eyes, head, mood
from render_service.perform.curves import RATE, grid
from render_service.perform.gate import Phrase
from render_service.perform.music import Music
from render_service.perform.pitch import Pitch

TIMES_S = grid(60.0)
COUNT = len(TIMES_S)
PHRASES = [Phrase(3.0, 7.0), Phrase(7.3, 12.0), Phrase(20.0, 28.0), Phrase(40.0, 52.0)]
MUSIC = Music(np.arange(0.4, 59, 0.75), np.ones(79), 0.75, 0.5, 0.5)
STILL = Pitch(np.zeros(COUNT), np.zeros(COUNT, bool), np.zeros(COUNT, bool))


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def cues() -> head.HeadCues:
    return head.HeadCues(np.full(COUNT, 0.6), np.zeros(COUNT), np.zeros(COUNT))


def alignment(beats_s: np.ndarray, pitch_deg: np.ndarray) -> float:
    """Beat align score: how near minima of head speed are to beats (sigma 3 frames at 25 a second)."""
    frames = pitch_deg[::4]
    speed = np.abs(np.diff(frames))
    minima = np.flatnonzero((speed[1:-1] < speed[:-2]) & (speed[1:-1] <= speed[2:])) + 1
    away = np.abs(beats_s[:, None] * 25 - (minima + 0.5)[None]).min(axis=1)
    return float(np.exp(-(away**2) / 18).mean())


def test_nods_are_lowest_on_the_beat() -> None:
    nods = head.nods(TIMES_S, MUSIC, rng())
    beats = (MUSIC.beats_s[1:-2] * RATE).round().astype(int)
    assert (nods[beats] > 0.3).all()
    assert nods[beats].mean() > 3 * np.abs(nods).mean() / 2
    depths = nods[beats]
    assert depths.std() > 0.2


def test_the_whole_head_aligns_with_beats_better_than_chance() -> None:
    pose = head.head(TIMES_S, PHRASES, MUSIC, cues(), rng())
    shifted = [alignment(MUSIC.beats_s[1:-2] + shift, pose[:, 1]) for shift in (0.2, 0.3, 0.4, 0.5)]
    assert alignment(MUSIC.beats_s[1:-2], pose[:, 1]) > np.mean(shifted) + 0.1


def test_the_head_starts_as_the_photo_and_stays_within_limits() -> None:
    pose = head.head(TIMES_S, PHRASES, MUSIC, cues(), rng())
    assert np.abs(pose[0]).max() == 0
    assert (np.abs(pose[:, :3]).max(axis=0) <= head.LIMIT_DEG).all()
    assert np.abs(pose[:, 3:]).max() < 0.12
    assert pose[:, 0].std() > 1.0


def test_the_head_turns_smoothly() -> None:
    speed = np.abs(np.diff(head.head(TIMES_S, PHRASES, MUSIC, cues(), rng()), axis=0))[:, :3] * RATE
    assert speed.max() < 40


@pytest.mark.parametrize("seed", [0, 1])
def test_nothing_the_head_does_is_periodic(seed: int) -> None:
    pose = head.head(TIMES_S, PHRASES, MUSIC, cues(), rng(seed))
    for curve in pose[:, [0, 2]].T:
        centred = curve - curve.mean()
        correlation = np.correlate(centred, centred, "full")[COUNT - 1 :]
        beyond = correlation[8 * RATE : 30 * RATE] / correlation[0]
        assert beyond.max() < 0.6


def test_breath_is_drawn_before_each_phrase_and_spent_along_it() -> None:
    air = breath.breath_curve(breath.breaths(PHRASES, 60.0, rng()), TIMES_S)
    for phrase in PHRASES:
        begin, end = round(phrase.start_s * RATE), round(phrase.end_s * RATE)
        assert air[begin] > air[begin - 45] + 0.25 or phrase.start_s == 7.3
        assert air[end] < air[begin] - 0.5
    assert air[0] == 0
    assert np.abs(air).max() <= 1


def test_lips_part_just_before_a_phrase_only_where_there_is_time() -> None:
    parted = breath.inhales(PHRASES, TIMES_S, rng())
    for phrase in PHRASES:
        begin = round(phrase.start_s * RATE)
        assert parted[begin - 40 : begin].max() > 0.5 or phrase.start_s == 7.3
        assert parted[begin] < 0.05
    assert parted[round(14 * RATE) : round(19 * RATE)].max() < 1e-9


def test_lids_shut_wholly_irregularly_and_at_both_frame_rates() -> None:
    lids = eyes.lids(TIMES_S, PHRASES, STILL, rng())
    begins = np.flatnonzero((lids[1:] > 0.5) & (lids[:-1] <= 0.5))
    apart = np.diff(begins) / RATE
    assert apart.min() > 0.6
    assert apart.std() > 0.3 * apart.mean()
    seen = np.interp((np.arange(60 * 24) + 0.5) / 24, TIMES_S, lids)
    shut = np.flatnonzero((seen[1:-1] >= seen[:-2]) & (seen[1:-1] > seen[2:]) & (seen[1:-1] > 0.3)) + 1
    assert (seen[shut] > 0.9).all()


def test_eyes_close_on_some_held_notes() -> None:
    held = np.zeros(COUNT, bool)
    for begin in range(300, 5800, 1200):
        held[begin : begin + 250] = True
    lids = eyes.lids(TIMES_S, PHRASES, Pitch(np.zeros(COUNT), held, held), rng(2))
    shut = lids > 0.99
    edges = np.flatnonzero(np.diff(np.concatenate([[0], shut.astype(int), [0]]))).reshape(-1, 2)
    longest = np.diff(edges, axis=1).max() / RATE
    assert 0.8 < longest < eyes.HELD_MOST_S + 0.1


def test_gaze_rests_jumps_and_stays_on_the_listener() -> None:
    yaw = 8 * np.sin(TIMES_S / 5)
    across, up = eyes.gaze(TIMES_S, yaw, np.zeros(COUNT), rng())
    free, _ = eyes.gaze(TIMES_S, np.zeros(COUNT), np.zeros(COUNT), rng())
    assert np.corrcoef(across - free, yaw)[0, 1] < -0.99
    speed = np.abs(np.diff(free)) * RATE
    assert np.median(speed) < 0.5
    assert speed.max() > 20
    assert np.abs(up).max() < 10


def test_looks_go_to_the_singers_own_sides() -> None:
    looks = eyes.looks(np.array([6.0]), np.array([-3.0]))
    assert looks["eyeLookOutLeft"] == looks["eyeLookInRight"] == pytest.approx(0.2)
    assert looks["eyeLookInLeft"] == looks["eyeLookOutRight"] == looks["eyeLookUpLeft"] == 0
    assert looks["eyeLookDownRight"] == pytest.approx(0.1)


def test_brows_rise_with_high_notes_and_mood_shows() -> None:
    energy, high = np.full(COUNT, 0.6), np.where(TIMES_S > 30, 1.0, 0.0)
    calm = mood.Mood(0.0, 0.5)
    raised = mood.brows(calm, energy, high, rng())["browInnerUp"]
    assert raised[3500:].mean() > 2 * raised[:2500].mean()
    cheerful = mood.brows(mood.Mood(1.0, 1.0), energy, high, rng())
    sad = mood.brows(mood.Mood(-1.0, 0.0), energy, high, rng())
    assert cheerful["mouthSmileLeft"].mean() > 0.05 > sad["mouthSmileLeft"].max()
    assert sad["browDownLeft"].mean() > 0.02 > cheerful["browDownLeft"].max()


def test_major_and_brisk_is_more_cheerful_than_minor_and_slow() -> None:
    brisk = Music(np.zeros(0), np.zeros(0), 0.45, 0.8, 0.6)
    slow = Music(np.zeros(0), np.zeros(0), 0.95, -0.8, 0.6)
    assert mood.mood_of(brisk).valence > 0.5
    assert mood.mood_of(slow).valence < -0.5
