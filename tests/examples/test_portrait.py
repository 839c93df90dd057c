"""The shipped portrait suits the puppet: one face, large, mouth closed, nothing but pixels in the file."""

import numpy as np
import pytest
from PIL import Image

from examples.make_portrait import PORTRAIT, make
from render_service import weights
from render_service.portrait.finder import FaceFinder
from render_service.portrait.head import head_frame
from render_service.portrait.mouth import read_mouth
from shared.errors import Fault

MAX_BYTES = 300_000
MAX_YAW_DEG = 25.0
"""Three-quarter as painted: 21 degrees measured."""
MIN_PX_PER_CM = 15.0


def test_small_file_without_metadata() -> None:
    assert PORTRAIT.stat().st_size < MAX_BYTES
    with Image.open(PORTRAIT) as picture:
        assert min(picture.size) >= 512
        assert picture.height >= 720
        assert not picture.getexif()
        assert set(picture.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_one_face_is_found_with_its_mouth_closed() -> None:
    try:
        weights.path("face_landmarker.task")
    except Fault:
        pytest.skip("the face landmarker's weights are not here: serenade weights fetch")
    with Image.open(PORTRAIT) as picture:
        pixels = np.asarray(picture.convert("RGB"))
    finder = FaceFinder()
    (face,) = finder.find(pixels)
    landmarks = finder.refine(pixels, face).landmarks
    head = head_frame(landmarks)
    mouth, _ = read_mouth(pixels, landmarks, head)
    assert face.score > 0.9
    assert abs(head.yaw_pitch_roll[0]) < MAX_YAW_DEG
    assert head.px_per_cm > MIN_PX_PER_CM
    assert mouth.closed


def test_a_cut_of_another_source_has_the_same_size(tmp_path) -> None:  # type: ignore[no-untyped-def]
    Image.new("RGB", (500, 756), (90, 80, 60)).save(tmp_path / "source.png")
    make(tmp_path / "source.png", tmp_path / "out.jpg")
    with Image.open(tmp_path / "out.jpg") as picture, Image.open(PORTRAIT) as shipped:
        assert picture.size == shipped.size
