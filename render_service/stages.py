"""The seams of the render service: what each stage is, and the values handed from one to the next.

Backends implement these protocols and import nothing of each other; the pipeline knows nothing else.
Audio is float32 in -1..1; pictures are uint8 RGB; positions are pixels with y down unless a name says otherwise.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
"""Sound: [n, channels] or, where a docstring says mono, [n]; float32, full scale -1..1."""
Frame = NDArray[np.uint8]
"""A picture: [height, width, 3] uint8 RGB."""
Rig = Mapping[str, NDArray[np.generic]]
"""All an animator needs to draw any frame of one portrait, as plain arrays: it is stored as an .npz without pickles."""
Backdrop = Frame | Literal["blur"]
"""What is put behind the singer: a picture of any size, cut to cover the frame, or the photo's own, out of focus."""
Report = Callable[[float], None]
"""Told now and then how much of a stage is done, 0..1. It may raise `Cancelled` to stop the stage."""

SEPARATION_RATE = 44_100
VOICE_RATE = 16_000
MIX_RATE = 22_050

ARKIT_NAMES: tuple[str, ...] = (
    "eyeBlinkLeft", "eyeLookDownLeft", "eyeLookInLeft", "eyeLookOutLeft", "eyeLookUpLeft", "eyeSquintLeft",
    "eyeWideLeft", "eyeBlinkRight", "eyeLookDownRight", "eyeLookInRight", "eyeLookOutRight", "eyeLookUpRight",
    "eyeSquintRight", "eyeWideRight", "jawForward", "jawRight", "jawLeft", "jawOpen", "mouthClose", "mouthFunnel",
    "mouthPucker", "mouthRight", "mouthLeft", "mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft",
    "mouthFrownRight", "mouthDimpleLeft", "mouthDimpleRight", "mouthStretchLeft", "mouthStretchRight",
    "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthPressLeft", "mouthPressRight",
    "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight", "browDownLeft",
    "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight", "cheekPuff", "cheekSquintLeft",
    "cheekSquintRight", "noseSneerLeft", "noseSneerRight", "tongueOut",
)  # fmt: skip
"""The 52 coefficients and their order in Live Link Face recordings (Apple ARFaceAnchor.BlendShapeLocation).
"Left" is the singer's own left, which is on the right of the picture."""

JAW_OPEN_CM = 2.5
"""Gap between the inner lips that jawOpen = 1 alone asks for; mouthClose closes the lips over an open jaw."""


@dataclass(frozen=True)
class Stems:
    """One block of a separated song: vocals + accompaniment = the mix, sample by sample.

    vocals, accompaniment: [n, 2] float32 at `SEPARATION_RATE`.
    """

    vocals: Samples
    accompaniment: Samples


@dataclass(frozen=True)
class HeardSong:
    """What the motion model listens to.

    vocals: [n] float32 mono at `VOICE_RATE`, the separated voice, at the level it has in the mix.
    mix:    [m] float32 mono at `MIX_RATE`, the song as it is.
    """

    vocals: Samples
    mix: Samples

    @property
    def duration_s(self) -> float:
        return len(self.mix) / MIX_RATE


@dataclass(frozen=True)
class Performance:
    """How the song is performed, independent of who draws it.

    fps:         frames a second; frame i shows time (i + 0.5) / fps.
    blendshapes: [T, 52] float32 in 0..1, columns in the order of `ARKIT_NAMES`.
    head:        [T, 6] float32: yaw, pitch, roll in degrees, then x, y, z in face heights (chin to hairline, 18 cm).
                 Yaw > 0 turns to the singer's left (picture right), pitch > 0 nods down, roll > 0 tilts towards the
                 singer's left shoulder (clockwise in the picture); x to picture right, y up, z towards the camera.
                 Zero is the pose of the photo.
    breath:      [T] float32, -1 breathed out .. 1 breathed in; 0 is the photo.
    """

    fps: int
    blendshapes: NDArray[np.float32]
    head: NDArray[np.float32]
    breath: NDArray[np.float32]

    @property
    def frame_count(self) -> int:
        return len(self.blendshapes)

    def column(self, name: str) -> NDArray[np.float32]:
        """The curve [T] of one ARKit coefficient, a view."""
        curve: NDArray[np.float32] = self.blendshapes[:, ARKIT_NAMES.index(name)]
        return curve


