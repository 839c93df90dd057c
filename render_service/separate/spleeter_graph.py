"""Builds Spleeter's 2-stem networks as one small ONNX file from Deezer's own tensors, the same bytes every time.

Two U-Nets (Jansson et al. 2017; Hennequin et al. 2020) look at the magnitude of the mix and each guess a mask, one for
the voice and one for the rest; their squares' ratio is the voice's share. Kernels are int8 with one scale per channel;
arithmetic stays float32. Where it is exact, batch normalisation is folded into biases and the kernels that follow.
"""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from render_service.separate.tf_bundle import Tensors, read_bundle
from shared.errors import ErrorCode, Fault

INPUT, OUTPUT = "magnitude", "vocals_share"
BINS = 1024
OPSET, IR_VERSION = 21, 10
"""Understood by onnxruntime from 1.20 on; fixed, so that the file does not change with the onnx package."""

LEVELS = 6
LEAK = 0.2
NORM_EPSILON = 1e-3
SHARE_EPSILON = 1e-10
SMALL_KERNEL = 1000
"""Kernels with fewer numbers stay float32: they would save nothing."""
INT8_MAX = 127

HALVE: dict[str, Any] = {"strides": [2, 2], "pads": [1, 1, 2, 2]}
"""TensorFlow's "same" padding of a 5 x 5 kernel at stride 2; for the transposed kernel, the crop."""
KEEP_DILATED: dict[str, Any] = {"dilations": [2, 2], "pads": [3, 3, 3, 3]}

Array = NDArray[np.float64]


def build(index: Path, data: Path, *, out: Path) -> None:
    """Reads the bundle and writes the ONNX file. Raises Fault (WEIGHTS_MISSING) if the bundle is not Spleeter's."""
    try:
        model = _model(read_bundle(index, data))
    except (KeyError, ValueError) as foreign:
        raise Fault(
            ErrorCode.WEIGHTS_MISSING, f"{index.name} holds other tensors than Spleeter's: {foreign}"
        ) from foreign
    onnx.checker.check_model(model)
    out.write_bytes(model.SerializeToString(deterministic=True))


def _model(tensors: Tensors) -> onnx.ModelProto:
    """INPUT [1, 2, frames, 1024] float32 -> OUTPUT of the same shape, 0..1; frames is a multiple of 64."""
    graph = _Graph()
    vocals = graph.square(_mask(graph, _Net(tensors, 0)))
    rest = graph.square(_mask(graph, _Net(tensors, 1)))
    share = graph.node("Add", vocals, graph.constant(np.float32(SHARE_EPSILON)))
    whole = graph.node("Add", graph.node("Add", vocals, rest), graph.constant(np.float32(2 * SHARE_EPSILON)))
    graph.node("Div", share, whole, name=OUTPUT)
    shape: list[str | int | None] = [1, 2, "frames", BINS]
    made = helper.make_graph(
        graph.nodes,
        "spleeter-2stems",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, shape)],
        graph.constants,
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)


class _Net:
    """One instrument's tensors by level, in ONNX's order of axes. TensorFlow numbers both nets' layers through."""

    def __init__(self, tensors: Tensors, number: int) -> None:
        self._tensors = tensors
        self._number = number

    def down(self, level: int) -> tuple[Array, Array]:
        return self._layer("conv2d", (LEVELS + 1) * self._number + level)

    def up(self, level: int) -> tuple[Array, Array]:
        return self._layer("conv2d_transpose", LEVELS * self._number + level)

    def last(self) -> tuple[Array, Array]:
        return self.down(LEVELS)

    def down_norm(self, level: int) -> tuple[Array, Array]:
        return self._norm(2 * LEVELS * self._number + level)

    def up_norm(self, level: int) -> tuple[Array, Array]:
        return self._norm(2 * LEVELS * self._number + LEVELS + level)

    def _layer(self, kind: str, number: int) -> tuple[Array, Array]:
        """Kernel and bias. [h, w, in, out] becomes [out, in, h, w]; a transposed kernel, [in, out, h, w]."""
        name = _numbered(kind, number)
        return self._tensor(f"{name}/kernel").transpose(3, 2, 0, 1), self._tensor(f"{name}/bias")

    def _norm(self, number: int) -> tuple[Array, Array]:
        """Batch normalisation as scale * (x + shift), per channel. All of Spleeter's scales are positive."""
        name = _numbered("batch_normalization", number)
        scale = self._tensor(f"{name}/gamma") / np.sqrt(self._tensor(f"{name}/moving_variance") + NORM_EPSILON)
        if scale.min() <= 0:
            raise ValueError(f"{name} has a scale that is not positive")
        return scale, self._tensor(f"{name}/beta") / scale - self._tensor(f"{name}/moving_mean")

    def _tensor(self, name: str) -> Array:
        return self._tensors[name].astype(np.float64)


