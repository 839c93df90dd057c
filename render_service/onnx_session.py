"""Opens ONNX files the same way everywhere: on the GPU where onnxruntime has one, else on the processor."""

import logging
import os
from collections.abc import Sequence
from pathlib import Path

import onnxruntime

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
THREADS_MAX = 4
"""Spleeter's networks gain little from more: their inner layers are small."""
CUDA_OPTIONS = {"cudnn_conv_algo_search": "DEFAULT", "use_tf32": "0"}
"""No timing of algorithms and no shortened mantissas: the same song gives the same stems every time."""

log = logging.getLogger(__name__)


def open_session(
    path: Path, *, threads: int | None = None, available: Sequence[str] | None = None
) -> onnxruntime.InferenceSession:
    """A session for `path`; a GPU that fails to start is logged and passed over.

    threads:   of the processor; default: one a core, at most THREADS_MAX. Results do not depend on it.
    available: execution providers to choose from; default: what onnxruntime was built with.
    """
    offered = onnxruntime.get_available_providers() if available is None else available
    options = _options(threads or min(_cores(), THREADS_MAX))
    if CUDA in offered:
        try:
            return _on_gpu(path, options)
        except Exception as failed:  # onnxruntime and CUDA raise many kinds; the processor can always serve
            log.warning("CUDA did not start, using the processor: %s", failed)
    return onnxruntime.InferenceSession(str(path), options, providers=[CPU])


def _on_gpu(path: Path, options: onnxruntime.SessionOptions) -> onnxruntime.InferenceSession:
    """Raises where CUDA is not really used: onnxruntime's own fallback only prints."""
    session = onnxruntime.InferenceSession(str(path), options, providers=[(CUDA, CUDA_OPTIONS), CPU], enable_fallback=0)
    if CUDA not in session.get_providers():
        raise RuntimeError("its libraries do not load")
    return session


def _options(threads: int) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # an arena keeps its largest moment for ever, and a worker has other things to hold
    options.enable_cpu_mem_arena = False
    # unpack int8 kernels once, when loading, instead of at every run
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    # waiting threads sleep: rigging the portrait may want the core
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return options


def _cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
