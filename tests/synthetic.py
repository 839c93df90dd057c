"""Ground truth for tests: a short song of ours whose stems, phones, pitch and pauses are known.

Import the fixture where it is wanted: `from tests.synthetic import sung  # noqa: F401`, or call `short_truth()`.
"""

from functools import lru_cache

import numpy as np
import pytest
from numpy.typing import NDArray

from examples.synth import Sung, short_song, sing

GUARD_S = 0.15
"""The room's echo and the lips' way home: this long after a phrase nothing is asserted."""


@lru_cache(maxsize=1)
def short_truth() -> Sung:
    """Six seconds: two phrases, 1.5 s of band alone between them. Made once (0.5 s); treat it as read-only."""
    return sing(short_song())


@pytest.fixture(scope="session")
def sung() -> Sung:
    return short_truth()


def silent_frames(song: Sung, fps: int, frame_count: int, *, breath_is_silence: bool = False) -> NDArray[np.bool_]:
    """[frame_count] true where frame i, at (i + 0.5) / fps, has no singing, and no breath unless that counts too."""
    time_s = (np.arange(frame_count) + 0.5) / fps
    busy = [*song.phrases] if breath_is_silence else [*song.phrases, *song.breaths]
    silent = np.ones(frame_count, dtype=bool)
    for span in busy:
        silent &= (time_s < span.start_s - GUARD_S) | (time_s > span.end_s + GUARD_S)
    return silent


def phone_frames(song: Sung, phones: set[str], fps: int, frame_count: int) -> NDArray[np.bool_]:
    """[frame_count] true where one of `phones` sounds."""
    time_s = (np.arange(frame_count) + 0.5) / fps
    found = np.zeros(frame_count, dtype=bool)
    for event in song.events:
        if event.phone in phones:
            found |= (time_s >= event.start_s) & (time_s < event.end_s)
    return found
