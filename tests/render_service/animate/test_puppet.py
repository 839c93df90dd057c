"""What any frame of the puppet must be: the photo at rest, still where nothing moves, the same wherever it is drawn."""

import io
from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from render_service.animate.puppet import place, raster
from render_service.animate.puppet.colours import LUMA
from render_service.animate.puppet.controls import NOT_DRAWN, pose_at
from render_service.animate.puppet.deform import Deformer
from render_service.animate.puppet.model import PuppetRig, build_rig
from render_service.animate.puppet.puppet import PuppetAnimator
from render_service.animate.puppet.rig import flatten, restore
from render_service.stages import ARKIT_NAMES, Frame, FrameSize, Performance, Rig
from shared.errors import BadPortrait, ErrorCode
from tests.render_service.animate.drawn_face import PAD, drawn_portrait

Draw = Callable[..., Frame]
Perform = Callable[..., Performance]

BUSY = {"jawOpen": 0.5, "mouthPucker": 0.4, "eyeBlinkLeft": 0.6, "eyeLookOutRight": 0.5, "browInnerUp": 0.7}
SWAYING = {"roll": 8.0, "yaw": -8.0, "x": 0.05, "breath": 1.0}


def change(a: Frame, b: Frame) -> NDArray[np.int_]:
    """[h, w] largest difference of a channel."""
    return np.asarray(np.abs(a.astype(int) - b).max(axis=2))


def positions(rig: Rig, performance: Performance) -> NDArray[np.float32]:
    """[n, 2] px of the output: the vertices of the first frame."""
    strung = restore(PuppetRig, rig)
    pose = pose_at(performance.blendshapes[0], performance.head[0], float(performance.breath[0]), strung.limits_deg)
    return Deformer(strung.mesh, strung.fields, strung.camera).draw(pose).positions


def test_at_rest_the_frame_is_the_photo(drawn_rig: Rig, frame: Draw) -> None:
    difference = change(frame(drawn_rig), np.asarray(drawn_rig["layers/photo"]))
    assert np.median(difference) == 0
    assert np.percentile(difference, 99) <= 3


@pytest.mark.parametrize("name", ["people_0.png", "s12.jpg", "art_10.png"])
def test_at_rest_a_closed_photo_is_itself(name: str, photo_rig: Callable[[str], Rig], frame: Draw) -> None:
    rig = photo_rig(name)
    difference = change(frame(rig), np.asarray(rig["layers/photo"]))
    assert np.median(difference) <= 0.3
    assert np.percentile(difference, 99) <= 8


def test_a_frame_depends_on_its_index_alone(drawn_rig: Rig, animator: PuppetAnimator, perform: Perform) -> None:
    count = 6
    wave = np.sin(np.arange(count))
    song = perform(jawOpen=np.abs(wave), yaw=6 * wave, breath=wave, eyeBlinkRight=np.arange(count) % 2, mouthPucker=0.3)
    in_a_run = [frame.copy() for frame in animator.animate(drawn_rig, song, range(count))]
    alone = next(animator.animate(drawn_rig, song, range(3, 4)))
    np.testing.assert_array_equal(alone, in_a_run[3])
    assert change(in_a_run[2], in_a_run[3]).max() > 20


def test_a_stored_rig_draws_the_same(drawn_rig: Rig, frame: Draw) -> None:
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **drawn_rig)
    file.seek(0)
    with np.load(file, allow_pickle=False) as stored:
        np.testing.assert_array_equal(frame(dict(stored), **BUSY), frame(drawn_rig, **BUSY))


def test_frames_have_the_size_and_type_of_the_contract(drawn_rig: Rig, frame: Draw) -> None:
    drawn = frame(drawn_rig, **BUSY)
    assert drawn.shape == (512, 448, 3)
    assert drawn.dtype == np.uint8
    assert drawn.flags.c_contiguous


