"""Real recordings, where they are at hand: a solo singer, backing tracks, a filmed talker."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from benchmarks.filmed import films
from benchmarks.fit_mouth import correlation
from render_service import weights
from render_service.perform.curves import sample
from render_service.perform.gate import gate
from render_service.perform.model import SungMotionModel
from render_service.perform.opening import mouth
from render_service.perform.pitch import follow
from render_service.perform.presence import require_voice
from render_service.perform.ridge import load
from render_service.stages import JAW_OPEN_CM, MIX_RATE, VOICE_RATE, HeardSong

SINGER_S = 14.0


@pytest.fixture(scope="module")
def singer(media: Path) -> HeardSong:
    sound, rate = soundfile.read(media / "songs" / "vocadito_1.wav", dtype="float32")
    sound = sound[: round(SINGER_S * rate)]
    return HeardSong(*(soxr.resample(sound, rate, wanted).astype(np.float32) for wanted in (VOICE_RATE, MIX_RATE)))


def test_a_singer_opens_in_phrases_closes_and_rests(singer: HeardSong, model: SungMotionModel) -> None:
    performance = model.perform(singer, fps=25, frame_count=round(SINGER_S * 25), seed=0)
    gap_cm = (performance.column("jawOpen") - performance.column("mouthClose")) * JAW_OPEN_CM
    assert 1.3 < np.percentile(gap_cm, 95) < 2.5
    for start_s, end_s in ((3.5, 3.6), (6.4, 6.6), (9.55, 9.65), (12.35, 12.45)):
        assert gap_cm[round(start_s * 25) : round(end_s * 25) + 1].max() < 0.25
    for start_s, end_s in ((0.6, 3.2), (3.8, 6.1), (6.9, 9.2), (10.0, 12.1)):
        assert gap_cm[round(start_s * 25) : round(end_s * 25)].max() > 0.8
    singing = slice(round(4.0 * 25), round(6.0 * 25))
    assert (gap_cm[singing] < 0.05).any(), "the decoder hears a B at 4.3 s, and so does a listener"


def test_a_voice_is_found_in_quiet_company(media: Path) -> None:
    sound, rate = soundfile.read(media / "vocals_mixes" / "mir1k_amy_9_06.wav", dtype="float32")
    voice = soxr.resample(sound[:, 1], rate, VOICE_RATE).astype(np.float32)
    require_voice(HeardSong(voice, soxr.resample(sound.sum(axis=1), rate, MIX_RATE).astype(np.float32)))


def test_a_filmed_mouth_is_followed(media: Path, tmp_path: Path) -> None:
    if not dict(weights.survey()).get("face_landmarker.task"):
        pytest.skip("face_landmarker.task is not fetched: serenade weights fetch")
    film_path = media / "videos" / "grid_sbia1a.mpg"
    (tmp_path / film_path.name).symlink_to(film_path)
    (film,) = films(tmp_path)
    pitch = follow(film.voice.hertz, film.voice.periodic, film.voice.sounding)
    motion = mouth(film.voice, pitch, film.heard, gate(film.voice.level), load())
    shown = np.stack([sample(c, film.times_s) for c in (motion.gap_cm * (1 - motion.touch), motion.width)], axis=1)
    opening, width = correlation(shown, film)
    assert opening > 0.6
    assert width > 0.5
