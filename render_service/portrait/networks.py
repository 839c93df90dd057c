"""The small TFLite networks of the portrait: loaded once, run on one thread, the same numbers every time."""

import zipfile
from functools import cache
from pathlib import Path
from threading import Lock

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from render_service import weights

Tensor = NDArray[np.float32]

MAX_LOGIT = 80.0
"""Beyond, float32 cannot tell the difference, and the exponential would overflow."""


class Network:
    """One TFLite graph: float32 tensors in, float32 tensors out, in the order of the file."""

    def __init__(self, graph: bytes) -> None:
        self._interpreter = Interpreter(model_content=graph, num_threads=1)
        self._interpreter.allocate_tensors()
        self._lock = Lock()
        self._input: int = self._interpreter.get_input_details()[0]["index"]
        self._outputs: list[int] = [detail["index"] for detail in self._interpreter.get_output_details()]

    def run(self, tensor: Tensor) -> list[Tensor]:
        """tensor: of the graph's input shape, batch included. Returns copies."""
        with self._lock:
            self._interpreter.set_tensor(self._input, np.ascontiguousarray(tensor, np.float32))
            self._interpreter.invoke()
            return [np.array(self._interpreter.get_tensor(index)) for index in self._outputs]


@cache
def network(weight: str, member: str | None = None) -> Network:
    """The graph in a catalogued weight file, or in one member where that file is a zip. Loaded at first use, then kept.

    Raises Fault (WEIGHTS_MISSING).
    """
    path: Path = weights.path(weight)
    if member is None:
        return Network(path.read_bytes())
    with zipfile.ZipFile(path) as task:
        return Network(task.read(member))


def sigmoid(logits: Tensor) -> Tensor:
    """Logits to 0..1; SciPy's would cost a third of a second to import."""
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -MAX_LOGIT, MAX_LOGIT))), np.float32)
