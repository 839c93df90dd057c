"""The separator takes the synthetic singer for a voice."""

import numpy as np
import pytest
from numpy.typing import NDArray

from examples.synth import Sung
from render_service import weights
from render_service.separate.spleeter import WEIGHT, SpleeterSeparator
from shared.errors import Fault
from tests.synthetic import sung

__all__ = ["sung"]

MIN_SI_SDR_DB = 6.0
"""8.9 dB measured; the mix itself has -0.2 dB."""


def si_sdr_db(reference: NDArray[np.float32], estimate: NDArray[np.float32]) -> float:
    """Scale-invariant signal-to-distortion ratio (Le Roux et al. 2019)."""
    r, e = reference.ravel().astype(np.float64), estimate.ravel().astype(np.float64)
    target = (r @ e) / (r @ r) * r
    return float(10 * np.log10((target @ target) / ((e - target) @ (e - target))))


def test_the_voice_lands_in_the_vocals(sung: Sung) -> None:
    try:
        weights.path(WEIGHT)
    except Fault:
        pytest.skip("Spleeter's weights are not here: serenade weights fetch")
    vocals = np.concatenate([stems.vocals for stems in SpleeterSeparator(threads=1).separate([sung.mix])])
    assert si_sdr_db(sung.vocals, sung.mix) < 1.0
    assert si_sdr_db(sung.vocals, vocals) > MIN_SI_SDR_DB
