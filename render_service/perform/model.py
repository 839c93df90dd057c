"""`SungMotionModel`: hears the voice and the song, and sings with the whole face."""

import numpy as np

from render_service.perform import breath, eyes, head, lips, mood, opening, phones, presence, ridge, vowels
from render_service.perform.curves import Curve, grid, sample, smooth
from render_service.perform.features import VoiceFeatures, listen
from render_service.perform.gate import Gate, gate
from render_service.perform.music import hear_music
from render_service.perform.pitch import Pitch, follow
from render_service.stages import ARKIT_NAMES, VOICE_RATE, HeardSong, Performance

OCTAVE_SHARE = 7.0
"""Semitones above the song's middle that count as its high notes."""


class SungMotionModel:
    """`MotionModel`: phones and a fitted ridge for the mouth, the song's beats, breaths and accents for the rest."""

    def warm_up(self) -> None:
        """Reads the weights and the acoustic model once, so that the first song starts at once."""
        ridge.load()
        phones.decode(np.zeros(VOICE_RATE, np.float32), np.ones(101), 0.5)

    def perform(self, song: HeardSong, *, fps: int, frame_count: int, seed: int) -> Performance:
        """The same song and seed give the same curves; `fps` and `frame_count` only say where they are sampled.

        Raises BadSong: SONG_SILENT, SONG_WITHOUT_VOICE.
        """
        presence.require_sound(song.mix)
        presence.require_voice(song)
        curves, pose, air = _curves(song, seed)
        times_s = (np.arange(frame_count) + 0.5) / fps
        blendshapes = np.zeros((frame_count, len(ARKIT_NAMES)), np.float32)
        for name, curve in curves.items():
            blendshapes[:, ARKIT_NAMES.index(name)] = np.clip(sample(curve, times_s), 0, 1)
        turned = np.stack([sample(column, times_s) for column in pose.T], axis=1).astype(np.float32)
        return Performance(fps, blendshapes, turned, sample(air, times_s).astype(np.float32))


def _curves(song: HeardSong, seed: int) -> tuple[dict[str, Curve], Curve, Curve]:
    """Blendshapes by name, head [T, 6] and breath [T], all at `curves.RATE`.

    Chance depends on the seed and on the song's length, so that two songs don't share their blinks.
    """
    for_lips, for_eyes, for_gaze, for_head, for_brows, for_breath = np.random.default_rng([seed, len(song.mix)]).spawn(
        6
    )
    voice = listen(song.vocals)
    times_s = grid(len(song.vocals) / VOICE_RATE)
    pitch, sung = (
        follow(voice.hertz, voice.periodic, voice.sounding),
        gate(voice.level, presence.share_db(song, len(voice.level))),
    )
    motion = _mouth(song, voice, pitch, sung)
    energy, height = _energy(voice, sung), _height(pitch, sung)
    music = hear_music(song.mix)

    air = breath.breath_curve(breath.breaths(sung.phrases, float(times_s[-1]), for_breath), times_s)
    cues = head.HeadCues(energy, height, air)
    pose = head.head(times_s, sung.phrases, music, cues, for_head)
    shut = eyes.lids(times_s, sung.phrases, pitch, for_eyes)
    across, up = eyes.gaze(times_s, pose[:, 0], pose[:, 1], for_gaze)

    curves = mood.brows(mood.mood_of(music), energy, height, for_brows)
    inhale = breath.inhales(sung.phrases, times_s, for_breath)
    for name, curve in lips.coefficients(motion, inhale, for_lips).items():
        curves[name] = curves[name] * (1 - motion.touch) + curve if name in curves else curve
    curves |= eyes.looks(across, up) | {"eyeBlinkLeft": shut, "eyeBlinkRight": shut}
    for side in ("Left", "Right"):
        curves[f"eyeWide{side}"] = curves[f"eyeWide{side}"] * (1 - shut)
    return curves, pose, air


def _mouth(song: HeardSong, voice: VoiceFeatures, pitch: Pitch, sung: Gate) -> opening.MouthMotion:
    heard = vowels.named(phones.decode(song.vocals, sung.level, sung.quiet), voice)
    return opening.mouth(voice, pitch, heard, sung, ridge.load())


def _energy(voice: VoiceFeatures, sung: Gate) -> Curve:
    """[T] 0..1: loudness of the singing, as slow as a body follows it."""
    return smooth(np.clip((voice.level - sung.quiet) / (1 - sung.quiet), 0, 1) * sung.amount, 0.3)


def _height(pitch: Pitch, sung: Gate) -> Curve:
    """[T] pitch against the middle of the song, 1 on its high notes, 0 while nobody sings."""
    heard = pitch.voiced & sung.on
    if not heard.any():
        return np.zeros_like(pitch.semitones)
    middle = np.median(pitch.semitones[heard])
    return smooth(np.clip((pitch.semitones - middle) / OCTAVE_SHARE, -1, 1.5) * sung.amount, 0.15)
