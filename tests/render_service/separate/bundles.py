"""Writes small TensorFlow bundles, and the tensors of a small network in Spleeter's shape."""

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from render_service.separate.tf_bundle import DT_FLOAT, MAGIC, Tensors

LEVELS = 6
DOWN = (2, 3, 4, 4, 5, 5, 6)
UP = (6, 5, 5, 4, 4, 3, 1)
"""Channels after each layer: Spleeter's are 2, 16 ... 512 and 512, 256 ... 1."""


def varint(value: int) -> bytes:
    groups = bytearray()
    while value >= 0x80:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*groups, value])


def numbered(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def nested(field: int, message: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(message)) + message


def entry(shape: tuple[int, ...], offset: int, size: int, *, dtype: int = DT_FLOAT, shard: int = 0) -> bytes:
    """A BundleEntryProto."""
    dims = b"".join(nested(2, numbered(1, length)) for length in shape)
    checksum = varint(6 << 3 | 5) + bytes(4)
    return (
        numbered(1, dtype) + nested(2, dims) + numbered(3, shard) + numbered(4, offset) + numbered(5, size) + checksum
    )


def table(rows: dict[str, bytes]) -> bytes:
    """A sorted table of one block, keys sharing their prefixes."""
    block, before = b"", b""
    for key, value in sorted((name.encode(), value) for name, value in rows.items()):
        shared = next(
            (i for i, (a, b) in enumerate(zip(key, before, strict=False)) if a != b), min(len(key), len(before))
        )
        block += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        before = key
    rows_block = _finished(block)
    handle = varint(0) + varint(len(rows_block) - 5)
    index_block = _finished(varint(0) + varint(1) + varint(len(handle)) + b"~" + handle)
    footer = varint(0) + varint(0) + varint(len(rows_block)) + varint(len(index_block) - 5)
    return rows_block + index_block + footer.ljust(40, b"\0") + MAGIC


def _finished(block: bytes) -> bytes:
    return block + struct.pack("<II", 0, 1) + bytes(5)


def write_bundle(folder: Path, tensors: Tensors) -> tuple[Path, Path]:
    """Index and data file."""
    rows, data = {"": numbered(1, 1)}, b""
    for name, tensor in tensors.items():
        rows[name] = entry(tensor.shape, len(data), tensor.nbytes)
        data += tensor.astype("<f4").tobytes()
    index, content = folder / "model.index", folder / "model.data"
    index.write_bytes(table(rows))
    content.write_bytes(data)
    return index, content


def small_spleeter(seed: int = 0) -> Tensors:
    """Random tensors by Spleeter's names, few channels."""
    numbers = np.random.default_rng(seed)
    tensors: Tensors = {}

    def add(name: str, *shape: int, least: float | None = None) -> None:
        fan_in = max(1, int(np.prod(shape[:-1])))
        values = numbers.standard_normal(shape) / np.sqrt(fan_in) if least is None else least + numbers.random(shape)
        tensors[name] = values.astype(np.float32)

    def add_norm(number: int, channels: int) -> None:
        name = layer("batch_normalization", number)
        for part, least in (("gamma", 0.5), ("beta", -0.5), ("moving_mean", -0.5), ("moving_variance", 0.2)):
            add(f"{name}/{part}", channels, least=least)

    for net in (0, 1):
        for level in range(LEVELS):
            add(f"{layer('conv2d', 7 * net + level)}/kernel", 5, 5, DOWN[level], DOWN[level + 1])
            add(f"{layer('conv2d', 7 * net + level)}/bias", DOWN[level + 1], least=-0.5)
            add_norm(12 * net + level, DOWN[level + 1])
            entering = UP[level] if level == 0 else UP[level] + DOWN[LEVELS - level]
            add(f"{layer('conv2d_transpose', 6 * net + level)}/kernel", 5, 5, UP[level + 1], entering)
            add(f"{layer('conv2d_transpose', 6 * net + level)}/bias", UP[level + 1], least=-0.5)
            add_norm(12 * net + 6 + level, UP[level + 1])
        add(f"{layer('conv2d', 7 * net + 6)}/kernel", 4, 4, 1, 2)
        add(f"{layer('conv2d', 7 * net + 6)}/bias", 2, least=-0.5)
    return tensors


def layer(kind: str, number: int) -> str:
    return f"{kind}_{number}" if number else kind


class SmallSpleeter:
    """The same networks written down plainly, layer by layer, as the paper and the code of Spleeter describe them."""

    def __init__(self, tensors: Tensors) -> None:
        self._tensors = tensors

    def vocals_share(self, magnitude: NDArray[np.float64]) -> NDArray[np.float64]:
        """magnitude: [2, frames, bins] -> share of the same shape."""
        vocals, rest = (self._mask(net, magnitude) ** 2 for net in (0, 1))
        share: NDArray[np.float64] = (vocals + 1e-10) / (vocals + rest + 2e-10)
        return share

    def _mask(self, net: int, x: NDArray[np.float64]) -> NDArray[np.float64]:
        skips = []
        for level in range(LEVELS):
            kernel, bias = self._weights(layer("conv2d", 7 * net + level))
            skips.append(convolve(np.pad(x, ((0, 0), (1, 2), (1, 2))), kernel, bias, stride=2))
            x = self._norm(12 * net + level, skips[-1])
            x = np.where(x > 0, x, 0.2 * x)
        x = skips.pop()
        for level in range(LEVELS):
            x = x if level == 0 else np.concatenate([skips.pop(), x])
            kernel, bias = self._weights(layer("conv2d_transpose", 6 * net + level))
            x = self._norm(12 * net + 6 + level, np.maximum(spread(x, kernel, bias), 0))
        kernel, bias = self._weights(layer("conv2d", 7 * net + 6))
        logits = convolve(np.pad(x, ((0, 0), (3, 3), (3, 3))), kernel, bias, dilation=2)
        mask: NDArray[np.float64] = 1 / (1 + np.exp(-logits))
        return mask

    def _weights(self, name: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return self._tensors[f"{name}/kernel"], self._tensors[f"{name}/bias"]

    def _norm(self, number: int, x: NDArray[np.float64]) -> NDArray[np.float64]:
        name = layer("batch_normalization", number)
        gamma, beta, mean, variance = (
            self._tensors[f"{name}/{part}"][:, None, None].astype(np.float64)
            for part in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        normed: NDArray[np.float64] = gamma * (x - mean) / np.sqrt(variance + 1e-3) + beta
        return normed


def convolve(
    x: NDArray[np.float64],
    kernel: NDArray[np.float32],
    bias: NDArray[np.float32],
    *,
    stride: int = 1,
    dilation: int = 1,
) -> NDArray[np.float64]:
    """x: [in, h, w] already padded; kernel: [kh, kw, in, out]. A sum over the taps of the kernel."""
    reach = dilation * (kernel.shape[0] - 1)
    high, wide = ((size - reach - 1) // stride + 1 for size in x.shape[1:])
    out = np.zeros((kernel.shape[3], high, wide)) + bias[:, None, None]
    for row, column in np.ndindex(kernel.shape[:2]):
        top, left = dilation * row, dilation * column
        seen = x[:, top : top + stride * high : stride, left : left + stride * wide : stride]
        out += np.tensordot(kernel[row, column].T, seen, 1)
    return out


def spread(x: NDArray[np.float64], kernel: NDArray[np.float32], bias: NDArray[np.float32]) -> NDArray[np.float64]:
    """Transposed convolution, stride 2, cropped to twice the size. x: [in, h, w]; kernel: [kh, kw, out, in]."""
    _, high, wide = x.shape
    out = np.zeros((kernel.shape[2], 2 * high + 3, 2 * wide + 3))
    for row, column in np.ndindex(kernel.shape[:2]):
        out[:, row : row + 2 * high : 2, column : column + 2 * wide : 2] += np.tensordot(kernel[row, column], x, 1)
    return np.asarray(out[:, 1:-2, 1:-2] + bias[:, None, None])
