"""The ONNX file computes what Spleeter's networks compute, and is the same file every time."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from render_service.onnx_session import CPU, open_session
from render_service.separate.spleeter_graph import BINS, INPUT, OUTPUT, build
from render_service.separate.tf_bundle import Tensors
from shared.errors import Fault
from tests.render_service.separate.bundles import SmallSpleeter, small_spleeter, write_bundle

FRAMES = 64
SMALL_KERNEL = "render_service.separate.spleeter_graph.SMALL_KERNEL"
"""Above this many numbers a kernel is rounded; set here to round none, or most."""


def made(folder: Path, tensors: Tensors, name: str = "made.onnx") -> Path:
    out = folder / name
    build(*write_bundle(folder, tensors), out=out)
    return out


def share(session: onnxruntime.InferenceSession, magnitude: np.ndarray) -> np.ndarray:
    return np.asarray(session.run([OUTPUT], {INPUT: magnitude[np.newaxis].astype(np.float32)})[0][0])


@pytest.fixture(scope="module")
def magnitude() -> np.ndarray:
    return np.abs(np.random.default_rng(1).standard_normal((2, FRAMES, BINS)))


def test_small_networks_agree_with_the_plain_formulas(
    tmp_path: Path, magnitude: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SMALL_KERNEL, 10**6)
    tensors = small_spleeter()
    expected = SmallSpleeter(tensors).vocals_share(magnitude)
    assert expected.std() > 0.01
    found = share(open_session(made(tmp_path, tensors), threads=1, available=[CPU]), magnitude)
    np.testing.assert_allclose(found, expected, atol=2e-5)


def test_large_kernels_are_stored_as_int8_and_change_little(
    tmp_path: Path, magnitude: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    tensors = small_spleeter()
    monkeypatch.setattr(SMALL_KERNEL, 10**6)
    whole = made(tmp_path, tensors, "whole.onnx")
    monkeypatch.setattr(SMALL_KERNEL, 100)
    small = made(tmp_path, tensors, "small.onnx")
    assert small.stat().st_size < 0.6 * whole.stat().st_size
    found, expected = (share(open_session(path, threads=1, available=[CPU]), magnitude) for path in (small, whole))
    difference = np.abs(found - expected)
    assert difference.max() > 0
    assert difference.mean() < 0.02 * expected.std()


def test_the_same_tensors_make_the_same_bytes(tmp_path: Path) -> None:
    first, second, other = (made(tmp_path, small_spleeter(seed), f"{name}.onnx") for name, seed in enumerate((0, 0, 1)))
    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes() != other.read_bytes()


@pytest.mark.parametrize("spoilt", ["conv2d_9/kernel", "batch_normalization_3/gamma", "conv2d_transpose/bias"])
def test_other_tensors_are_refused(tmp_path: Path, spoilt: str) -> None:
    tensors = small_spleeter()
    del tensors[spoilt]
    with pytest.raises(Fault, match="other tensors"):
        made(tmp_path, tensors)
    tensors[spoilt] = -np.ones(3, np.float32)
    with pytest.raises(Fault, match="other tensors"):
        made(tmp_path, tensors)
    assert not (tmp_path / "made.onnx").exists()
