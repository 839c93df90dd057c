"""Real mouths with their sound: films of talkers, as tracks of opening and width beside what the model hears."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.track import CHIN, FACE_TOP, LOWER_LIP, MOUTH_CORNERS, UPPER_LIP, frames, sound
from render_service.perform import phones
from render_service.perform.coarticulation import Lips, articulate
from render_service.perform.features import VoiceFeatures, listen
from render_service.perform.gate import gate
from render_service.perform.phones import Phone
from render_service.perform.vowels import named
from render_service.portrait.face import Points
from render_service.portrait.finder import FaceFinder
from render_service.stages import VOICE_RATE, Samples

VIDEOS = Path(__file__).parent.parent.parent / "shared" / "media" / "videos"
FPS = 25
"""Of every film here; some headers say otherwise."""
EYE_CORNERS = 33, 263
EARLY_S = {"WDA_KatieHill_000": 0.16}
"""Films whose pictures are ahead of their sound, by name."""
GRID = re.compile(r"grid_")


@dataclass(frozen=True)
class Film:
    """One film. times_s: [T] where its frames lie in the sound. truth: [T, 2] opening in face heights, width in eye
    distances, as measured by the landmarker."""

    name: str
    times_s: NDArray[np.float64]
    truth: NDArray[np.float64]
    vocals: Samples
    voice: VoiceFeatures
    heard: list[Phone]
    lips: Lips

    @property
    def fitted(self) -> bool:
        """Whether the weights that are shipped were fitted to it."""
        return bool(GRID.match(self.name))

    @property
    def wanted(self) -> NDArray[np.float64]:
        """[T, 2]: opening 0 closed .. 1 its 95th percentile; width about its median, in the same spread."""
        low, middle, high = np.percentile(self.truth, (5, 50, 95), axis=0)
        return np.asarray((self.truth - [low[0], middle[1]]) / np.maximum(high - low, 1e-6))


def films(folder: Path = VIDEOS) -> list[Film]:
    """All films in a folder, in the order of their names; none where there is no such folder."""
    if not (paths := sorted(folder.glob("*.m*"))):
        return []
    finder = FaceFinder()
    return [_film(path, finder) for path in paths]


def _film(path: Path, finder: FaceFinder) -> Film:
    vocals = sound(path, VOICE_RATE)
    truth = _mouth_track(path, finder)
    times_s = np.arange(len(truth)) / FPS + EARLY_S.get(path.stem, 0.0)
    seen = np.isfinite(truth[:, 0]) & (times_s < len(vocals) / VOICE_RATE)
    voice = listen(vocals)
    heard = named(phones.decode(vocals, voice.level, gate(voice.level).quiet), voice)
    lips = articulate(heard, len(voice.level))
    return Film(path.stem, times_s[seen], truth[seen], vocals, voice, heard, lips)


def _mouth_track(path: Path, finder: FaceFinder) -> NDArray[np.float64]:
    rows, face = [], None
    for frame in frames(path):
        face = finder.track(frame, face)
        rows.append(_mouth(face.landmarks) if face else (np.nan, np.nan))
    return np.array(rows)


def _mouth(landmarks: Points) -> tuple[float, float]:
    def apart(a: int, b: int) -> float:
        return float(np.linalg.norm(landmarks[a, :2] - landmarks[b, :2]))

    return apart(UPPER_LIP, LOWER_LIP) / apart(FACE_TOP, CHIN), apart(*MOUTH_CORNERS) / apart(*EYE_CORNERS)
