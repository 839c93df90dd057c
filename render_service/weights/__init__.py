"""The weights of every backend: catalogued, fetched once, verified, then used without a network."""

from render_service.weights.cache import folder, path, survey, verify
from render_service.weights.catalogue import CATALOGUE, Weight
from render_service.weights.fetch import Progress, fetch

__all__ = ["CATALOGUE", "Progress", "Weight", "fetch", "folder", "path", "survey", "verify"]
