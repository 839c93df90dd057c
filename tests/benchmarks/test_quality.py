"""The arithmetic of the quality checks, on curves and pictures whose answers are known."""

import math

import numpy as np
import pytest

from benchmarks.quality import pictures, signals
from benchmarks.quality.cases import BUNDLED, EXAMPLE_PORTRAIT, EXAMPLE_SONG, Case
from benchmarks.quality.checks import CHECKS, TABLES, Check
from benchmarks.quality.rendering import signed_areas
from benchmarks.quality.report import Outcome, document
from benchmarks.quality.watching import turn_deg
from render_service.animate.puppet.camera import turn_matrix

FPS = 25


def wobble(count: int = 200, seed: int = 1) -> signals.Curve:
    noise = np.random.default_rng(seed).standard_normal(count + 20)
    return np.convolve(noise, np.hanning(9), mode="same")[10:-10]


class TestLag:
    @pytest.mark.parametrize("frames", [-3, 0, 5])
    def test_tells_by_how_many_frames_a_curve_is_late(self, frames: int) -> None:
        early = wobble()
        lag, r = signals.lag(np.roll(early, frames), early)
        assert lag == pytest.approx(frames, abs=0.2)
        assert r > 0.95

    def test_tells_fractions_of_a_frame(self) -> None:
        t = np.arange(200)
        early, late = np.sin(t / 5), np.sin((t - 1.5) / 5)
        assert signals.lag(late, early)[0] == pytest.approx(1.5, abs=0.2)

    def test_is_unknown_for_a_mouth_that_never_moves(self) -> None:
        assert math.isnan(signals.lag(np.zeros(200), wobble())[0])


class TestCorrelation:
    def test_frames_without_a_face_are_left_out(self) -> None:
        command, seen = wobble(), 2 * wobble() + 1
        seen[50:60] = np.nan
        assert signals.correlation(command, seen) == pytest.approx(1)
        assert signals.slope(command, seen) == pytest.approx(2)

    def test_what_follows_the_opening_is_taken_out(self) -> None:
        width, opening = 0.2 * wobble(seed=1), wobble(seed=2)
        seen = width + opening + 0.3 * opening**2
        assert signals.correlation(width, seen) < 0.5
        assert signals.correlation_beside(width, seen, opening) > 0.99

    def test_a_width_that_only_follows_the_opening_is_found_out(self) -> None:
        opening = wobble(seed=2)
        seen = opening + 0.05 * wobble(seed=3)
        command = opening + 0.2 * wobble(seed=1)
        assert signals.correlation(command, seen) > 0.9
        assert signals.correlation_beside(command, seen, opening) < 0.5


class TestSilence:
    def test_breath_and_release_are_no_silence(self) -> None:
        sounding = signals.inside(((2.0, 3.0),), 5 * FPS, FPS)
        silent = signals.silent(sounding, FPS)
        assert silent[: round(1.5 * FPS)].all()
        assert not silent[round(1.62 * FPS) : round(3.2 * FPS)].any()
        assert silent[round(3.4 * FPS) :].all()

    def test_nothing_sung_is_all_silence(self) -> None:
        assert signals.silent(signals.inside((), 50, FPS), FPS).all()

    def test_level_is_told_against_the_voice_itself(self) -> None:
        samples = np.concatenate([0.01 * np.ones(16_000), np.zeros(16_000)]).astype(np.float32)
        level = signals.level(samples, 16_000, 50, FPS)
        assert level[:25] == pytest.approx(0, abs=0.1)
        assert level[25:].max() == -signals.LEVEL_RANGE_DB


