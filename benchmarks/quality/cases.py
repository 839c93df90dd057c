"""What is rendered to be looked at: the bundled example, every portrait singing it, every song on one portrait."""

import json
from dataclasses import dataclass
from pathlib import Path

from shared.models import FrameRate, RenderOptions

ROOT = Path(__file__).parents[2]
EXAMPLE_SONG, EXAMPLE_TRUTH, EXAMPLE_PORTRAIT = (
    ROOT / "examples" / name for name in ("song.mp3", "song.json", "portrait.jpg")
)
MEDIA = ROOT.parent / "shared" / "media"
"""Pictures and songs of unclear rights: tried where they are at hand, never shipped."""

HEIGHT = 512
FPS: FrameRate = 25
PORTRAIT_RANGE_S = 10.0, 16.0
"""Of the bundled song: a rest, a breath, and a line of many vowels."""
LONGEST_S = 12.0
"""Of any other song, from its start."""

BUNDLED, PORTRAITS, SONGS = "The bundled example", "Portraits", "Songs"


@dataclass(frozen=True)
class Case:
    """One video to make. shippable: whether pictures of it may be kept in the repository."""

    group: str
    name: str
    song: Path
    portrait: Path
    start_s: float
    end_s: float | None
    shippable: bool = False

    @property
    def options(self) -> RenderOptions:
        return RenderOptions(start_s=self.start_s, end_s=self.end_s, height=HEIGHT, fps=FPS)


@dataclass(frozen=True)
class Truth:
    """What is known of a song that was made here, in seconds from where the clip starts.

    sung: start and end of every phone. beats: of the mix.
    """

    sung: tuple[tuple[float, float], ...]
    beats: tuple[float, ...]


def cases() -> list[Case]:
    """All that can be rendered with what is at hand."""
    portraits = sorted((MEDIA / "portraits").glob("*.*"))
    singer = EXAMPLE_PORTRAIT if EXAMPLE_PORTRAIT.exists() else MEDIA / "portraits" / "people_0.png"
    return [
        Case(BUNDLED, singer.name, EXAMPLE_SONG, singer, 0.0, None, shippable=singer == EXAMPLE_PORTRAIT),
        *(Case(PORTRAITS, photo.name, EXAMPLE_SONG, photo, *PORTRAIT_RANGE_S) for photo in portraits),
        *(Case(SONGS, song.name, song, singer, 0.0, LONGEST_S) for song in sorted((MEDIA / "songs").glob("*.*"))),
    ]


def truth(case: Case) -> Truth | None:
    """Of the bundled song; nobody has written down the others."""
    if case.song != EXAMPLE_SONG:
        return None
    known = json.loads(EXAMPLE_TRUTH.read_text(encoding="utf-8"))
    sung = ((event["start_s"] - case.start_s, event["end_s"] - case.start_s) for event in known["events"])
    return Truth(tuple(sung), tuple(beat - case.start_s for beat in known["beats"]))
