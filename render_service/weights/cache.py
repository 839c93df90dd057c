"""The folder where fetched weights lie, and what is in it."""

import hashlib
import os
from pathlib import Path

import platformdirs

from render_service.weights.catalogue import CATALOGUE, Weight
from shared.errors import ErrorCode, Fault

FOLDER_VARIABLE = "SERENADE_WEIGHTS_DIR"
REMEDY = "run: serenade weights fetch"


def folder() -> Path:
    """`SERENADE_WEIGHTS_DIR`, or the person's own cache folder."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    return Path(chosen) if chosen else platformdirs.user_cache_path("serenade") / "weights"


def path(name: str) -> Path:
    """Where the weight lies. Never touches the network; bytes were verified when they were fetched.

    Raises Fault (WEIGHTS_MISSING) if it was not fetched, or not whole.
    """
    weight = CATALOGUE.get(name)
    if weight is None:
        raise Fault(ErrorCode.WEIGHTS_MISSING, f"the catalogue has no weight called {name}")
    if not is_present(weight):
        raise Fault(ErrorCode.WEIGHTS_MISSING, f"{name} is not in {folder()}; {REMEDY}")
    return folder() / name


def survey() -> list[tuple[str, bool]]:
    """Each weight's name, and whether it is there: by size, which is quick."""
    return [(weight.name, is_present(weight)) for weight in CATALOGUE.values()]


def verify() -> list[tuple[str, bool]]:
    """Each weight's name, and whether its bytes are the catalogued ones: reads all of them."""
    return [(weight.name, is_genuine(weight, folder() / weight.name)) for weight in CATALOGUE.values()]


def is_present(weight: Weight) -> bool:
    file = folder() / weight.name
    return file.is_file() and file.stat().st_size == weight.size_bytes


def is_genuine(weight: Weight, file: Path) -> bool:
    """Whether `file` holds the catalogued bytes."""
    if not file.is_file() or file.stat().st_size != weight.size_bytes:
        return False
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest() == weight.sha256
