"""Which backend serves which stage: a readable table, with licence and needs; nothing is imported before it is used."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, Literal, Protocol, runtime_checkable

from render_service.media.encode import FfmpegEncoder
from render_service.media.pictures import PillowPictureReader
from render_service.media.songs import PyAVSongReader
from render_service.pipeline import Parts
from shared.errors import ErrorCode, Fault
from shared.settings import IntakeLimits

StageName = Literal["separate", "perform", "animate"]


@dataclass(frozen=True)
class Backend:
    """One row. target: "module:Class", made without arguments. weights: names in the catalogue. extra: pip extra."""

    stage: StageName
    target: str
    licence: str
    weights: tuple[str, ...] = ()
    extra: str | None = None


BACKENDS: dict[str, Backend] = {
    "spleeter": Backend(
        "separate",
        "render_service.separate.spleeter:SpleeterSeparator",
        "MIT (Deezer)",
        weights=("spleeter-2stems-int8.onnx",),
    ),
    "sung": Backend("perform", "render_service.perform.model:SungMotionModel", "MIT; acoustic model BSD (CMU)"),
    "puppet": Backend(
        "animate",
        "render_service.animate.puppet.puppet:PuppetAnimator",
        "MIT; landmarker and matte Apache-2.0 (Google)",
        weights=("face_landmarker.task", "selfie_segmentation.tflite"),
    ),
}
"""Every backend there is, by the name settings use."""

DEFAULTS: dict[StageName, str] = {"separate": "spleeter", "perform": "sung", "animate": "puppet"}


@runtime_checkable
class Warmable(Protocol):
    """A backend that compiles or loads on first use, and can be asked to do it now."""

    def warm_up(self) -> None: ...


@cache
def load(name: str) -> Any:
    """Imports and makes a backend, once a process; it fits its stage's Protocol, which tests see to.

    Raises Fault where its extra is not installed.
    """
    backend = BACKENDS[name]
    module, _, attribute = backend.target.partition(":")
    try:
        made: Callable[[], object] = getattr(import_module(module), attribute)
    except ModuleNotFoundError as missing:
        raise Fault(
            ErrorCode.INTERNAL, f"{name} needs {missing.name}: pip install 'serenade[{backend.extra}]'"
        ) from missing
    return made()


def build_parts(limits: IntakeLimits) -> Parts:
    """The default backends, ready to load."""
    return Parts(
        songs=PyAVSongReader(limits),
        pictures=PillowPictureReader(limits),
        encoder=FfmpegEncoder(),
        separator=lambda: load(DEFAULTS["separate"]),
        motion=lambda: load(DEFAULTS["perform"]),
        animator=lambda: load(DEFAULTS["animate"]),
    )


def warm_up() -> None:
    """Loads the default backends and lets each compile what it compiles."""
    for name in DEFAULTS.values():
        backend = load(name)
        if isinstance(backend, Warmable):
            backend.warm_up()
