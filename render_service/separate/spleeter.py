"""Takes the voice out of a song with Spleeter's 2-stem networks, a few seconds at a time (Hennequin et al. 2020).

Spleeter cuts the spectrogram into segments on a fixed grid that begins half a window before the song; its networks see
one segment at a time, up to 11 kHz. The voice is the mix times a share per time and frequency; the rest is the
difference, so that both always add up to the mix.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from render_service import weights
from render_service.onnx_session import open_session
from render_service.stages import Samples, Stems

WEIGHT = "spleeter-2stems-int8.onnx"
CHANNELS = 2
WINDOW = 4096
HOP = 1024
LEAD = WINDOW // 2
"""Zeros before the song: half a window, as in Spleeter's own transform; the networks are sensitive to the grid."""
NET_BINS = 1024
"""What the networks see: 0 to 11 kHz at 44.1 kHz."""
TOP_BINS = 64
"""Above that, the mean share of the highest bins they see (700 Hz) goes on."""
SEGMENT_FRAMES = 512
"""Spleeter's own segment, 11.9 s."""
SEGMENT = SEGMENT_FRAMES * HOP
TAIL = WINDOW - HOP
"""How far the last window of a segment reaches into the next."""
OVERLAP_GAIN = 1.5
"""Sum of squared Hann windows at three quarters overlap."""

Channels = NDArray[np.float32]
"""[2, n]: each channel in a row, as transforms like it."""
Spectrum = NDArray[np.complex64]


class SpleeterSeparator:
    """`Separator`. Loads once; holds one segment of sound at a time, however long the song is."""

    def __init__(self, model: Path | None = None, *, threads: int | None = None) -> None:
        """model: default: the catalogued one. Raises Fault (WEIGHTS_MISSING)."""
        self._session = open_session(model or weights.path(WEIGHT), threads=threads)
        self._input: str = self._session.get_inputs()[0].name
        self._window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)).astype(np.float32)

    def separate(self, mix: Iterable[Samples]) -> Iterator[Stems]:
        """mix: blocks [n, 2] float32 at 44.1 kHz. Yields blocks of up to 12 s, however `mix` was cut."""
        carried = np.zeros((CHANNELS, TAIL), np.float32)
        skip = LEAD
        for segment, length in _segments(mix):
            voice = self._voice(segment)
            voice[:, :TAIL] += carried
            carried = voice[:, SEGMENT:].copy()
            if length > skip:
                yield _stems(segment[:, skip:length], voice[:, skip:length])
            skip = 0

    def _voice(self, segment: Channels) -> Channels:
        """segment: [2, SEGMENT + TAIL] of the mix -> the voice's contribution to the same samples."""
        spectrum = self._spectrum(segment)
        share = self._share(np.abs(spectrum[..., :NET_BINS]))
        spectrum[..., :NET_BINS] *= share
        spectrum[..., NET_BINS:] *= share[..., -TOP_BINS:].mean(axis=-1, keepdims=True)
        return self._sound(spectrum)

    def _spectrum(self, segment: Channels) -> Spectrum:
        """[2, SEGMENT_FRAMES, WINDOW / 2 + 1]."""
        frames = np.lib.stride_tricks.sliding_window_view(segment, WINDOW, axis=1)[:, ::HOP]
        spectrum: Spectrum = scipy.fft.rfft(frames * self._window, axis=-1)
        return spectrum

    def _share(self, magnitude: NDArray[np.float32]) -> NDArray[np.float32]:
        """The networks' answer, [2, SEGMENT_FRAMES, NET_BINS] in 0..1."""
        share: NDArray[np.float32] = self._session.run(None, {self._input: magnitude[np.newaxis]})[0][0]
        return share

    def _sound(self, spectrum: Spectrum) -> Channels:
        """Overlap-add, [2, SEGMENT + TAIL]."""
        frames = scipy.fft.irfft(spectrum, WINDOW, axis=-1, overwrite_x=True)
        frames *= self._window / OVERLAP_GAIN
        hops = np.zeros((CHANNELS, SEGMENT_FRAMES + TAIL // HOP, HOP), np.float32)
        for quarter in range(WINDOW // HOP):
            hops[:, quarter : quarter + SEGMENT_FRAMES] += frames[..., quarter * HOP : (quarter + 1) * HOP]
        return hops.reshape(CHANNELS, -1)


def _segments(mix: Iterable[Samples]) -> Iterator[tuple[Channels, int]]:
    """Cuts LEAD zeros and the mix into segments [2, SEGMENT + TAIL] that share TAIL samples, zeros after the end.

    With each comes how many of its first SEGMENT samples are there. The array is reused.
    """
    buffer = np.zeros((CHANNELS, SEGMENT + TAIL), np.float32)
    filled = LEAD
    for block in mix:
        taken = 0
        while taken < len(block):
            piece = block[taken : taken + buffer.shape[1] - filled]
            buffer[:, filled : filled + len(piece)] = piece.T
            filled, taken = filled + len(piece), taken + len(piece)
            if filled == buffer.shape[1]:
                yield buffer, SEGMENT
                buffer[:, :TAIL] = buffer[:, SEGMENT:]
                filled = TAIL
    while filled > 0:
        buffer[:, filled:] = 0
        yield buffer, min(filled, SEGMENT)
        buffer[:, :TAIL] = buffer[:, SEGMENT:]
        filled -= SEGMENT


def _stems(mix: Channels, voice: Channels) -> Stems:
    vocals = np.ascontiguousarray(voice.T)
    return Stems(vocals, np.ascontiguousarray((mix - voice).T))
