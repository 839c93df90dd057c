"""Fills the cache: each missing weight from the first source that gives the right bytes, or built from its recipe."""

import fcntl
import logging
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from render_service.weights.cache import folder, is_genuine
from render_service.weights.catalogue import CATALOGUE, Recipe, Weight
from render_service.weights.sources import Downloads, SourceFailed
from shared.errors import BadOption, ErrorCode, Fault

Progress = Callable[[str, int, int], None]
"""Told a weight's name, the bytes that arrived, and the bytes there are."""

_SCRATCH_PREFIX = ".fetching-"

log = logging.getLogger(__name__)


def fetch(names: Iterable[str] | None = None, progress: Progress | None = None) -> list[str]:
    """Makes sure that the weights (all, or those named) are in the cache, and returns the names of those it brought.

    What is already there is read and verified, and nothing touches the network for it; a damaged file is replaced.
    A file appears whole or not at all, and two processes never fetch at the same time.
    Raises BadOption for an unknown name, Fault (WEIGHTS_MISSING) where no source gives the file or it can't be kept.
    """
    wanted = _chosen(names)
    target = folder()
    if all(is_genuine(weight, target / weight.name) for weight in wanted):
        return []
    try:
        with _sole_fetcher(target) as scratch:
            return _fill(target, wanted, scratch, progress or _silent)
    except OSError as failed:
        raise Fault(ErrorCode.WEIGHTS_MISSING, f"weights can't be kept in {target}: {failed}") from failed


def _fill(target: Path, wanted: list[Weight], scratch: Path, progress: Progress) -> list[str]:
    """Looks again at what is there: another process may have fetched while this one waited."""
    downloads = Downloads(scratch)
    brought = []
    for weight in wanted:
        if not is_genuine(weight, target / weight.name):
            _make(weight, scratch, downloads, progress).replace(target / weight.name)
            brought.append(weight.name)
    return brought


def _chosen(names: Iterable[str] | None) -> list[Weight]:
    if names is None:
        return list(CATALOGUE.values())
    names = list(names)
    for name in names:
        if name not in CATALOGUE:
            raise BadOption(ErrorCode.OPTION_INVALID, name=name, allowed=", ".join(CATALOGUE))
    return [CATALOGUE[name] for name in names]


@contextmanager
def _sole_fetcher(target: Path) -> Iterator[Path]:
    """A scratch folder inside the cache, for one process at a time. What a killed fetcher left is swept."""
    target.mkdir(parents=True, exist_ok=True)
    with (target / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in target.glob(f"{_SCRATCH_PREFIX}*"):
            shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=_SCRATCH_PREFIX, dir=target) as scratch:
            yield Path(scratch)


def _make(weight: Weight, scratch: Path, downloads: Downloads, progress: Progress) -> Path:
    """The weight as a verified file in `scratch`."""
    if weight.recipe:
        return _build(weight, weight.recipe, scratch, downloads, progress)
    return _bring(weight, scratch, downloads, progress)


def _bring(weight: Weight, scratch: Path, downloads: Downloads, progress: Progress) -> Path:
    failures = []
    for source in weight.sources:
        file = scratch / weight.name
        progress(weight.name, 0, weight.size_bytes)
        try:
            downloads.bring(
                source,
                file,
                size_bytes=weight.size_bytes,
                received=lambda n: progress(weight.name, n, weight.size_bytes),
            )
            if not is_genuine(weight, file):
                raise SourceFailed("other bytes than the catalogue says")
        except SourceFailed as failed:
            log.info("%s: %s", source, failed)
            failures.append(f"{source}: {failed}")
            continue
        progress(weight.name, weight.size_bytes, weight.size_bytes)
        return file
    raise Fault(ErrorCode.WEIGHTS_MISSING, f"no source gives {weight.name}: " + "; ".join(failures))


def _build(weight: Weight, recipe: Recipe, scratch: Path, downloads: Downloads, progress: Progress) -> Path:
    module, _, function = recipe.target.partition(":")
    build: Callable[..., None] = getattr(import_module(module), function)
    parts = [_make(ingredient, scratch, downloads, progress) for ingredient in recipe.ingredients]
    out = scratch / weight.name
    progress(weight.name, 0, weight.size_bytes)
    build(*parts, out=out)
    if not is_genuine(weight, out):
        raise Fault(ErrorCode.WEIGHTS_MISSING, f"{weight.name} was built with other bytes than the catalogue says")
    progress(weight.name, weight.size_bytes, weight.size_bytes)
    return out


def _silent(_name: str, _done: int, _total: int) -> None: ...
