"""Vocal tract resonances F1 and F2 by linear prediction, many frames at once (Makhoul 1975; Markel & Gray 1976)."""

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 10_000
"""Five formants of an adult lie below half of this."""
ORDER = 10
"""Two poles a formant."""
PRE_EMPHASIS = 0.97
LEAST_HZ, MOST_HZ = 150.0, 4000.0
WIDEST_HZ = 500.0
"""Poles wider than this shape the slope of the spectrum; they are no formants."""
NEUTRAL_HZ = (500.0, 1500.0)
"""Resonances of an even tube 17 cm long, the schwa: what is assumed where none are heard."""

Frames = NDArray[np.float64]


def formants(frames: Frames) -> Frames:
    """frames: [n, size] at RATE_HZ. Returns [n, 2] Hz, NaN where the frame holds no such resonance."""
    found = np.full((len(frames), 2), np.nan)
    loud = (frames**2).mean(axis=1) > 1e-9
    if not loud.any():
        return found
    poles = np.linalg.eigvals(_companions(_predictors(frames[loud])))
    hertz = np.angle(poles) * RATE_HZ / (2 * np.pi)
    width = -np.log(np.maximum(np.abs(poles), 1e-9)) * RATE_HZ / np.pi
    good = (hertz > LEAST_HZ) & (hertz < MOST_HZ) & (width < WIDEST_HZ)
    lowest = np.sort(np.where(good, hertz, np.inf), axis=1)[:, :2]
    found[loud] = np.where(np.isfinite(lowest), lowest, np.nan)
    return found


def emphasised(voice: NDArray[np.float32]) -> NDArray[np.float32]:
    """Lifts the high formants to the level of the low ones before prediction."""
    lifted = voice.copy()
    lifted[1:] -= PRE_EMPHASIS * voice[:-1]
    return lifted


def _predictors(frames: Frames) -> Frames:
    """[n, ORDER] coefficients a of x[t] = sum a[k] x[t - 1 - k]: Levinson-Durbin on all frames at once."""
    windowed = frames * np.hanning(frames.shape[1])
    size = frames.shape[1]
    lags = np.stack([np.einsum("ij,ij->i", windowed[:, k:], windowed[:, : size - k]) for k in range(ORDER + 1)], axis=1)
    lags[:, 0] *= 1 + 1e-6
    a = np.zeros((len(frames), ORDER))
    error = lags[:, 0].copy()
    for k in range(ORDER):
        reflection = (lags[:, k + 1] - np.einsum("ij,ij->i", a[:, :k], lags[:, k:0:-1])) / error
        a[:, :k] -= reflection[:, None] * a[:, :k][:, ::-1]
        a[:, k] = reflection
        error *= 1 - reflection**2
    return a


def _companions(a: Frames) -> Frames:
    """[n, ORDER, ORDER] matrices whose eigenvalues are the poles."""
    matrices = np.zeros((len(a), ORDER, ORDER))
    matrices[:, 0, :] = a
    matrices[:, range(1, ORDER), range(ORDER - 1)] = 1.0
    return matrices
