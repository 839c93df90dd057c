"""Freed arrays leave the process, whatever was allocated after them."""

import subprocess
import sys

import pytest

SCRIPT = """
import re, sys, numpy as np
from pathlib import Path
from render_service.memory import return_large_blocks

def resident_mb():
    return int(re.search(r"VmRSS:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

if not return_large_blocks():
    sys.exit(3)
before = resident_mb()
# 16 blocks of 8 MB with small ones between them that stay
for _ in range(3):
    kept, large = [], []
    for _ in range(16):
        large.append(np.ones(8 << 20, np.uint8))
        kept.append(np.ones(1 << 16, np.uint8))
    del large
print(resident_mb() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the knob is glibc's")
def test_large_blocks_go_back_to_the_system() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    if done.returncode == 3:
        pytest.skip("this C library has no mallopt")
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 16
