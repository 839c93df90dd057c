"""The outcomes as docs/quality.md: a table a set, the misses by name, and what people saw."""

import datetime
from dataclasses import dataclass
from pathlib import Path

from benchmarks.quality.cases import BUNDLED, FPS, HEIGHT, PORTRAITS, SONGS, Case
from benchmarks.quality.checks import CHECKS, TABLES, Check
from benchmarks.quality.measuring import Values

DOCS = Path(__file__).parents[2] / "docs" / "quality.md"
SEEN = Path(__file__).with_name("seen.md")
"""Written by hand after looking at the contact sheets."""

HEAD = """\
# Quality

Written by `make quality` on {date}. Each video is made by the real parts at {height} px high, {fps} frames a
second, and then measured on the finished file: landmarks on its decoded frames, its decoded sound. "Drawn" figures are
of raw frames before the encoder. A value outside its limits is marked **miss**; "-" did not apply to that video.

The first set needs only what is in this repository. The others use pictures and songs of unclear rights that are not
shipped; they are named by their files, and the public repositories those came from are named at the end. Without them
their tables are left out.
"""
NOTES = {
    BUNDLED: "The whole bundled song by the bundled portrait. When the voice sounds and where beats are is known here.",
    PORTRAITS: "Six seconds of the bundled song (10 to 16 s: a rest, a breath, a line of many vowels).",
    SONGS: "The bundled portrait with other songs; silence is judged by the separated voice, beats by librosa.",
}
ORIGINS = """\
## Where the pictures and songs are from

`art_*`, `full*`, `happy1`, `people_0`, `sad1`, `imagine.wav`, `itosinger1.wav`: OpenTalker/SadTalker (examples);
`d8`, `d9`, `s5`, `s9`, `s12`, `s31`: KwaiVGI/LivePortrait (assets/examples); `audio_example.mp3`: deezer/spleeter;
`demucs_test.mp3`: adefossez/demucs; `vocadito_1.wav`: vocadito (CC BY 4.0) through mir-dataset-loaders/mirdata.
"""


@dataclass(frozen=True)
class Outcome:
    """A case looked at. refused: the error code where no video was made."""

    case: Case
    values: Values
    refused: str | None
    seconds: float

    @property
    def misses(self) -> list[Check]:
        return [check for check in CHECKS if check.key in self.values and not check.holds(self.values[check.key])]

    @property
    def summary(self) -> str:
        if self.refused:
            return f"refused, {self.refused}"
        missed = ", ".join(f"{check.title} {check.cell(self.values[check.key])}" for check in self.misses)
        return f"{missed or 'all hold'} ({self.seconds:.0f} s)"


def document(outcomes: list[Outcome]) -> str:
    today = datetime.datetime.now(tz=datetime.UTC).date()
    parts = [HEAD.format(date=today, height=HEIGHT, fps=FPS), _misses(outcomes), SEEN.read_text(encoding="utf-8")]
    for group in (BUNDLED, PORTRAITS, SONGS):
        if chosen := [outcome for outcome in outcomes if outcome.case.group == group]:
            parts.append(f"## {group}\n\n{NOTES[group]}\n")
            parts += [_table(title, checks, chosen) for title, checks in TABLES]
    return "\n".join([*parts, _limits(), ORIGINS])


def _misses(outcomes: list[Outcome]) -> str:
    made = [outcome for outcome in outcomes if not outcome.refused]
    judged = sum(len(outcome.values) for outcome in made)
    rows = [
        "## Misses",
        "",
        f"{sum(len(outcome.misses) for outcome in made)} of {judged} values in {len(made)} videos.",
        "",
    ]
    for check in CHECKS:
        missed = [f"{o.case.name} {o.values[check.key]:.{check.digits}f}" for o in made if check in o.misses]
        if missed:
            rows.append(f"- {check.title} ({check.limits}): {', '.join(missed)}")
    refused = [f"{outcome.case.name} ({outcome.refused})" for outcome in outcomes if outcome.refused]
    if refused:
        rows.append(f"- no video: {', '.join(refused)}")
    return "\n".join([*rows, ""])


def _table(title: str, checks: tuple[Check, ...], outcomes: list[Outcome]) -> str:
    head = f"| {title} | " + " | ".join(check.title for check in checks) + " |"
    rows = [head, "|---|" + "---|" * len(checks)]
    for outcome in outcomes:
        if not outcome.refused:
            cells = " | ".join(check.cell(outcome.values[check.key]) for check in checks)
            rows.append(f"| {outcome.case.name} | {cells} |")
    return "\n".join([*rows, ""])


def _limits() -> str:
    rows = ["## Limits and where they come from", "", "| check | limit | source |", "|---|---|---|"]
    rows += [f"| {check.title} | {check.limits} | {check.source} |" for check in CHECKS]
    return "\n".join([*rows, ""])
