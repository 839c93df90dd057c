"""Keeps a worker small: large arrays go back to the system when they are freed."""

import ctypes
import ctypes.util
import sys

_M_MMAP_THRESHOLD = -3
"""glibc's name for it in mallopt(3)."""
LARGE_BYTES = 4 * 1024**2
"""Blocks from here on get memory of their own. Left to itself glibc raises this to 32 MB as a process runs, and what
separation and rigging free side by side stays behind in pieces: 100 MB more at the peak, and more the longer the song.
Lower costs time: at 1 MB the system hands out and clears memory anew for every frame."""


def return_large_blocks() -> bool:
    """Whether it could be set; elsewhere than on glibc there is no such knob, and nothing is done."""
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(ctypes.util.find_library("c")), "mallopt", None)
    return bool(mallopt and mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES))
