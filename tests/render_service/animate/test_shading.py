"""Shadows come with the movement that casts them, and go with it."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from render_service.animate.puppet.colours import LUMA
from render_service.animate.puppet.controls import pose_at
from render_service.animate.puppet.deform import Deformer, Drawn
from render_service.animate.puppet.eyes import CREASE_HEIGHT
from render_service.animate.puppet.folds import FoldPainter
from render_service.animate.puppet.model import PuppetRig
from render_service.animate.puppet.rig import restore
from render_service.portrait.indices import CHIN, LEFT_LIDS, RIGHT_LIDS, Lids
from render_service.stages import Frame, Performance, Rig
from tests.render_service.animate.drawn_face import PX_PER_CM, SKIN

Perform = Callable[..., Performance]
UNDER_LIP, RIGHT_NASOLABIAL = 200, 206
SHADE = np.array([120, 80, 60], np.float32)


def shaded(rig: Rig, performance: Performance, *, gap_cm: float = 0.0) -> tuple[Frame, Drawn]:
    """Folds alone, over plain skin, and where the face is drawn."""
    strung = restore(PuppetRig, rig)
    pose = pose_at(performance.blendshapes[0], performance.head[0], 0.0, strung.limits_deg)
    drawn = Deformer(strung.mesh, strung.fields, strung.camera).draw(pose)
    canvas = np.full((512, 448, 3), SKIN, np.uint8)
    FoldPainter(SHADE, PX_PER_CM, gap_cm).paint(canvas, drawn, pose)
    return canvas, drawn


def darker_at(canvas: Frame, at: NDArray[np.floating]) -> float:
    """Grey levels by which skin lost light."""
    x, y = np.round(at).astype(int)
    return float((np.array(SKIN) - canvas[y, x]).max())


def test_a_dropped_jaw_leaves_shadows_under_lip_and_chin(drawn_rig: Rig, perform: Perform) -> None:
    canvas, drawn = shaded(drawn_rig, perform(jawOpen=0.7))
    assert darker_at(canvas, drawn.positions[UNDER_LIP]) > 4
    assert darker_at(canvas, drawn.positions[CHIN] + [0, 0.55 * PX_PER_CM]) > 8
    assert darker_at(canvas, drawn.positions[RIGHT_NASOLABIAL]) == 0


def test_shadows_grow_with_the_opening_without_a_jump(drawn_rig: Rig, perform: Perform) -> None:
    shadows = [(np.array(SKIN) - shaded(drawn_rig, perform(jawOpen=o))[0]).max() for o in np.linspace(0, 0.8, 21)]
    assert shadows[0] == 0
    assert np.diff(shadows).min() >= -1 and np.diff(shadows).max() <= 4
    assert shadows[-1] > 15


def test_a_photo_with_its_jaw_down_has_its_shadows_already(drawn_rig: Rig, perform: Perform) -> None:
    canvas, drawn = shaded(drawn_rig, perform(jawOpen=0.4), gap_cm=1.2)
    assert darker_at(canvas, drawn.positions[CHIN] + [0, 0.55 * PX_PER_CM]) == 0


def test_a_smile_presses_the_nasolabial_folds(drawn_rig: Rig, perform: Perform) -> None:
    canvas, drawn = shaded(drawn_rig, perform(mouthSmileRight=1.0))
    assert darker_at(canvas, drawn.positions[RIGHT_NASOLABIAL]) > 6
    assert darker_at(canvas, drawn.positions[426]) == 0


@pytest.mark.parametrize(("side", "lids"), [("Left", LEFT_LIDS), ("Right", RIGHT_LIDS)])
def test_a_shut_lid_has_a_fold_above_it(
    side: str, lids: Lids, drawn_rig: Rig, frame: Callable[..., Frame], perform: Perform
) -> None:
    dark = {f"eyes/{side.lower()}/lash": np.array([40, 30, 30], np.float32)}
    shut = frame({**drawn_rig, **dark}, **{f"eyeBlink{side}": 1.0}) @ LUMA
    _, drawn = shaded(drawn_rig, perform(**{f"eyeBlink{side}": 1.0}))
    lower, upper = (drawn.positions[row[2:5]].mean(axis=0) for row in ([*lids.upper2], [*lids.upper3]))
    x, y = np.round(lower * (1 - CREASE_HEIGHT) + upper * CREASE_HEIGHT).astype(int)
    reach = round(0.22 * PX_PER_CM)
    column = shut[y - reach : y + reach + 1, x - 3 : x + 4].mean(axis=1)
    assert column.min() < min(column[0], column[-1]) - 4
    assert abs(int(column.argmin()) - reach) <= 2
