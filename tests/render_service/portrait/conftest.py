"""A picture of a face to try things on."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from render_service.portrait.canonical import CANONICAL
from render_service.portrait.finder import FaceFinder
from render_service.stages import Frame

ROOT = Path(__file__).parents[3]
MEDIA = ROOT.parent / "shared" / "media"
HEIGHT = 480


@pytest.fixture(scope="session")
def finder() -> FaceFinder:
    return FaceFinder()


@pytest.fixture(scope="session")
def picture() -> Frame:
    """The bundled portrait, or one of the pictures to try things on, 480 px high."""
    for path in [*ROOT.glob("examples/portrait.*"), MEDIA / "portraits" / "people_0.png"]:
        read = cv2.imread(str(path))
        if read is not None:
            size = round(read.shape[1] * HEIGHT / read.shape[0]), HEIGHT
            return np.asarray(cv2.cvtColor(cv2.resize(read, size, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2RGB))
    pytest.skip("there is neither a bundled portrait nor ../shared/media/portraits")


@pytest.fixture(scope="session")
def mirror() -> np.ndarray:
    """[468] which vertex is on the other side of the face."""
    mirrored = CANONICAL.vertices * [-1, 1, 1]
    return np.linalg.norm(mirrored[:, None] - CANONICAL.vertices[None], axis=2).argmin(1)
