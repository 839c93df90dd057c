"""Sessions open on the processor where there is no GPU, whatever is offered."""

import logging
import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, save

from render_service.onnx_session import CPU, CUDA, open_session


@pytest.fixture
def doubling(tmp_path: Path) -> Path:
    """y = x + x."""
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n"]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Add", ["x", "x"], ["y"])], "doubling", [x], [y])
    path = tmp_path / "doubling.onnx"
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), path)
    return path


def answer(session: onnxruntime.InferenceSession) -> list[float]:
    return list(session.run(None, {"x": np.array([1, 2], np.float32)})[0])


def test_the_processor_serves_where_nothing_else_is_offered(doubling: Path, caplog: pytest.LogCaptureFixture) -> None:
    session = open_session(doubling, available=[CPU])
    assert session.get_providers() == [CPU]
    assert answer(session) == [2, 4]
    assert not caplog.records


@pytest.mark.skipif(CUDA in onnxruntime.get_available_providers(), reason="this machine's onnxruntime knows CUDA")
@pytest.mark.parametrize("filter_", ["error", "ignore"])
def test_a_gpu_that_does_not_start_is_logged_and_passed_over(
    doubling: Path, caplog: pytest.LogCaptureFixture, filter_: str
) -> None:
    with caplog.at_level(logging.WARNING), warnings.catch_warnings():
        warnings.simplefilter(filter_)  # type: ignore[arg-type]
        session = open_session(doubling, available=[CUDA, CPU])
    assert session.get_providers() == [CPU]
    assert answer(session) == [2, 4]
    assert "CUDA did not start" in caplog.text


def test_a_gpu_is_asked_first_where_it_is_offered(doubling: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    real = onnxruntime.InferenceSession

    class Session:
        def __init__(self, path: str, options: object, *, providers: list[object], **_: object) -> None:
            asked.extend(providers)

        def get_providers(self) -> list[str]:
            return [CUDA, CPU]

    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    assert not isinstance(open_session(doubling, available=["TensorrtExecutionProvider", CUDA, CPU]), real)
    assert [name if isinstance(name, str) else name[0] for name in asked] == [CUDA, CPU]


def test_memory_is_given_back_between_runs(doubling: Path) -> None:
    options = open_session(doubling, threads=1).get_session_options()
    assert not options.enable_cpu_mem_arena
    assert options.intra_op_num_threads == 1
