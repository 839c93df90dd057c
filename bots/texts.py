"""Every sentence a person can read, by locale: an error code becomes one kind sentence that says what to do next.

A sentence may come in several wordings, the most telling first; the first whose placeholders are all known is used, so
every sentence reads well with and without its numbers. Adding a language is adding a `Wording` to `LOCALES`; a test
holds all of them to the same keys and placeholders.
"""

import string
from collections.abc import Mapping
from typing import Any

from bots.texts_en import ENGLISH
from bots.wording import Phrase, Wording, Wordings
from shared.errors import ErrorCode, Param
from shared.models import JobStatus, ProgressEvent, Stage

DEFAULT_LOCALE = "en"
LOCALES: Mapping[str, Wording] = {"en": ENGLISH}

MAX_VALUE_CHARS = 80
"""A longer name of a stranger's file is cut off, so that it can't drown the sentence."""
HALF_MINUTE_S = 30


def wording(locale: str) -> Wording:
    """The locale's words; `de-AT` falls back to `de`, what is not spoken here to English."""
    language = locale.replace("_", "-").partition("-")[0].lower()
    return LOCALES.get(locale) or LOCALES.get(language) or LOCALES[DEFAULT_LOCALE]


def sentence(code: ErrorCode, params: Mapping[str, Param] | None = None, locale: str = DEFAULT_LOCALE) -> str:
    """What went wrong and what to do next."""
    return _say(wording(locale).errors[code], params or {})


def phrase(name: Phrase, locale: str = DEFAULT_LOCALE, **params: Param) -> str:
    """A sentence that is no error."""
    return _say(wording(locale).phrases[name], params)


def stage_name(stage: Stage, locale: str = DEFAULT_LOCALE) -> str:
    """What the worker is doing, as in "Listening to the song"."""
    return wording(locale).stages[stage]


def progress_line(event: ProgressEvent, locale: str = DEFAULT_LOCALE) -> str:
    """One line that tells how a job stands, for a message that is edited as it goes on."""
    known: dict[str, Param] = {}
    if event.eta_s is not None:
        known["eta_s"] = max(HALF_MINUTE_S, HALF_MINUTE_S * round(event.eta_s / HALF_MINUTE_S))
    if event.status is JobStatus.WAITING:
        if event.position is not None:
            known["position"] = event.position
        next_up = event.position == 1
        return phrase(Phrase.WAITING_NEXT if next_up else Phrase.WAITING, locale, **known)
    if event.status is JobStatus.RUNNING:
        if event.stage is None:
            return phrase(Phrase.STARTING, locale)
        known["stage"] = stage_name(event.stage, locale)
        if event.total > 0:
            known["percent"] = min(100, 100 * event.done // event.total)
        return phrase(Phrase.RUNNING, locale, **known)
    if event.status is JobStatus.SUCCEEDED:
        return phrase(Phrase.DONE, locale)
    return sentence(failure_code(event), event.error_params, locale)


def failure_code(event: ProgressEvent) -> ErrorCode:
    """Why a job ended without a video."""
    if event.status is JobStatus.CANCELLED:
        return ErrorCode.CANCELLED
    return event.error_code or ErrorCode.INTERNAL


def placeholders(template: str) -> frozenset[str]:
    """The names a template needs, such as `limit_s` for "{limit_s:duration}"."""
    return frozenset(name for _, name, _, _ in string.Formatter().parse(template) if name)


def _say(wordings: Wordings, params: Mapping[str, Param]) -> str:
    chosen = next(template for template in wordings if placeholders(template) <= params.keys())
    return _Values().vformat(chosen, (), params)


class _Values(string.Formatter):
    """Writes values so that they read the same in every language; `:duration` takes seconds."""

    def format_field(self, value: Any, format_spec: str) -> str:
        if format_spec == "duration":
            return _duration(value)
        if isinstance(value, float):
            return f"{value:.1f}".removesuffix(".0")
        return _clean(str(value))


def _duration(seconds: Any) -> str:
    """12 -> "12 s", 600 -> "10 min", 754 -> "12:34 min"; SI symbols need no translation."""
    if not isinstance(seconds, int | float):
        return _clean(str(seconds))
    if round(seconds) < 60:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02} min" if rest else f"{minutes} min"


def _clean(text: str) -> str:
    """One line without control characters."""
    line = "".join(letter for letter in " ".join(text.split()) if letter.isprintable())
    return line if len(line) <= MAX_VALUE_CHARS else line[: MAX_VALUE_CHARS - 1] + "…"
