"""Renders every case, measures the finished files and writes docs/quality.md.

python -m benchmarks.quality [--only NAME ...] [--sheets DIR] [--workers N]
"""

import argparse
import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks.quality.cases import cases
from benchmarks.quality.looking import Job, look_at
from benchmarks.quality.report import DOCS, Outcome, document


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=[], help="cases whose name holds one of these; writes no document")
    parser.add_argument("--sheets", type=Path, help="a folder outside the repository for contact sheets and videos")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    given = parser.parse_args()
    if given.sheets:
        given.sheets.mkdir(parents=True, exist_ok=True)
    chosen = [case for case in cases() if not given.only or any(part in case.name for part in given.only)]
    outcomes = []
    for outcome in outcomes_of([Job(case, given.sheets) for case in chosen], given.workers):
        print(f"{outcome.case.group}: {outcome.case.name}: {outcome.summary}", flush=True)
        outcomes.append(outcome)
    text = document(outcomes)
    if given.only:
        print(text)
    else:
        DOCS.write_text(text, encoding="utf-8")
        print(DOCS)


def outcomes_of(jobs: list[Job], workers: int) -> Iterator[Outcome]:
    """In the order of the jobs, each made in one of `workers` processes."""
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(look_at, jobs)


if __name__ == "__main__":
    main()
