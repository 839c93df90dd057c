"""Made-up teeth lie in the light of the face."""

import numpy as np
import pytest

from render_service.animate.puppet.colours import SKIN_IN_WHITE_LIGHT, light_of_skin


@pytest.mark.parametrize("tone", [0.35, 0.7, 1.0])
def test_white_light_leaves_white_whatever_the_skin(tone: float) -> None:
    assert light_of_skin(255 * tone * SKIN_IN_WHITE_LIGHT) == pytest.approx(1.0, abs=1e-5)


def test_pale_skin_tells_nothing() -> None:
    assert light_of_skin(np.array([240.0, 230.0, 225.0])) == pytest.approx(1.0)


def test_a_varnished_painting_takes_the_blue_from_everything() -> None:
    red, green, blue = light_of_skin(np.array([215.0, 160.0, 70.0]))
    assert red == pytest.approx(1.0)
    assert 0.9 < green <= 1.0
    assert blue < 0.7
