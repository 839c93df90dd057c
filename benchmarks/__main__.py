"""Runs every benchmark, each in a process of its own, and writes docs/benchmarks.md with the machine described."""

import datetime
import os
import platform
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs" / "benchmarks.md"

SECTIONS: tuple[tuple[str, str], ...] = (
    ("The whole job", "benchmarks.job"),
    ("Frames against encoding them", "benchmarks.frames"),
    ("Separation", "benchmarks.separation"),
    ("Mouths against real mouths", "benchmarks.mouths"),
)

HEAD = """\
# Benchmarks

Written by `make bench` on {date}; machine: {machine}.
Other work on the machine moves every figure: compare ratios, and only figures of one run. Real recordings are used
where they are at hand (`../shared/media` beside the checkout); the rest is made from the bundled example.
"""


def main() -> None:
    parts = [HEAD.format(date=datetime.datetime.now(tz=datetime.UTC).date(), machine=machine())]
    for title, module in SECTIONS:
        print(f"{title} ...", flush=True)
        done = subprocess.run([sys.executable, "-m", module], check=True, stdout=subprocess.PIPE, text=True)
        parts.append(f"## {title}\n\n{done.stdout.strip()}\n")
    DOCS.write_text("\n".join(parts))
    print(DOCS)


def machine() -> str:
    """Processor, cores, memory, system, Python."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        models = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        name = models[0] if models else name
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return f"{name}, {os.cpu_count()} cores, {memory:.0f} GB, {platform.system()}, Python {platform.python_version()}"


if __name__ == "__main__":
    main()
