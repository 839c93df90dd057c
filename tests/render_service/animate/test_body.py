"""The body takes part: it sways with the head, breathes, and stands on feet that stay where they are."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from render_service.animate.puppet.body import Place, body_fields
from render_service.animate.puppet.controls import BREATH_CM, pose_at
from render_service.animate.puppet.deform import Deformer
from render_service.animate.puppet.model import PuppetRig
from render_service.animate.puppet.rig import restore
from render_service.animate.puppet.sway import BODY_S, MOTIONS, followed, sway
from render_service.portrait.indices import CHIN
from render_service.stages import Frame, Performance, Rig
from tests.render_service.animate.drawn_face import PX_PER_CM

Perform = Callable[..., Performance]
LEAN, TILT, BOB, BREATH = (MOTIONS.index(name) for name in ("lean", "tilt", "bob", "breath"))


def standing(below_cm: float, beside_cm: float = 0.0, *, near: float = 1.0, free: float = 1.0) -> NDArray[np.float32]:
    """[4, 2] px at 10 px/cm: how one place of a body moves."""
    place = Place(*(np.array([value]) for value in (below_cm, beside_cm, near, free)))
    return body_fields(place, 10.0)[:, 0]


def moved(rig: Rig, performance: Performance) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Travel [n, 2] px of every vertex from rest to the first frame, and where they are below and beside the chin."""
    strung = restore(PuppetRig, rig)
    deformer = Deformer(strung.mesh, strung.fields, strung.camera)
    still = np.zeros(52, np.float32), np.zeros(6, np.float32), 0.0, strung.limits_deg
    pose = pose_at(performance.blendshapes[0], performance.head[0], float(performance.breath[0]), strung.limits_deg)
    travel = deformer.draw(pose).positions - deformer.draw(pose_at(*still)).positions
    return travel, (strung.mesh.source - strung.mesh.source[CHIN]) / np.float32(PX_PER_CM)


def test_shoulders_lean_fully_hips_and_feet_stay() -> None:
    assert standing(8)[LEAN] == pytest.approx([10, 0], abs=0.1)
    assert 3 < standing(30)[LEAN][0] < 7
    assert np.abs(standing(55)).max() == 0


def test_shoulders_tilt_about_their_middle() -> None:
    left, right = standing(12, -15)[TILT], standing(12, 15)[TILT]
    assert right == pytest.approx([0, 150 * np.deg2rad(1)], abs=0.01)
    assert left == pytest.approx(-right)


def test_breath_lifts_and_widens_the_chest() -> None:
    right = standing(13, 12)[BREATH]
    assert right[1] == pytest.approx(-10)
    assert 0 < right[0] < 10
    assert standing(13, -12)[BREATH][0] == pytest.approx(-right[0])
    assert np.abs(standing(36)[BREATH]).max() == 0


def test_away_from_the_person_and_on_the_head_the_body_moves_nothing() -> None:
    assert np.abs(standing(12, near=0.0)).max() == 0
    assert np.abs(standing(0, free=0.0)).max() == 0
    assert np.abs(standing(12, 34)).max() == 0


def test_the_body_goes_where_the_head_goes() -> None:
    rolled = sway((0.0, 0.0, 5.0), 0.0, 0.0)
    assert rolled.carried_cm > 0 and rolled.amounts[LEAN] > 0 and rolled.amounts[TILT] > 0
    assert sway((0.0, 4.0, 0.0), 0.0, 0.0).amounts[BOB] > 0
    shifted = sway((0.0, 0.0, 0.0), 0.6, 0.1)
    assert shifted.carried_cm == 0
    assert 0 < shifted.amounts[LEAN] < 0.6
    assert shifted.amounts[BREATH] == 0.1


def test_the_body_follows_later_and_slower_but_gets_there() -> None:
    head = np.zeros((100, 6), np.float32)
    head[50:, 0] = 6.0
    body = followed(head, fps=25)
    assert body.shape == head.shape and body.dtype == np.float32
    assert np.abs(np.diff(body[:, 0])).max() < 1.0
    assert body[20, 0] == 0 and body[-1, 0] == pytest.approx(6)
    quick = 5 * np.sin(2 * np.pi * 2.5 * np.arange(100) / 25)[:, None] * np.ones((1, 6))
    assert np.abs(followed(quick.astype(np.float32), fps=25)[20:-20]).max() < 1.5


def test_at_any_frame_rate_the_body_is_as_slow() -> None:
    def step(fps: int) -> NDArray[np.float32]:
        head = np.zeros((4 * fps, 6), np.float32)
        head[2 * fps :] = 1
        return followed(head, fps)[:, 0]

    times = np.linspace(2 - BODY_S, 2 + BODY_S, 9)
    slow, fast = (np.interp(times, (np.arange(4 * fps) + 0.5) / fps, step(fps)) for fps in (24, 60))
    np.testing.assert_allclose(slow, fast, atol=0.03)


def test_a_breath_moves_the_shoulders_by_two_millimetres(drawn_rig: Rig, perform: Perform) -> None:
    travel, place = moved(drawn_rig, perform(breath=1))
    shoulders = (place[:, 1] > 9) & (np.abs(place[:, 0]) < 6)
    assert shoulders.sum() > 10
    np.testing.assert_allclose(travel[shoulders, 1], -BREATH_CM * PX_PER_CM, atol=0.3)
    assert np.abs(travel[place[:, 1] < 0]).max() < 0.1


def test_a_tilted_head_takes_collar_and_neck_along(drawn_rig: Rig, perform: Perform) -> None:
    travel, place = moved(drawn_rig, perform(roll=6))
    collar = (place[:, 1] > 8) & (np.abs(place[:, 0]) < 3)
    assert 2 < travel[collar, 0].mean() < 12


@pytest.mark.parametrize("name", ["s5.jpg", "full_body_1.png"])
def test_a_figure_sways_in_a_still_picture(
    name: str, photo_rig: Callable[[str], Rig], frame: Callable[..., Frame]
) -> None:
    rig = photo_rig(name)
    photo = np.asarray(rig["layers/photo"]).astype(int)
    change = np.abs(frame(rig, yaw=6, roll=6, x=0.04, breath=1) - photo).max(axis=2)
    for rows in (slice(0, 16), slice(-16, None)):
        for columns in (slice(0, 16), slice(-16, None)):
            assert change[rows, columns].max() <= 1
    chin = np.asarray(rig["mesh/source"])[CHIN] - int(rig["camera/pad"])
    low = int(chin[1] + 12 * float(rig["camera/px_per_cm"]))
    chest = change[low - 15 : low + 15, int(chin[0]) - 25 : int(chin[0]) + 25]
    assert np.percentile(chest, 90) > 12