def _numbered(kind: str, number: int) -> str:
    return f"{kind}_{number}" if number else kind


class _Graph:
    """Nodes and constants, named in the order they were made."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def node(self, operator: str, *inputs: str, name: str | None = None, **attributes: Any) -> str:
        output = name or f"value{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [output], **attributes))
        return output

    def constant(self, value: NDArray[np.generic] | np.generic) -> str:
        name = f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name

    def channels(self, values: Array) -> str:
        """One float32 a channel, ready to broadcast over [1, channels, frames, bins]."""
        return self.constant(values.astype(np.float32)[:, None, None])

    def kernel(self, kernel: Array, channel_axis: int) -> str:
        """The kernel as int8 with a float32 scale for each output channel, or as it is where it is small."""
        if kernel.size <= SMALL_KERNEL:
            return self.constant(kernel.astype(np.float32))
        others = tuple(axis for axis in range(kernel.ndim) if axis != channel_axis)
        scale = (np.abs(kernel).max(axis=others, keepdims=True) / INT8_MAX).astype(np.float32)
        levels = np.rint(kernel / scale).clip(-INT8_MAX, INT8_MAX).astype(np.int8)
        return self.node("DequantizeLinear", self.constant(levels), self.constant(scale.ravel()), axis=channel_axis)

    def square(self, value: str) -> str:
        return self.node("Mul", value, value)


def _mask(graph: _Graph, net: _Net) -> str:
    """One U-Net: six halvings, six doublings that also see the halving of their size, a mask for both channels.

    A layer's values are kept without the scale of its normalisation; `scale` carries it into the next kernel.
    """
    skips, scale, value = [], np.ones(2), INPUT
    for level in range(LEVELS):
        kernel, bias = net.down(level)
        weights = graph.kernel(kernel * scale[:, None, None], 0)
        skips.append(graph.node("Conv", value, weights, graph.constant(bias.astype(np.float32)), **HALVE))
        if level < LEVELS - 1:
            scale, shift = net.down_norm(level)
            value = graph.node("LeakyRelu", graph.node("Add", skips[level], graph.channels(shift)), alpha=LEAK)

    value, scale = skips.pop(), np.ones(len(bias))
    for level in range(LEVELS):
        if level > 0:
            skipped = net.down(LEVELS - 1 - level)[1]
            value = graph.node("Concat", skips.pop(), value, axis=1)
            scale = np.concatenate([np.ones(len(skipped)), scale])
        kernel, bias = net.up(level)
        weights = graph.kernel(kernel * scale[:, None, None, None], 1)
        scale, shift = net.up_norm(level)
        biases = graph.constant((bias + shift).astype(np.float32))
        # max(x, 0) + shift = max(x + shift, shift)
        value = graph.node("Max", graph.node("ConvTranspose", value, weights, biases, **HALVE), graph.channels(shift))

    kernel, bias = net.last()
    weights = graph.constant((kernel * scale[:, None, None]).astype(np.float32))
    return graph.node(
        "Sigmoid", graph.node("Conv", value, weights, graph.constant(bias.astype(np.float32)), **KEEP_DILATED)
    )
