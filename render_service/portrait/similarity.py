"""Similarities in space: the best scale, rotation and shift from one set of points to another."""

import numpy as np

from render_service.portrait.face import Points


def fit_similarity(source: Points, target: Points) -> tuple[float, Points, Points]:
    """scale, rotation [3, 3], translation [3] with target ~ scale * rotation @ source + translation (Umeyama 1991)."""
    source_mean, target_mean = source.mean(0), target.mean(0)
    a, b = source - source_mean, target - target_mean
    u, singular, vt = np.linalg.svd(b.T @ a / len(a))
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    rotation = u @ np.diag(signs) @ vt
    scale = float((singular * signs).sum() / ((a**2).sum() / len(a)))
    return scale, rotation, target_mean - scale * rotation @ source_mean
