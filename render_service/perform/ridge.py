"""Opening and width from the sound around a moment: a ridge regression on filmed talkers (GRID, Cooke et al. 2006)."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from render_service.perform.coarticulation import Lips
from render_service.perform.curves import RATE, Curve
from render_service.perform.features import VoiceFeatures

WEIGHTS = Path(__file__).with_name("mouth_ridge.npz")
"""Written by benchmarks/fit_mouth.py."""
EDGES = (1, 99)
"""Percentiles of the fitted inputs beyond which nothing is believed."""
CONTEXT = 3
STRIDE_S = 0.04
"""The ridge sees 120 ms to either side in steps of a GRID film frame."""


@dataclass(frozen=True)
class MouthRidge:
    """lowest, highest, mean, scale: [n] of the inputs. weights: [n, 2] to opening and width. offset: [2].

    Inputs are kept between the lowest and the highest that were fitted: nobody filmed digital silence.
    rest: the opening predicted where filmed lips were closed; a regression never predicts its extremes.
    """

    lowest: NDArray[np.float64]
    highest: NDArray[np.float64]
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    weights: NDArray[np.float64]
    offset: NDArray[np.float64]
    rest: float

    def predict(self, seen: NDArray[np.float64]) -> NDArray[np.float64]:
        """seen: [T, n] from `in_context`. Returns [T, 2]: opening (0 closed, 1 wide) and width (0 usual, 1 wide)."""
        known = np.clip(seen, self.lowest, self.highest)
        return np.asarray((known - self.mean) / self.scale @ self.weights + self.offset)

    def save(self, path: Path) -> None:
        """Writes what `load` reads."""
        small = {name: np.asarray(value, np.float32) for name, value in vars(self).items()}
        np.savez(path, allow_pickle=False, **small)


@cache
def load(path: Path = WEIGHTS) -> MouthRidge:
    """The fitted weights."""
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name].astype(np.float64) for name in stored if name != "rest"}
        return MouthRidge(**arrays, rest=float(stored["rest"]))


def fit(seen: NDArray[np.float64], wanted: NDArray[np.float64], penalty: float) -> MouthRidge:
    """seen: [T, n]; wanted: [T, 2], 0..1 per talker. Least squares with `penalty` on standardised weights."""
    lowest, highest = np.percentile(seen, EDGES, axis=0)
    seen = np.clip(seen, lowest, highest)
    mean, scale = seen.mean(axis=0), seen.std(axis=0) + 1e-6
    inputs, offset = (seen - mean) / scale, wanted.mean(axis=0)
    squares = inputs.T @ inputs + penalty * np.eye(inputs.shape[1])
    weights = np.linalg.solve(squares, inputs.T @ (wanted - offset))
    rest = float(np.percentile(inputs @ weights[:, 0] + offset[0], 5))
    return MouthRidge(lowest, highest, mean, scale, weights, offset, rest)


def in_context(voice: VoiceFeatures, lips: Lips, times_s: Curve | None = None) -> NDArray[np.float64]:
    """[T, 13 * (2 * CONTEXT + 1)] inputs at the times, or at every value of the curves."""
    columns = [lips.opening, lips.width, *voice.bands.T, voice.level, voice.f1, voice.f2]
    at = np.arange(len(voice.level)) / RATE
    times_s = at if times_s is None else times_s
    shifts = np.arange(-CONTEXT, CONTEXT + 1) * STRIDE_S
    return np.stack([np.interp(times_s + shift, at, column) for shift in shifts for column in columns], axis=1)
