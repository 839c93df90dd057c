"""Networks load once, give the same numbers every time, and say which weight is missing."""

from pathlib import Path

import numpy as np
import pytest

from render_service.portrait.networks import network, sigmoid
from shared.errors import ErrorCode, Fault


def test_a_network_is_loaded_once_and_repeats_itself() -> None:
    segmenter = network("selfie_segmentation.tflite")
    assert network("selfie_segmentation.tflite") is segmenter
    tensor = np.random.default_rng(0).random((1, 256, 256, 3), np.float32)
    first, second = segmenter.run(tensor)[0], segmenter.run(tensor)[0]
    assert np.array_equal(first, second)
    assert first is not second
    assert first.min() >= 0 and first.max() <= 1


def test_a_missing_weight_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SERENADE_WEIGHTS_DIR", str(tmp_path))
    network.cache_clear()
    with pytest.raises(Fault) as caught:
        network("face_landmarker.task", "face_detector.tflite")
    assert caught.value.code is ErrorCode.WEIGHTS_MISSING
    assert "face_landmarker.task" in caught.value.detail


def test_the_sigmoid_does_not_overflow() -> None:
    logits = np.array([-1e6, -1, 0, 1, 1e6], np.float32)
    assert sigmoid(logits) == pytest.approx([0, 1 / (1 + np.e), 0.5, np.e / (1 + np.e), 1])
