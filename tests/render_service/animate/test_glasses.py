"""Eyes shut behind clear lenses; a rim across the lid keeps the lid that the photo has."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from render_service.animate.puppet.colours import LUMA
from render_service.animate.puppet.glasses import is_clear
from render_service.portrait.indices import LEFT_LIDS
from render_service.stages import Frame, Rig

PX_PER_CM, SKIN = 16.0, 190
CENTRE, AXES = (50, 40), (24, 11)


def eye() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Skin with a dark eye in it, and the eye's mask."""
    image, mask = np.full((80, 100, 3), SKIN, np.uint8), np.zeros((80, 100), np.uint8)
    cv2.ellipse(image, CENTRE, AXES, 0, 0, 360, (60, 50, 40), -1)
    cv2.ellipse(mask, CENTRE, AXES, 0, 0, 360, 1, -1)
    return image, np.asarray(cv2.dilate(mask, np.ones((3, 3), np.uint8)))


def test_a_bare_eye_and_rims_further_away_are_clear() -> None:
    image, mask = eye()
    assert is_clear(image, mask, PX_PER_CM, SKIN)
    cv2.rectangle(image, (6, 4), (94, 76), (20, 20, 20), 2)
    assert is_clear(image, mask, PX_PER_CM, SKIN)


def test_a_rim_along_the_lid_is_not() -> None:
    image, mask = eye()
    cv2.ellipse(image, CENTRE, (AXES[0] + 4, AXES[1] + 4), 0, 180, 360, (20, 20, 20), 3)
    assert not is_clear(image, mask, PX_PER_CM, SKIN)


@pytest.mark.parametrize(("name", "clear"), [("d8.jpg", True), ("art_15.png", False), ("people_0.png", True)])
def test_lids_are_made_where_lenses_are_clear(name: str, clear: bool, photo_rig: Callable[[str], Rig]) -> None:
    assert ("eyes/left_skin/picture" in photo_rig(name)) == clear


def test_behind_clear_lenses_the_eye_shuts(photo_rig: Callable[[str], Rig], frame: Callable[..., Frame]) -> None:
    rig = photo_rig("d8.jpg")
    source = np.asarray(rig["mesh/source"]) - int(rig["camera/pad"])
    lids = source[[*LEFT_LIDS.upper, *LEFT_LIDS.lower]]
    (left, top), (right, bottom) = np.floor(lids.min(axis=0)).astype(int), np.ceil(lids.max(axis=0)).astype(int)
    before, after = ((picture @ LUMA)[top:bottom, left:right] for picture in (frame(rig), frame(rig, eyeBlinkLeft=1.0)))
    iris = before < 0.75 * np.median(after)
    assert iris.mean() > 0.05
    assert (after[iris] > before[iris] + 10).mean() > 0.7
