"""The master key of the asset store: from the settings, or made once and kept in the data folder for its owner only."""

import base64
import binascii
import logging
import os
import secrets
from pathlib import Path

from shared.errors import ErrorCode, Fault
from shared.sealing import KEY_BYTES

log = logging.getLogger(__name__)

KEY_FILE = "master.key"
_OTHERS = 0o077


def parse_master_key(text: str) -> bytes:
    """Base64 of 32 bytes, as in the settings and the key file -> the key. Raises Fault; never repeats the text."""
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Fault(ErrorCode.INTERNAL, "the master key is not base64") from error
    if len(key) != KEY_BYTES:
        raise Fault(ErrorCode.INTERNAL, f"the master key has {len(key)} bytes instead of {KEY_BYTES}")
    return key


def load_master_key(data_dir: Path) -> bytes:
    """The key in `<data_dir>/master.key`, made first where there is none; all who start at once agree on one.

    Raises Fault where the file holds something else.
    """
    path = data_dir / KEY_FILE
    if not path.exists():
        _create(path)
    if path.stat().st_mode & _OTHERS:
        log.warning("%s could be read by others; it is now its owner's alone", path)
        path.chmod(0o600)
    return parse_master_key(path.read_text(encoding="ascii", errors="replace"))


def _create(path: Path) -> None:
    """Writes a whole key aside, then links it into place: a link never replaces, so the first to come wins."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(descriptor)
        path.hardlink_to(aside)
        log.info("made a new master key in %s; without it nothing stored can be read", path)
    except FileExistsError:
        log.debug("%s was made by another process", path)
    finally:
        aside.unlink()