def test_away_from_the_head_nothing_moves(drawn_rig: Rig, frame: Draw) -> None:
    photo = np.asarray(drawn_rig["layers/photo"])
    moved = frame(drawn_rig, yaw=8, pitch=6, roll=8, x=0.05, breath=1, **BUSY)
    difference = change(moved, photo)
    assert difference[150:300, 150:300].max() > 60
    portrait = drawn_portrait()
    reach = int(5 * portrait.head.px_per_cm)  # the head's turn, roll and shift together, and the background's rim
    near = cv2.dilate(portrait.person.astype(np.uint8), np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)) > 0
    far = ~near[PAD:-PAD, PAD:-PAD]
    assert far.mean() > 0.02
    assert difference[far].max() == 0


@pytest.mark.parametrize("name", sorted(set(ARKIT_NAMES) - NOT_DRAWN))
def test_each_coefficient_moves_something(name: str, drawn_rig: Rig, frame: Draw) -> None:
    jaw = {"jawOpen": 0.4} if name == "mouthClose" else {}
    difference = change(frame(drawn_rig, **jaw), frame(drawn_rig, **{**jaw, name: 1.0}))
    assert (difference > 8).sum() > 20


@pytest.mark.parametrize(
    ("name", "side"), [(f"{n}{s}", s) for n in ("eyeBlink", "mouthSmile", "browOuterUp") for s in ("Left", "Right")]
)
def test_left_is_the_singers_left(name: str, side: str, drawn_rig: Rig, perform: Perform) -> None:
    moved = np.linalg.norm(positions(drawn_rig, perform(**{name: 1.0})) - positions(drawn_rig, perform()), axis=1)
    centre = float((moved * drawn_rig["mesh/rest"][:, 0]).sum() / moved.sum())
    assert centre > 1.5 if side == "Left" else centre < -1.5


def test_the_head_turns_as_the_contract_says(drawn_rig: Rig, perform: Perform) -> None:
    rest = positions(drawn_rig, perform())
    nose = int(np.argmax(drawn_rig["mesh/rest"][:, 2]))
    forehead = int(np.argmax(drawn_rig["mesh/rest"][: int(drawn_rig["mesh/face_count"]), 1]))
    assert (positions(drawn_rig, perform(yaw=5)) - rest)[nose, 0] > 5  # to the picture's right
    assert (positions(drawn_rig, perform(pitch=5)) - rest)[nose, 1] > 3  # down
    assert (positions(drawn_rig, perform(roll=5)) - rest)[forehead, 0] > 5  # clockwise
    assert (positions(drawn_rig, perform(x=0.02)) - rest)[nose, 0] > 2
    assert (positions(drawn_rig, perform(y=0.02)) - rest)[nose, 1] < -2


def test_breathing_lifts_the_chest_not_the_face(drawn_rig: Rig, perform: Perform) -> None:
    lift = (positions(drawn_rig, perform(breath=1)) - positions(drawn_rig, perform()))[:, 1]
    face = int(drawn_rig["mesh/face_count"])
    assert lift[face:].min() < -0.4
    assert np.abs(lift[:face]).max() < 0.1


@pytest.mark.parametrize("rig_name", ["drawn_rig", "smiling_rig"])
def test_lips_part_as_far_as_asked(rig_name: str, request: pytest.FixtureRequest, perform: Perform) -> None:
    rig = request.getfixturevalue(rig_name)
    mouth = np.asarray(rig["mesh/mouth"])
    quarter = len(mouth) // 4
    gaps = []
    for opened in (0.0, 0.2, 0.4, 0.6):
        at = positions(rig, perform(jawOpen=opened))
        gaps.append((at[mouth[-quarter], 1] - at[mouth[quarter], 1]) / float(rig["camera/px_per_cm"]))
    np.testing.assert_allclose(gaps, [0, 0.5, 1.0, 1.5], atol=0.2)


