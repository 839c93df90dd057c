"""What a language must bring along: its sentences for errors, stages and everything else that is said."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from shared.errors import ErrorCode
from shared.models import Stage

Wordings = tuple[str, ...]
"""The same sentence with fewer and fewer placeholders; the last one has none."""


class Phrase(StrEnum):
    """What is said when nothing went wrong."""

    ACCEPTED = "accepted"
    WAITING = "waiting"
    WAITING_NEXT = "waiting_next"
    STARTING = "starting"
    RUNNING = "running"
    DONE = "done"


@dataclass(frozen=True)
class Wording:
    """One language, complete."""

    errors: Mapping[ErrorCode, Wordings]
    stages: Mapping[Stage, str]
    phrases: Mapping[Phrase, Wordings]
