"""The synthesised song is what it says: stems, times, pitches and loudness are measured, not believed."""

import json
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from scipy.signal import resample_poly

from examples.make_song import SONG, TRUTH, make
from examples.synth import Sung, example_song, long_song, short_song, sing
from examples.synth.mix import loudness_lufs
from examples.synth.phones import PHONES, is_vowel
from examples.synth.tune import LINES, syllables
from tests.synthetic import silent_frames, sung

__all__ = ["sung"]

MAX_SONG_BYTES = 400_000
VOWEL_CLASSES = {
    "front": {"IY", "IH", "EY", "EH", "AE"},
    "open": {"AA", "AH", "AY", "AW", "AE"},
    "back": {"AO", "OW", "UH", "UW", "OY"},
    "r": {"ER"},
}


@lru_cache(maxsize=1)
def shipped() -> Sung:
    return make()


def rms_at(sound: NDArray[np.float32], rate: int, start_s: float, end_s: float) -> float:
    part = sound[round(start_s * rate) : round(end_s * rate)]
    return float(np.sqrt(np.mean(np.square(part, dtype=np.float64))))


def test_stems_add_up_exactly(sung: Sung) -> None:
    assert np.array_equal(sung.mix, sung.vocals + sung.accompaniment)


def test_same_seed_same_song_other_seed_other_song(sung: Sung) -> None:
    assert np.array_equal(sing(short_song()).mix, sung.mix)
    assert not np.array_equal(sing(short_song(), seed=1).mix, sung.mix)


@pytest.mark.parametrize("song", [short_song(), example_song()], ids=["short", "example"])
def test_loud_as_streaming_services_want_and_never_clipped(song: object) -> None:
    made = shipped() if song == example_song() else sing(short_song())
    assert loudness_lufs(made.mix.astype(np.float64)) == pytest.approx(-14.0, abs=1.0)
    assert np.abs(made.mix).max() < 10 ** (-1 / 20)


def test_loudness_of_the_standards_own_tone() -> None:
    """EBU Tech 3341, case 1: a stereo sine of 1 kHz at -23 dBFS peak reads -23 LUFS."""
    time_s = np.arange(3 * 44_100) / 44_100
    tone = 10 ** (-23 / 20) * np.sin(2 * np.pi * 1000 * time_s)
    assert loudness_lufs(np.stack([tone, tone], axis=1)) == pytest.approx(-23.0, abs=0.1)


def test_silence_of_the_singer_is_true_silence(sung: Sung) -> None:
    quiet = np.repeat(silent_frames(sung, 25, 150), sung.sample_rate // 25)
    assert quiet.mean() > 0.1
    assert np.abs(sung.dry[: len(quiet)][quiet]).max() < 0.003
    assert np.abs(sung.accompaniment[: len(quiet)][quiet]).max() > 0.1


def test_a_band_plays_alone_before_and_between_the_lines() -> None:
    truth = shipped()
    pauses = [b.start_s - a.end_s for a, b in pairwise(truth.phrases)]
    assert max(pauses) >= 1.5
    assert truth.breaths[0].start_s >= 1.0


def test_every_phrase_follows_a_breath() -> None:
    truth = shipped()
    for phrase in truth.phrases:
        assert any(0 < phrase.start_s - breath.end_s < 0.05 for breath in truth.breaths)


def test_phones_follow_each_other_without_gap_or_overlap(sung: Sung) -> None:
    for phrase in sung.phrases:
        inside = [e for e in sung.events if phrase.start_s <= e.start_s < phrase.end_s]
        assert inside[0].start_s == pytest.approx(phrase.start_s)
        assert inside[-1].end_s == pytest.approx(phrase.end_s)
        for one, other in pairwise(inside):
            assert one.end_s == pytest.approx(other.start_s)


def test_vowels_start_on_eighth_notes() -> None:
    eighth_s = 60 / shipped().tempo_bpm / 2
    for event in shipped().events:
        if is_vowel(event.phone):
            assert event.start_s / eighth_s == pytest.approx(round(event.start_s / eighth_s), abs=1e-6)


def test_the_voice_has_the_pitch_it_claims() -> None:
    """Autocorrelation in the middle of each long vowel, within half a semitone."""
    truth = shipped()
    for event in truth.events:
        if is_vowel(event.phone) and event.end_s - event.start_s > 0.3:
            middle = round((event.start_s + event.end_s) / 2 * truth.sample_rate)
            told = truth.pitch_hz[middle // 110]
            part = truth.dry[middle - 2048 : middle + 2048].astype(np.float64)
            heard = pitch_of(part, truth.sample_rate, told)
            assert abs(1200 * np.log2(heard / told)) < 50, event


def pitch_of(part: NDArray[np.float64], rate: int, near_hz: float) -> float:
    """The strongest period within half an octave of `near_hz`."""
    spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)), 4 * len(part))) ** 2
    correlation = np.fft.irfft(spectrum)
    shortest, longest = round(rate / near_hz / 1.41), round(rate / near_hz * 1.41)
    return rate / (shortest + int(np.argmax(correlation[shortest:longest])))


