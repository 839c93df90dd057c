"""The separator with its real weights: lengths, sums, silence, blocks, and whether the voice comes out."""

import tracemalloc
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from render_service.separate.spleeter import LEAD, SEGMENT, TAIL, SpleeterSeparator
from render_service.stages import SEPARATION_RATE, Samples, Stems
from tests.render_service.separate.voices import plucked_chords, si_sdr, sung_vowels

MIXES = Path(__file__).parents[3].parent / "shared" / "media" / "vocals_mixes"


@pytest.fixture(scope="module")
def separator() -> SpleeterSeparator:
    return SpleeterSeparator(threads=1)


def noise(count: int, seed: int = 0) -> Samples:
    return (0.1 * np.random.default_rng(seed).standard_normal((count, 2))).astype(np.float32)


def whole(stems: Iterable[Stems]) -> Stems:
    blocks = list(stems)
    return Stems(np.concatenate([b.vocals for b in blocks]), np.concatenate([b.accompaniment for b in blocks]))


def cut(mix: Samples, sizes: Iterable[int]) -> Iterator[Samples]:
    at = 0
    for size in sizes:
        yield mix[at : at + size]
        at += size
    yield mix[at:]


@pytest.mark.parametrize("count", [1, LEAD + 1, 44_100 + 17, SEGMENT - LEAD, SEGMENT + TAIL - LEAD + 1])
def test_stems_have_the_length_of_the_mix_and_add_up_to_it(separator: SpleeterSeparator, count: int) -> None:
    mix = noise(count)
    stems = whole(separator.separate([mix]))
    assert stems.vocals.shape == stems.accompaniment.shape == mix.shape
    assert stems.vocals.dtype == stems.accompaniment.dtype == np.float32
    np.testing.assert_allclose(stems.vocals + stems.accompaniment, mix, atol=1e-6)


def test_nothing_in_nothing_out(separator: SpleeterSeparator) -> None:
    assert list(separator.separate([])) == []
    assert list(separator.separate([np.zeros((0, 2), np.float32)])) == []


def test_how_the_mix_is_cut_makes_no_difference(separator: SpleeterSeparator) -> None:
    mix = noise(SEGMENT + 70_001)
    once = whole(separator.separate([mix]))
    sizes = [1, 0, 4095, 44_100, 333_333]
    pieces = whole(separator.separate(cut(mix, sizes)))
    np.testing.assert_allclose(pieces.vocals, once.vocals, atol=1e-6)
    np.testing.assert_allclose(pieces.accompaniment, once.accompaniment, atol=1e-6)


def test_the_same_song_gives_the_same_stems_on_any_number_of_threads(separator: SpleeterSeparator) -> None:
    mix = noise(100_000)
    first, again = (whole(separator.separate([mix])).vocals for _ in range(2))
    np.testing.assert_array_equal(first, again)
    other = whole(SpleeterSeparator(threads=2).separate([mix])).vocals
    np.testing.assert_array_equal(first, other)


def test_silence_stays_silent(separator: SpleeterSeparator) -> None:
    stems = whole(separator.separate([np.zeros((60_000, 2), np.float32)]))
    assert not stems.vocals.any()
    assert not stems.accompaniment.any()


def test_the_callers_blocks_are_left_alone(separator: SpleeterSeparator) -> None:
    mix = noise(50_000)
    before = mix.copy()
    stems = list(separator.separate([mix]))
    stems[0].vocals[:] = 0
    np.testing.assert_array_equal(mix, before)


def test_a_singing_voice_goes_to_the_vocals_and_a_band_to_the_rest(separator: SpleeterSeparator) -> None:
    voice, band = sung_vowels(6.0), plucked_chords(6.0)
    mix = voice + band
    stems = whole(separator.separate([mix]))
    assert si_sdr(stems.vocals, voice) > si_sdr(mix, voice) + 4
    assert si_sdr(stems.accompaniment, band) > si_sdr(mix, band) + 4


def test_a_real_voice_comes_out_of_a_real_song(separator: SpleeterSeparator) -> None:
    song = MIXES / "mir1k_amy_9_06.wav"
    if not song.exists():
        pytest.skip("needs the MIR-1K clips in ../shared/media/vocals_mixes")
    stereo, rate = soundfile.read(song, dtype="float32")
    mix, voice = (soxr.resample(mono, rate, SEPARATION_RATE) for mono in (stereo.sum(axis=1), stereo[:, 1]))
    stems = whole(separator.separate([np.stack([mix, mix], axis=1)]))
    assert si_sdr(stems.vocals[:, 0], voice) > si_sdr(mix, voice) + 5


def test_memory_does_not_grow_with_the_song(separator: SpleeterSeparator) -> None:
    def peak_bytes(seconds: int) -> int:
        tracemalloc.start()
        for _ in separator.separate(noise(SEPARATION_RATE, second) for second in range(seconds)):
            pass
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    assert peak_bytes(40) < 1.02 * peak_bytes(13)


def test_stems_come_while_the_song_is_still_being_read(separator: SpleeterSeparator) -> None:
    block, read, returned = 44_100, 0, 0

    def blocks() -> Iterator[Samples]:
        nonlocal read
        for second in range(30):
            read += block
            yield noise(block, second)

    for stems in separator.separate(blocks()):
        assert read - returned <= SEGMENT + TAIL + block
        returned += len(stems.vocals)
    assert returned == read == 30 * block
