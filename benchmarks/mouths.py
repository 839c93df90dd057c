"""The performance's mouth against filmed mouths, beside what loudness alone would do: a markdown table."""

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from benchmarks.filmed import Film, films
from benchmarks.fit_mouth import correlation, left_out, ridge_without
from render_service.perform.curves import Curve, sample, smooth
from render_service.perform.gate import gate
from render_service.perform.opening import mouth
from render_service.perform.pitch import follow

Predictor = Callable[[Film, list[Film]], NDArray[np.float64]]

NOTE = """\
Pearson r of opening and width, each the mean over films of 25 frames a second. Fitted: only the ridge, only on the
GRID films; each of them is predicted by a ridge that has not seen it. The talker was never fitted to; her film's
pictures are 160 ms early and were shifted. Phones come from an acoustic model that has seen none of them.
"""


def main() -> None:
    every = films()
    fitting, others = [f for f in every if f.fitted], [f for f in every if not f.fitted]
    if not every:
        print("No films at hand (../shared/media/videos).")
        return
    print(NOTE)
    print(f"| opening / width | GRID talkers ({len(fitting)}) | another talker ({len(others)}) |")
    print("|---|---|---|")
    for name, predictor in PREDICTORS.items():
        print(f"| {name} | {_mean(predictor, fitting, fitting)} | {_mean(predictor, others, fitting)} |")


def _mean(predictor: Predictor, chosen: Iterable[Film], fitting: list[Film]) -> str:
    scores = [correlation(predictor(film, fitting), film) for film in chosen]
    return " / ".join(f"{r:.2f}" for r in np.mean(scores, axis=0)) if scores else "-"


def _loudness(film: Film, _fitting: list[Film]) -> NDArray[np.float64]:
    return _at_frames(film, smooth(film.voice.level, 0.1), smooth(film.voice.level, 0.1))


def _phones(film: Film, _fitting: list[Film]) -> NDArray[np.float64]:
    return _at_frames(film, film.lips.opening, film.lips.width)


def _performed(film: Film, fitting: list[Film]) -> NDArray[np.float64]:
    """What leaves the model: gated, calmed, closed on B, P, M."""
    pitch = follow(film.voice.hertz, film.voice.periodic, film.voice.sounding)
    motion = mouth(film.voice, pitch, film.heard, gate(film.voice.level), ridge_without(film, fitting))
    return _at_frames(film, motion.gap_cm * (1 - motion.touch), motion.width)


def _at_frames(film: Film, opening: Curve, width: Curve) -> NDArray[np.float64]:
    return np.stack([sample(opening, film.times_s), sample(width, film.times_s)], axis=1)


PREDICTORS: dict[str, Predictor] = {
    "loudness alone": _loudness,
    "phones with coarticulation, untrained": _phones,
    "ridge over phones, bands, loudness, formants": left_out,
    "**the performance**": _performed,
}

if __name__ == "__main__":
    main()
