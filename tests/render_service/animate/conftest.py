"""Portraits to animate: a drawn one always, photos where they lie beside the project."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from render_service.animate.puppet.model import build_rig
from render_service.animate.puppet.puppet import PuppetAnimator
from render_service.animate.puppet.rig import flatten
from render_service.portrait.finder import FaceFinder
from render_service.stages import ARKIT_NAMES, Frame, FrameSize, Performance, Rig
from tests.render_service.animate.drawn_face import drawn_portrait

PORTRAITS = Path(__file__).parents[4] / "shared" / "media" / "portraits"
PHOTO_HEIGHT = 400

Perform = Callable[..., Performance]


@pytest.fixture(scope="session")
def animator() -> PuppetAnimator:
    return PuppetAnimator()


@pytest.fixture(scope="session")
def drawn_rig() -> Rig:
    """A drawn face with closed lips."""
    return flatten(build_rig(drawn_portrait()))


@pytest.fixture(scope="session")
def smiling_rig() -> Rig:
    """A drawn face whose lips are 0.8 cm apart."""
    return flatten(build_rig(drawn_portrait(gap_cm=0.8)))


@pytest.fixture(scope="session")
def finder() -> FaceFinder:
    return FaceFinder()


@pytest.fixture(scope="session")
def photo_rig(animator: PuppetAnimator) -> Callable[[str], Rig]:
    """The rig of one of the photos; skips where they are not there."""

    @cache
    def rig(name: str) -> Rig:
        path = PORTRAITS / name
        if not path.exists():
            pytest.skip(f"no photo {name} beside the project")
        picture = np.array(Image.open(path).convert("RGB"))
        width = 2 * round(PHOTO_HEIGHT * picture.shape[1] / picture.shape[0] / 2)
        return animator.rig(picture, FrameSize(width, PHOTO_HEIGHT), face=None)

    return rig


@pytest.fixture
def perform() -> Perform:
    """Makes a performance: one array or number for each named coefficient, head column or breath."""
    heads = ("yaw", "pitch", "roll", "x", "y", "z")

    def make(**curves: NDArray[np.floating] | float) -> Performance:
        count = max((np.size(curve) for curve in curves.values()), default=1)
        blendshapes, head = np.zeros((count, len(ARKIT_NAMES)), np.float32), np.zeros((count, 6), np.float32)
        breath = np.zeros(count, np.float32)
        for name, curve in curves.items():
            if name == "breath":
                breath[:] = curve
            elif name in heads:
                head[:, heads.index(name)] = curve
            else:
                blendshapes[:, ARKIT_NAMES.index(name)] = curve
        return Performance(25, blendshapes, head, breath)

    return make


@pytest.fixture
def frame(animator: PuppetAnimator, perform: Perform) -> Callable[..., Frame]:
    """One frame of a rig with some coefficients."""

    def draw(rig: Rig, **values: float) -> Frame:
        return next(animator.animate(rig, perform(**values), range(1))).copy()

    return draw
