"""Writes requirements/*.txt: every package, direct or not, pinned to what pip resolves now.

    python requirements/lock.py python3.11 python3.12 python3.13

The first interpreter decides the versions, so that one lock serves all; what only a later one needs gets a marker.
"""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
HEADER = "# Made by requirements/lock.py; complete, so it is installed with --no-deps.\n"


def resolve(python: str, requirements: list[str]) -> dict[str, str]:
    """name -> version of everything pip would install into an empty environment."""
    command = [python, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--report", "-"]
    report = subprocess.run([*command, *requirements], check=True, capture_output=True, text=True).stdout
    packages = (item["metadata"] for item in json.loads(report)["install"])
    return {package["name"].lower().replace("_", "-"): package["version"] for package in packages}


def pins(pythons: list[str], requirements: list[str]) -> dict[str, str]:
    """name -> line of the lock file."""
    lines: dict[str, str] = {}
    for python in pythons:
        marker = f' ; python_version >= "{python.removeprefix("python")}"' if lines else ""
        for name, version in resolve(python, requirements).items():
            lines.setdefault(name, f"{name}=={version}{marker}")
    return lines


def main(pythons: list[str]) -> None:
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text())
    runtime = pins(pythons, [*project["project"]["dependencies"], *project["build-system"]["requires"]])
    extra = project["project"]["optional-dependencies"]["dev"]
    dev = pins(pythons, [*(line.split(" ;")[0] for line in runtime.values() if " ;" not in line), *extra])
    (HERE / "runtime.txt").write_text(HEADER + "\n".join(sorted(runtime.values())) + "\n")
    only_dev = sorted(line for name, line in dev.items() if name not in runtime)
    (HERE / "dev.txt").write_text(HEADER + "-r runtime.txt\n" + "\n".join(only_dev) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:] or ["python3"])
