"""Makes one case's video through the real parts, and keeps what was commanded and drawn to compare it with."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.cases import Case
from render_service.animate.puppet.controls import SHAPES, Pose, pose_at
from render_service.animate.puppet.deform import Deformer
from render_service.animate.puppet.model import PuppetRig
from render_service.animate.puppet.rig import restore
from render_service.pipeline import Parts, Pipeline
from render_service.registry import build_parts
from render_service.stages import (
    AS_THE_PHOTO,
    Animator,
    Frame,
    FrameSize,
    HeardSong,
    Look,
    MotionModel,
    Performance,
    Rig,
)
from shared.models import Stage
from shared.settings import load_settings

DRAWN_EVERY = 5
"""Of the raw frames, one in so many is kept: neighbours say the same."""
_WIDER = {"wide": 0.10, "round": -0.27, "smile": 0.17, "frown": 0.03}
"""How much wider each shape makes the mouth: travel of its corners (`shapes.py`) over half its width."""
NARROWING, NARROWING_FROM_CM = 0.16, 0.3
"""An opening mouth grows narrower: "wide" lost per cm."""


@dataclass(frozen=True)
class Commands:
    """What the puppet was told, after its own limits. lips_cm, width, blink: [T]; turn: [T, 3] degrees."""

    lips_cm: NDArray[np.float64]
    width: NDArray[np.float64]
    blink: NDArray[np.float64]
    turn: NDArray[np.float64]


@dataclass(frozen=True)
class Rendering:
    """One finished video and everything it came from.

    photo:   [H, W, 3] uint8, the portrait at the video's size, resized here and not by the renderer.
    rest:    the frame drawn when nothing is commanded.
    drawn:   index -> raw frame, one in `DRAWN_EVERY`.
    moved:   largest difference, in levels, of any raw frame's still background from the photo; NaN where all moves.
    alpha:   [H, W] how much the moving layer covers; far: [H, W] where nothing may move.
    """

    video: Path
    heard: HeardSong
    performance: Performance
    rig: PuppetRig
    commands: Commands
    photo: Frame
    rest: Frame
    drawn: dict[int, Frame]
    alpha: NDArray[np.uint8]
    far: NDArray[np.bool_]
    moved: float
    poses: list[Pose] = field(repr=False)

    @property
    def count(self) -> int:
        return self.performance.frame_count


class _Listener:
    """The motion model, and what it heard."""

    def __init__(self, model: MotionModel) -> None:
        self._model = model
        self.heard: HeardSong | None = None

    def perform(self, song: HeardSong, *, fps: int, frame_count: int, seed: int) -> Performance:
        self.heard = song
        return self._model.perform(song, fps=fps, frame_count=frame_count, seed=seed)


class _Onlooker:
    """The animator, and some of the raw frames on their way to the encoder."""

    def __init__(self, animator: Animator) -> None:
        self._animator = animator
        self.drawn: dict[int, Frame] = {}

    def rig(self, picture: Frame, size: FrameSize, *, face: int | None, look: Look = AS_THE_PHOTO) -> Rig:
        return self._animator.rig(picture, size, face=face, look=look)

    def animate(self, rig: Rig, performance: Performance, frames: range) -> Iterator[Frame]:
        for index, frame in zip(frames, self._animator.animate(rig, performance, frames), strict=True):
            if index % DRAWN_EVERY == 0:
                self.drawn[index] = frame.copy()
            yield frame


def render(case: Case, folder: Path) -> Rendering:
    """Raises BadInput where the case is refused."""
    parts = build_parts(load_settings().intake)
    listener, onlooker = _Listener(parts.motion()), _Onlooker(parts.animator())
    pipeline = Pipeline(replace(parts, motion=lambda: listener, animator=lambda: onlooker))
    prepared = pipeline.prepare(case.song, case.portrait, case.options, _quiet)
    segments = [folder / f"{index}.mp4" for index in range(prepared.plan.segment_count)]
    for index, segment in enumerate(segments):
        pipeline.render_segment(prepared, index, segment, _quiet)
    video = folder / "video.mp4"
    pipeline.finish(prepared.plan, segments, case.song, video, _quiet)
    return _rendering(parts, case, video, listener, onlooker, prepared.performance, prepared.rig)


def _quiet(stage: Stage, fraction: float) -> None:
    pass


def _rendering(
    parts: Parts,
    case: Case,
    video: Path,
    listener: _Listener,
    onlooker: _Onlooker,
    performance: Performance,
    arrays: Rig,
) -> Rendering:
    assert listener.heard is not None
    rig = restore(PuppetRig, arrays)
    poses = [
        pose_at(coefficients, head, float(breath), rig.limits_deg)
        for coefficients, head, breath in zip(
            performance.blendshapes, performance.head, performance.breath, strict=True
        )
    ]
    height, width = rig.layers.photo.shape[:2]
    photo = _resized(parts.pictures.read(case.portrait), width, height)
    still = Performance(
        performance.fps,
        np.zeros_like(performance.blendshapes[:1]),
        np.zeros_like(performance.head[:1]),
        np.zeros_like(performance.breath[:1]),
    )
    alpha = _alpha(rig)
    far = _far(rig, alpha)
    moved = max((_difference(frame, photo, far) for frame in onlooker.drawn.values()), default=np.nan)
    return Rendering(
        video=video,
        heard=listener.heard,
        performance=performance,
        rig=rig,
        commands=_commands(poses),
        photo=photo,
        rest=next(parts.animator().animate(arrays, still, range(1))).copy(),
        drawn=onlooker.drawn,
        alpha=alpha,
        far=far,
        moved=moved,
        poses=poses,
    )


def _commands(poses: list[Pose]) -> Commands:
    lips = np.array([pose.lips_cm for pose in poses])
    width = np.array([_width(pose) for pose in poses])
    blink = np.array([np.mean(pose.blink) for pose in poses])
    return Commands(lips, width, blink, np.array([pose.turn for pose in poses]))


def _width(pose: Pose) -> float:
    """Relative widening of the mouth that the shapes of a pose ask for."""
    total = -_WIDER["wide"] * NARROWING * max(0.0, pose.lips_cm - NARROWING_FROM_CM)
    for name, gain in _WIDER.items():
        total += gain * float(np.mean([v for s, v in zip(SHAPES, pose.shapes, strict=True) if s.split("_")[0] == name]))
    return total


def _resized(picture: Frame, width: int, height: int) -> Frame:
    shrinks = width * height < picture.shape[0] * picture.shape[1]
    way = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, (width, height), interpolation=way), np.uint8)


def _alpha(rig: PuppetRig) -> NDArray[np.uint8]:
    """[H, W] of the output: how much the moving layer covers."""
    height, width = rig.layers.photo.shape[:2]
    pad = rig.camera.pad
    padded = np.zeros((height + 2 * pad, width + 2 * pad), np.uint8)
    x, y = (int(n) for n in rig.layers.corner)
    layer = rig.layers.foreground[..., 3]
    padded[y : y + layer.shape[0], x : x + layer.shape[1]] = layer[: len(padded) - y, : padded.shape[1] - x]
    return padded[pad : pad + height, pad : pad + width]


FAR_CM = 4.0
"""No limit of the puppet takes a head further than this from where the photo has it."""


def _far(rig: PuppetRig, alpha: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """[H, W]: where nothing may ever move: outside the moving region, and far from the moving layer."""
    left, top, right, bottom = (int(n) for n in rig.layers.region)
    outside = np.ones(alpha.shape, np.bool_)
    outside[top:bottom, left:right] = False
    reach = max(1, round(FAR_CM * rig.camera.px_per_cm))
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    return np.asarray(outside | (cv2.dilate((alpha > 0).astype(np.uint8), disk) == 0))


def _difference(frame: Frame, photo: Frame, where: NDArray[np.bool_]) -> float:
    if not where.any():
        return np.nan
    return float(np.abs(frame[where].astype(int) - photo[where]).max())


def flipped_share(rig: PuppetRig, poses: list[Pose]) -> float:
    """Largest share of the face's area that any of the poses turns inside out."""
    mesh = rig.mesh
    deformer = Deformer(mesh, rig.fields, rig.camera)
    face = mesh.triangles[(mesh.triangles < mesh.face_count - 3).all(axis=1)]
    rest = signed_areas(mesh.source, face)
    shares = []
    for pose in poses:
        areas = signed_areas(deformer.draw(pose).positions, face) * np.sign(rest)
        shares.append(float(-np.minimum(areas, 0).sum() / np.abs(rest).sum()))
    return max(shares, default=0.0)


def signed_areas(points: NDArray[np.floating], triangles: NDArray[np.int32]) -> NDArray[np.float64]:
    """[m] px^2; the sign tells the winding."""
    a, b, c = (np.asarray(points, np.float64)[triangles[:, k]] for k in range(3))
    ab, ac = b - a, c - a
    return np.asarray((ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]) / 2)
