"""From one rendering and what was seen of it to the values of all checks."""

import av
import librosa
import numpy as np
from numpy.typing import NDArray

from benchmarks.quality import pictures, signals
from benchmarks.quality.cases import Case, Truth, truth
from benchmarks.quality.rendering import Rendering, flipped_share
from benchmarks.quality.watching import Watched
from benchmarks.track import sound
from render_service.stages import MIX_RATE, VOICE_RATE

OPEN_CM = 0.15
"""More open than at rest by this much is open: landmarks err by a third of it."""
REST_CM = 0.10, 0.50
"""The gap at rest is the photo's own, within what the landmarker tells of closed lips and of parted ones."""
MIN_SILENT = 5
"""Frames of silence under which nothing is said about it."""
MIN_VOICE_R = 0.35
"""A lag is told only where opening and loudness go together at all."""
LONG_ENOUGH_S = 9.0
"""Blinks a minute are not told of shorter clips."""
MIN_BEATS = 15
"""Fewer beats align or don't by chance."""
MOVES_DEG = 0.3
"""Angles that vary less than this are not correlated."""
SLACK_S = 0.1

Values = dict[str, float]


def measure(case: Case, rendering: Rendering, watched: Watched) -> Values:
    """Every key of `checks.CHECKS`; NaN where it does not apply."""
    known = truth(case)
    return {
        **_mouth(rendering, watched, known),
        **_eyes_and_head(rendering, watched, known),
        **_picture(rendering, watched),
        **_sound(case, rendering),
    }


def _mouth(rendering: Rendering, watched: Watched, known: Truth | None) -> Values:
    commands, fps = rendering.commands, rendering.performance.fps
    voice = signals.level(rendering.heard.vocals, VOICE_RATE, rendering.count, fps)
    sounding = signals.inside(known.sung, rendering.count, fps) if known else voice > signals.SOUNDING_DB
    quiet = signals.silent(sounding, fps) & np.isfinite(watched.opening_cm)
    command_lag, _ = signals.lag(watched.opening_cm, commands.lips_cm)
    voice_lag, voice_r = signals.lag(watched.opening_cm, voice)
    own_gap = float(np.clip(watched.photo.opening_cm, *REST_CM))
    opened = watched.opening_cm > own_gap + OPEN_CM
    return {
        "lost": watched.lost,
        "aperture_r": signals.correlation(commands.lips_cm, watched.opening_cm),
        "aperture_slope": signals.slope(commands.lips_cm, watched.opening_cm),
        "command_lag": command_lag,
        "voice_lag": voice_lag if voice_r >= MIN_VOICE_R else np.nan,
        "voice_r": voice_r,
        "open_in_silence": 100 * float(opened[quiet].mean()) if quiet.sum() >= MIN_SILENT else np.nan,
        "opening_p95": float(np.nanpercentile(watched.opening, 95)),
        "opening_std": float(np.nanstd(watched.opening)),
        "width_r": signals.correlation_beside(commands.width, watched.width_cm, commands.lips_cm),
        "width_raw_r": signals.correlation(commands.width, watched.width_cm),
    }


def _eyes_and_head(rendering: Rendering, watched: Watched, known: Truth | None) -> Values:
    commands, count, fps = rendering.commands, rendering.count, rendering.performance.fps
    seconds = count / fps
    ranges = np.nanmax(watched.turn, axis=0) - np.nanmin(watched.turn, axis=0)
    r = [_turn_r(commands.turn[:, k], watched.turn[:, k], commands.lips_cm) for k in range(3)]
    beats = np.array(known.beats) if known else _heard_beats(rendering)
    beats = beats[(beats > 0) & (beats < seconds)] * fps - 0.5
    if len(beats) < MIN_BEATS or watched.lost:
        beats = beats[:0]
    minima = signals.speed_minima(watched.turn) if not watched.lost else np.zeros(0)
    score = signals.beat_alignment(beats, minima)
    return {
        "eyes_r": signals.correlation(commands.blink, watched.eyes),
        "blinks": 60 * signals.blinks(watched.eyes) / seconds if seconds >= LONG_ENOUGH_S else np.nan,
        **dict(zip(("yaw_range", "pitch_range", "roll_range"), ranges.tolist(), strict=True)),
        **dict(zip(("yaw_r", "pitch_r", "roll_r"), r, strict=True)),
        "spikes": signals.spikes(watched.turn),
        "beats": len(beats) or np.nan,
        "beat_score": score,
        "beat_gain": score - signals.random_alignment(beats, minima, count),
    }


def _turn_r(command: NDArray[np.float64], seen: NDArray[np.float64], lips: NDArray[np.float64]) -> float:
    return signals.correlation_beside(command, seen, lips) if command.std() > MOVES_DEG else np.nan


def _heard_beats(rendering: Rendering) -> NDArray[np.float64]:
    """Seconds, by a tracker that is not the performance's own (librosa)."""
    _, beats = librosa.beat.beat_track(y=rendering.heard.mix, sr=MIX_RATE, units="time")
    return np.asarray(beats, np.float64)


def _picture(rendering: Rendering, watched: Watched) -> Values:
    median, p99 = pictures.rest_difference(rendering, watched.photo.points)
    return {
        "rest_median": median,
        "rest_p99": p99,
        "background": rendering.moved,
        "rim": pictures.rim(rendering, watched),
        "cheek_edge": pictures.cheek_edge(rendering, watched),
        "sharp_drawn": pictures.sharpness(rendering, watched, rendering.drawn),
        "sharp_finished": pictures.sharpness(rendering, watched, watched.frames),
        "flipped": 100 * flipped_share(rendering.rig, rendering.poses),
    }


def _sound(case: Case, rendering: Rendering) -> Values:
    fps = rendering.performance.fps
    heard = sound(rendering.video, VOICE_RATE)
    source = sound(case.song, VOICE_RATE)[round(case.start_s * VOICE_RATE) :]
    source = source[: len(heard)]
    samples, r = signals.offset(heard, source, round(SLACK_S * VOICE_RATE))
    with av.open(str(rendering.video)) as container:
        pictures_shown = sum(1 for _ in container.decode(video=0))
    return {
        "length_apart": abs(len(heard) / VOICE_RATE * fps - pictures_shown),
        "sound_r": r,
        "sound_offset": 1000 * samples / VOICE_RATE,
    }