def test_closures_are_quieter_than_the_vowels_beside_them() -> None:
    truth = shipped()
    vowel = np.median([rms_at(truth.dry, truth.sample_rate, e.start_s, e.end_s) for e in vowels(truth)])
    for event in truth.events:
        if event.phone in {"P", "T", "K", "B", "D", "G"}:
            middle_s = (event.start_s + event.end_s) / 2
            assert rms_at(truth.dry, truth.sample_rate, middle_s - 0.01, middle_s + 0.01) < 0.5 * vowel


def vowels(truth: Sung) -> list:  # type: ignore[type-arg]
    return [event for event in truth.events if is_vowel(event.phone)]


def test_a_phone_recogniser_hears_the_vowels() -> None:
    """Of the time in which it hears a vowel where one is sung, two thirds are of the right class."""
    truth = shipped()
    heard = decode(resample_poly(truth.dry.astype(np.float64), 160, 441))
    right_s = wrong_s = 0.0
    for event in vowels(truth):
        classes = {name for name, members in VOWEL_CLASSES.items() if event.phone in members}
        for phone, start_s, end_s in heard:
            shared_s = min(end_s, event.end_s) - max(start_s, event.start_s)
            if shared_s > 0 and phone in PHONES and is_vowel(phone):
                if any(phone in VOWEL_CLASSES[name] for name in classes):
                    right_s += shared_s
                else:
                    wrong_s += shared_s
    sung_s = sum(event.end_s - event.start_s for event in vowels(truth))
    assert right_s / (right_s + wrong_s) > 0.67
    assert right_s / sung_s > 0.4


def decode(voice: NDArray[np.float64]) -> list[tuple[str, float, float]]:
    """All-phone decoding of [n] at 16 kHz: phone, start, end in seconds."""
    from pocketsphinx import Decoder, get_model_path

    model = get_model_path("en-us")
    decoder = Decoder(
        hmm=f"{model}/en-us",
        allphone=f"{model}/en-us-phone.lm.bin",
        lm=None,
        lw=2.0,
        pip=0.3,
        beam=1e-20,
        pbeam=1e-20,
        loglevel="FATAL",
    )
    decoder.start_utt()
    decoder.process_raw((voice * 32767).astype("<i2").tobytes(), full_utt=True)
    decoder.end_utt()
    return [(s.word, s.start_frame / 100, (s.end_frame + 1) / 100) for s in decoder.seg()]


def test_songs_of_any_length() -> None:
    made = make(47.3)
    assert made.duration_s == pytest.approx(47.3, abs=1e-4)
    assert all(event.end_s <= 47.3 for event in made.events)
    assert len(long_song(300.0).phrases) > 2 * len(example_song().phrases)


def test_all_lines_of_the_tune_can_be_sung() -> None:
    for line in LINES:
        for part in line:
            for syllable in syllables(part):
                assert sum(is_vowel(phone) for phone in syllable.phones) == 1


def test_another_singer_sings_higher(sung: Sung) -> None:
    from examples.synth.voice import ALTO

    higher = sing(short_song(), singer=ALTO)
    assert higher.events[1].pitch_hz == pytest.approx(sung.events[1].pitch_hz * 2 ** (5 / 12), rel=0.02)


def test_the_shipped_song_is_what_the_script_makes() -> None:
    assert SONG.stat().st_size < MAX_SONG_BYTES
    decoded, rate = soundfile.read(SONG, dtype="float64", always_2d=True)
    made = shipped().mix.astype(np.float64)
    assert rate == shipped().sample_rate
    assert abs(len(decoded) - len(made)) < rate // 10
    shared = min(len(decoded), len(made))
    left, right = decoded[:shared].ravel(), made[:shared].ravel()
    assert float(left @ right / np.sqrt((left @ left) * (right @ right))) > 0.98


def test_the_shipped_truth_is_the_scripts_truth() -> None:
    stored = json.loads(TRUTH.read_text(encoding="utf-8"))
    made = shipped().truth()
    assert [e["phone"] for e in stored["events"]] == [e.phone for e in shipped().events]
    for key in ("events", "phrases", "breaths"):
        rows: list[dict[str, float]] = made[key]  # type: ignore[assignment]
        for one, other in zip(stored[key], rows, strict=True):
            assert one["start_s"] == pytest.approx(other["start_s"], abs=1e-3)
            assert one["end_s"] == pytest.approx(other["end_s"], abs=1e-3)
    assert stored["beats"] == pytest.approx(made["beats"], abs=1e-3)


def test_a_louder_peak_is_held_down_in_both_stems() -> None:
    truth = sing(replace(short_song(), tempo_bpm=150.0))
    assert np.abs(truth.mix).max() < 10 ** (-1 / 20)
    assert np.array_equal(truth.mix, truth.vocals + truth.accompaniment)