@pytest.mark.parametrize("rig_name", ["drawn_rig", "smiling_rig"])
@pytest.mark.parametrize("others", [{}, {"mouthPucker": 0.8}, {"mouthClose": 0.3}])
def test_nothing_jumps_while_the_mouth_opens(
    rig_name: str, others: dict[str, float], request: pytest.FixtureRequest, perform: Perform
) -> None:
    rig = request.getfixturevalue(rig_name)
    sweep = np.stack([positions(rig, perform(jawOpen=opened, **others)) for opened in np.linspace(0, 1, 51)])
    steps_cm = np.linalg.norm(np.diff(sweep, axis=0), axis=2).max(axis=1) / float(rig["camera/px_per_cm"])
    assert steps_cm.max() < 0.11  # 2.5 cm of jaw in 50 steps is 0.05 a step


def test_a_closed_seam_shows_nothing_bright(smiling_rig: Rig, frame: Draw) -> None:
    shut = frame(smiling_rig)
    source = smiling_rig["mesh/source"] - int(smiling_rig["camera/pad"])
    mouth = source[np.asarray(smiling_rig["mesh/mouth"])]
    (left, top), (right, bottom) = mouth.min(axis=0).astype(int), mouth.max(axis=0).astype(int)
    lips = shut[top - 4 : bottom + 6, left + 8 : right - 8].astype(int)
    assert (lips.min(axis=2) > 200).sum() == 0


@pytest.mark.parametrize(
    "values", [BUSY, {"jawOpen": 1.0, "yaw": 8.0}, {"mouthPucker": 1.0}, {"eyeBlinkLeft": 1.0}, SWAYING]
)
def test_hardly_a_triangle_turns_over(values: dict[str, float], drawn_rig: Rig, perform: Perform) -> None:
    def doubled_areas(at: NDArray[np.floating]) -> NDArray[np.floating]:
        a, b, c = (at[np.asarray(drawn_rig["mesh/triangles"])[:, k]].astype(float) for k in range(3))
        return np.asarray((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0])

    rest = doubled_areas(drawn_rig["mesh/source"])
    posed = doubled_areas(positions(drawn_rig, perform(**values)))
    turned_over = (np.sign(rest) != np.sign(posed)) & (np.abs(rest) > 1e-3)
    assert np.abs(posed[turned_over]).sum() < 0.004 * np.abs(rest).sum()


def test_a_grey_photo_stays_grey(drawn_rig: Rig, frame: Draw) -> None:
    def in_grey(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        luma = np.round(picture[..., :3] @ LUMA).astype(np.uint8)
        return np.dstack([luma] * 3 + [picture[..., k] for k in range(3, picture.shape[2])])

    portrait = drawn_portrait()
    grey = replace(
        portrait,
        image=in_grey(portrait.image),
        foreground=in_grey(portrait.foreground),
        background=in_grey(portrait.background),
    )
    values = {"jawOpen": 0.6, "eyeBlinkLeft": 1.0, "eyeBlinkRight": 0.5, "mouthSmileLeft": 1.0, "mouthPucker": 0.5}
    assert np.ptp(frame(flatten(build_rig(grey)), **values), axis=2).max() <= 1
    assert np.ptp(frame(drawn_rig, **values), axis=2).max() > 40


def test_warming_up_leaves_nothing_to_compile(drawn_rig: Rig, frame: Draw, animator: PuppetAnimator) -> None:
    animator.warm_up()
    kernels = (
        raster.flow,
        raster.over,
        raster.soften_folds,
        raster.paint,
        place.add_fields,
        place.add_seal,
        place.place,
    )
    before = [len(kernel.signatures) for kernel in kernels]
    assert all(before)
    frame(drawn_rig, mouthClose=0.1, **BUSY)
    assert [len(kernel.signatures) for kernel in kernels] == before


def test_a_picture_without_a_face_is_refused(animator: PuppetAnimator) -> None:
    with pytest.raises(BadPortrait) as refused:
        animator.rig(np.full((300, 300, 3), 128, np.uint8), FrameSize(300, 300), face=None)
    assert refused.value.code == ErrorCode.FACE_MISSING