@dataclass(frozen=True)
class FrameSize:
    """Size of the video in pixels; both even, as yuv420p needs."""

    width: int
    height: int


@dataclass(frozen=True)
class Look:
    """How the singer is shown where it is not just the photo. backdrop: what replaces its background, or None."""

    backdrop: Backdrop | None = None


AS_THE_PHOTO = Look()


@dataclass(frozen=True)
class SongFacts:
    """What a probe found: the first audio stream of the file.

    duration_s is measured by decoding, never believed from a header.
    """

    duration_s: float
    sample_rate: int
    channels: int
    codec: str


@dataclass(frozen=True)
class VideoRate:
    """How a segment is encoded: constant quality, under a ceiling where the file must fit a limit.

    crf:           x264's constant rate factor.
    max_bit_rate:  bits a second that no second may exceed (VBV), or None.
    """

    crf: int
    max_bit_rate: int | None = None


class Separator(Protocol):
    """Takes a song apart. Loads once, separates often; memory does not grow with the song."""

    def separate(self, mix: Iterable[Samples]) -> Iterator[Stems]:
        """mix: blocks [n, 2] float32 at SEPARATION_RATE, any length. Yields blocks adding up to the same length."""
        ...


class MotionModel(Protocol):
    """Hears a song and decides how it is sung."""

    def perform(self, song: HeardSong, *, fps: int, frame_count: int, seed: int) -> Performance:
        """Raises BadSong (SONG_SILENT, SONG_WITHOUT_VOICE) where there is nothing to sing."""
        ...


class Animator(Protocol):
    """Makes one portrait perform."""

    def rig(self, picture: Frame, size: FrameSize, *, face: int | None, look: Look = AS_THE_PHOTO) -> Rig:
        """Done once a render. face: which, counted from the left from 1, or None for the largest.

        Raises BadPortrait (FACE_MISSING, FACE_TOO_SMALL, FACE_TURNED_AWAY, FACE_NUMBER), and BadOption
        (BACKGROUND_NOT_SEPARABLE) where a look has a backdrop and the person can't be told from the background.
        """
        ...

    def animate(self, rig: Rig, performance: Performance, frames: range) -> Iterator[Frame]:
        """A pure function of its arguments: frame i is the same whichever segment holds it.

        Yields [size.height, size.width, 3] uint8 RGB; the array may be reused once the next is asked for.
        """
        ...


class SongReader(Protocol):
    """Opens songs from strangers: nothing but the given local file is ever read."""

    def probe(self, path: Path) -> SongFacts:
        """Raises BadSong."""
        ...

    def blocks(self, path: Path, *, rate: int, start_s: float = 0.0, end_s: float | None = None) -> Iterator[Samples]:
        """Stereo [n, 2] blocks of about a second at `rate`: mono doubled, surround mixed down. Raises BadSong."""
        ...


class PictureReader(Protocol):
    """Opens pictures from strangers."""

    def read(self, path: Path) -> Frame:
        """The first frame, upright, alpha over white, sRGB. Raises BadPortrait."""
        ...


class Encoder(Protocol):
    """Frames to segments, segments and the song's own sound to a video."""

    def plan(
        self, size: FrameSize, *, fps: int, duration_s: float, max_bytes: int | None
    ) -> tuple[FrameSize, VideoRate]:
        """Fits a limit by bit rate, then by height. Raises BadOption (VIDEO_CANNOT_FIT)."""
        ...

    def segment(self, frames: Iterable[Frame], out: Path, *, size: FrameSize, fps: int, rate: VideoRate) -> int:
        """Writes one segment, returns the number of frames. Deletes `out` and raises Fault on failure."""
        ...

    def join(
        self,
        segments: Iterable[Path],
        song: Path,
        out: Path,
        *,
        fps: int,
        start_s: float,
        duration_s: float,
        max_bytes: int | None = None,
    ) -> None:
        """Joins without re-encoding pictures, adds the song's sound, writes `out` whole or not at all.

        max_bytes: the limit `plan` was given; the sound takes what the pictures leave of it.
        Raises BadOption (VIDEO_CANNOT_FIT).
        """
        ...
