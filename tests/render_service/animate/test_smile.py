"""A broad smile gives way while its owner sings, and is back when the lips rest."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from render_service.animate.puppet.controls import SHAPES, pose_at
from render_service.animate.puppet.deform import Deformer
from render_service.animate.puppet.model import PuppetRig, build_rig
from render_service.animate.puppet.shapes import shape_fields
from render_service.portrait.canonical import CANONICAL
from render_service.portrait.indices import LEFT_MOUTH_CORNER, RIGHT_MOUTH_CORNER
from render_service.portrait.mouth import smile_share
from render_service.stages import Performance
from tests.render_service.animate.drawn_face import PX_PER_CM, drawn_portrait

Perform = Callable[..., Performance]


def smiling(by: float) -> PuppetRig:
    portrait = drawn_portrait()
    return build_rig(replace(portrait, mouth=replace(portrait.mouth, smile=by)))


def corners(rig: PuppetRig, performance: Performance) -> tuple[float, float]:
    """cm: how far apart the corners of the mouth are drawn, and how low."""
    pose = pose_at(performance.blendshapes[0], performance.head[0], 0.0, rig.limits_deg)
    drawn = Deformer(rig.mesh, rig.fields, rig.camera).draw(pose)
    right, left = drawn.positions[[RIGHT_MOUTH_CORNER, LEFT_MOUTH_CORNER]] / PX_PER_CM
    return float(left[0] - right[0]), float(left[1] + right[1]) / 2


@pytest.mark.parametrize("sung", [{"jawOpen": 0.4}, {"mouthPucker": 0.7}])
def test_a_broad_smile_is_less_broad_in_song(sung: dict[str, float], perform: Perform) -> None:
    wide, narrow = (corners(smiling(by), perform(**sung)) for by in (0.0, 1.0))
    assert 0.3 < wide[0] - narrow[0] < 1.0
    assert 0.2 < narrow[1] - wide[1] < 0.7


def test_at_rest_the_smile_is_the_photos(perform: Perform) -> None:
    assert corners(smiling(1.0), perform()) == corners(smiling(0.0), perform())


def test_a_command_to_smile_is_still_followed(perform: Perform) -> None:
    still, asked = (
        corners(smiling(1.0), perform(jawOpen=0.4, mouthSmileLeft=by, mouthSmileRight=by)) for by in (0.0, 1.0)
    )
    assert asked[0] > still[0] + 0.4
    assert asked[1] < still[1] - 0.2


def test_smiles_are_told_from_wide_mouths() -> None:
    face = CANONICAL.vertices
    fields = dict(zip(SHAPES, shape_fields(face), strict=True))
    smile, wide, frown = (fields[f"{name}_left"] + fields[f"{name}_right"] for name in ("smile", "wide", "frown"))
    assert smile_share(face) == smile_share(face + 1.5 * wide) == smile_share(face + frown) == 0
    assert 0.2 < smile_share(face + smile) < smile_share(face + 1.5 * smile)


@pytest.mark.parametrize(("name", "least", "most"), [("happy1.png", 0.8, 1.0), ("art_10.png", 0, 0), ("d8.jpg", 0, 0)])
def test_photos_smile_as_people_see_it(
    name: str, least: float, most: float, photo_rig: Callable[[str], dict[str, np.ndarray]]
) -> None:
    singing = float(photo_rig(name)["fields/relax_singing"])
    assert 0.8 * least <= singing <= 0.8 * most
