"""Fits the mouth's ridge to the GRID films and writes its weights: python -m benchmarks.fit_mouth [--dry-run]."""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.filmed import VIDEOS, Film, films
from render_service.perform import ridge

PENALTY = 200.0
"""Best of 30-3000 by leave-one-out on GRID; 100-300 differ by less than .01."""


def fitted(chosen: list[Film]) -> ridge.MouthRidge:
    """The ridge of some films."""
    seen = np.concatenate([seen_by_ridge(film) for film in chosen])
    return ridge.fit(seen, np.concatenate([film.wanted for film in chosen]), PENALTY)


def seen_by_ridge(film: Film) -> NDArray[np.float64]:
    """The inputs at the film's frames."""
    return ridge.in_context(film.voice, film.lips, film.times_s)


def correlation(predicted: NDArray[np.float64], film: Film) -> NDArray[np.float64]:
    """Pearson r of opening and width with the film."""
    return np.array([np.corrcoef(predicted[:, k], film.wanted[:, k])[0, 1] for k in (0, 1)])


def left_out(film: Film, fitting: list[Film]) -> NDArray[np.float64]:
    """[T, 2]: a film predicted by a ridge that has not seen it."""
    return ridge_without(film, fitting).predict(seen_by_ridge(film))


def ridge_without(film: Film, fitting: list[Film]) -> ridge.MouthRidge:
    """The ridge of all fitting films but one."""
    return fitted([other for other in fitting if other.name != film.name])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=Path, default=VIDEOS)
    parser.add_argument("--dry-run", action="store_true", help="report, write nothing")
    given = parser.parse_args()
    every = films(given.videos)
    fitting = [film for film in every if film.fitted]
    if not fitting:
        raise SystemExit(f"no GRID films in {given.videos}")
    for film in every:
        opening, width = correlation(left_out(film, fitting), film)
        print(f"{film.name:24} opening {opening:5.2f}  width {width:5.2f}")
    grid = np.mean([correlation(left_out(film, fitting), film) for film in fitting], axis=0)
    print(f"{'GRID, each left out':24} opening {grid[0]:5.2f}  width {grid[1]:5.2f}")
    if not given.dry_run:
        fitted(fitting).save(ridge.WEIGHTS)
        print(f"wrote {ridge.WEIGHTS.name}, {ridge.WEIGHTS.stat().st_size} bytes")


if __name__ == "__main__":
    main()