class TestEyesAndHead:
    def test_counts_blinks_and_not_squints(self) -> None:
        eyes = np.full(200, 0.30)
        eyes[40:44], eyes[120:123], eyes[160:170] = 0.05, 0.10, 0.24
        assert signals.blinks(eyes) == 2

    def test_a_head_that_rests_on_beats_beats_random_phase(self) -> None:
        beats = np.arange(10, 240, 14.0)
        speed = 1 - np.cos(2 * np.pi * (np.arange(250) - 10) / 14)
        angles = np.stack([np.cumsum(speed), np.zeros(250), np.zeros(250)], axis=1)
        minima = signals.speed_minima(angles)
        score = signals.beat_alignment(beats, minima)
        assert score > 0.9
        assert score > signals.random_alignment(beats, minima, 250) + 0.1

    def test_a_head_that_rests_between_beats_does_not(self) -> None:
        beats = np.arange(17, 240, 14.0)
        minima = np.arange(10, 240, 14.0)
        assert signals.beat_alignment(beats, minima) < signals.random_alignment(beats, minima, 250)

    def test_a_jump_is_a_spike_and_a_nod_is_none(self) -> None:
        angles = np.stack([5 * np.sin(np.arange(200) / 8)] * 3, axis=1)
        assert signals.spikes(angles) == 0
        angles[100:] += 4
        assert signals.spikes(angles) > 0

    @pytest.mark.parametrize("turn", [(6.0, 0.0, 0.0), (0.0, -5.0, 0.0), (0.0, 0.0, 7.0), (5.0, -4.0, 3.0)])
    def test_turns_are_read_as_the_puppet_means_them(self, turn: tuple[float, float, float]) -> None:
        assert turn_deg(turn_matrix(turn)) == pytest.approx(turn)


class TestPictures:
    def test_a_halo_roughens_the_rim_and_blur_smooths_it(self) -> None:
        photo = np.zeros((80, 80, 3), np.uint8)
        photo[:, 40:] = 90
        alpha = np.zeros((80, 80), np.uint8)
        alpha[:, 40:] = 255
        band = pictures.rim_mask(alpha, 2)
        halo, blurred = photo.copy(), photo.copy()
        halo[:, 39:41] = 200
        blurred[:, 36:44] = np.linspace(0, 90, 8).astype(np.uint8)[None, :, None]
        own = pictures.laplacian_energy(photo, band)
        assert pictures.laplacian_energy(halo, band) > 1.6**2 * own
        assert pictures.laplacian_energy(blurred, band) < 0.8 * own
        assert band[:, 38:42].all()
        assert not band[:, :30].any()

    def test_masks_go_where_the_head_goes(self) -> None:
        mask = np.zeros((100, 100), bool)
        mask[40:50, 40:50] = True
        points = np.random.default_rng(0).uniform(20, 80, (478, 2))
        moved = pictures.carried(mask, points, points + np.array([10, 5]))
        assert moved[46:54, 51:59].all()
        assert moved.sum() == pytest.approx(100, abs=25)

    def test_a_flipped_triangle_has_the_other_sign(self) -> None:
        points = np.array([[0, 0], [4, 0], [0, 4], [4, 4]], float)
        triangles = np.array([[0, 1, 2], [1, 3, 2]], np.int32)
        assert signed_areas(points, triangles) == pytest.approx([8, 8])
        points[3] = [1, 1]
        assert signed_areas(points, triangles)[1] < 0


class TestSound:
    @pytest.mark.parametrize("samples", [-300, 0, 700])
    def test_finds_by_how_much_the_sound_is_late(self, samples: int) -> None:
        source = np.random.default_rng(0).standard_normal(32_000).astype(np.float32)
        found, r = signals.offset(np.roll(source, samples), source, 1600)
        assert found == samples
        assert r > 0.999

    def test_another_song_does_not_match(self) -> None:
        numbers = np.random.default_rng(0)
        a, b = numbers.standard_normal((2, 32_000)).astype(np.float32)
        assert signals.offset(a, b, 1600)[1] < 0.1


class TestReport:
    def outcome(self, **values: float) -> Outcome:
        case = Case(BUNDLED, "portrait.jpg", EXAMPLE_SONG, EXAMPLE_PORTRAIT, 0.0, None)
        return Outcome(case, {check.key: math.nan for check in CHECKS} | values, None, 1.0)

    def test_a_miss_is_said_in_the_table_and_in_the_summary(self) -> None:
        text = document([self.outcome(aperture_r=0.41)])
        assert "0.41 **miss**" in text
        assert "- aperture r (at least 0.8): portrait.jpg 0.41" in text

    def test_values_inside_their_limits_are_not_misses(self) -> None:
        assert not self.outcome(aperture_r=0.95, voice_lag=-1.0).misses

    def test_limits_include_their_ends(self) -> None:
        check = Check("key", "title", "source", low=0, high=1)
        assert [check.holds(value) for value in (-0.01, 0, 1, 1.01, math.nan)] == [False, True, True, False, True]

    def test_every_check_has_a_source_and_a_place_in_a_table(self) -> None:
        assert all(check.source for check in CHECKS)
        assert sorted(c.key for c in CHECKS) == sorted({c.key for _, checks in TABLES for c in checks})
