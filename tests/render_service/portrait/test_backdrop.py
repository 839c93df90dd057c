"""Another background: the person's own colours at the rims, nothing of the old background, and a kind refusal."""

import cv2
import numpy as np
import pytest

from render_service.portrait.backdrop import clean_colours, put_before
from render_service.portrait.understand import understand
from render_service.stages import Frame, FrameSize, Look
from shared.errors import BadOption, ErrorCode

SKIN, WALL, NEW = np.array([200, 120, 90]), np.array([20, 60, 220]), np.array([0, 250, 0])
PX_PER_CM, PAD = 10.0, 8


@pytest.fixture
def opacity() -> np.ndarray:
    """A soft disc."""
    mask = np.zeros((160, 140), np.uint8)
    cv2.circle(mask, (70, 80), 40, 1, -1)
    return cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 2.5)


@pytest.fixture
def photo(opacity: np.ndarray) -> Frame:
    mixed = SKIN * opacity[..., None] + WALL * (1 - opacity[..., None])
    return np.round(mixed).astype(np.uint8)


def test_mixed_pixels_give_the_persons_colour_back(photo: Frame, opacity: np.ndarray) -> None:
    rim = (opacity > 0.1) & (opacity < 0.9)
    assert np.abs(photo[rim] - SKIN).max() > 90, "px that show the wall"
    missed = np.abs(clean_colours(photo, opacity, PX_PER_CM) - SKIN)[rim]
    assert missed.max() < 10
    assert (missed * opacity[rim][:, None]).max() < 2.5, "what is seen of it"


def test_a_colour_shows_nothing_of_the_old_background(photo: Frame, opacity: np.ndarray) -> None:
    colour = NEW.astype(np.uint8).reshape(1, 1, 3)
    foreground, background, composed = put_before(photo, opacity, colour, PAD, PX_PER_CM)
    expected = SKIN * opacity[..., None] + NEW * (1 - opacity[..., None])
    assert np.abs(composed - expected).max() < 8
    assert (background == NEW).all()
    assert (foreground[..., :3] <= foreground[..., 3:]).all(), "premultiplied"


def test_a_picture_covers_the_frame_from_its_middle(photo: Frame, opacity: np.ndarray) -> None:
    wide = np.zeros((72, 300, 3), np.uint8)
    wide[:, :, 0] = np.arange(300) * 255 // 299
    height, width = (n - 2 * PAD for n in photo.shape[:2])
    _, background, _ = put_before(photo, np.zeros_like(opacity), wide, PAD, PX_PER_CM)
    row = background[PAD + height // 2, PAD:-PAD, 0].astype(int)
    assert row[width // 2] == pytest.approx(127, abs=3)
    assert row[-1] - row[0] == pytest.approx(255 * (72 * width / height) / 300, abs=4)


def test_a_blurred_background_forgets_the_person(photo: Frame, opacity: np.ndarray) -> None:
    _, background, _ = put_before(photo, opacity, "blur", PAD, PX_PER_CM)
    assert np.abs(background - WALL).max() < 12


def test_a_real_portrait_stands_before_a_colour(picture: Frame) -> None:
    size = FrameSize(2 * round(picture.shape[1] * 200 / picture.shape[0]), 400)
    look = Look(backdrop=NEW.astype(np.uint8).reshape(1, 1, 3))
    before, plain = understand(picture, size, face=None, look=look), understand(picture, size, face=None)
    assert (before.image[before.matte == 0] == NEW).all()
    assert (before.matte == 0).mean() > 0.05
    inside = before.matte == 1
    assert np.array_equal(before.image[inside], plain.image[inside])
    through = 255 - before.foreground[..., 3:].astype(int)
    composed = before.foreground[..., :3] + (before.background.astype(int) * through + 127) // 255
    assert np.abs(composed - before.image).max() <= 1


def test_a_face_that_fills_the_picture_is_refused_kindly(picture: Frame, finder: object) -> None:
    landmarks = finder.find(picture)[0].landmarks  # type: ignore[attr-defined]
    x0, y0 = landmarks[:468, :2].min(0).astype(int)
    x1, y1 = landmarks[:468, :2].max(0).astype(int)
    close = picture[max(0, y0 - 4) : y1 + 4, max(0, x0 - 2) : x1 + 2]
    size = FrameSize(2 * (close.shape[1] // 2), 2 * (close.shape[0] // 2))
    with pytest.raises(BadOption) as told:
        understand(close, size, face=None, look=Look(backdrop="blur"))
    assert told.value.code is ErrorCode.BACKGROUND_NOT_SEPARABLE
