"""Everything that can happen has a sentence, in every language, with and without its numbers."""

import re
import string

import pytest

from bots import texts
from bots.texts import LOCALES, failure_code, phrase, placeholders, progress_line, sentence, stage_name, wording
from bots.wording import Phrase, Wording, Wordings
from shared.errors import ErrorCode, Param
from shared.models import JobStatus, ProgressEvent, Stage

PARAMS: dict[ErrorCode, dict[str, Param]] = {
    ErrorCode.FILE_MISSING: {"name": "holiday.mp3"},
    ErrorCode.FILE_EMPTY: {"name": "holiday.mp3"},
    ErrorCode.SONG_TOO_SHORT: {"limit_s": 2.0, "actual_s": 0.5},
    ErrorCode.SONG_TOO_LONG: {"limit_s": 600.0, "actual_s": 754.2},
    ErrorCode.SONG_TOO_LARGE: {"limit_mb": 50},
    ErrorCode.PICTURE_TOO_LARGE: {"limit_mb": 20},
    ErrorCode.PICTURE_TOO_MANY_PIXELS: {"limit_mp": 50},
    ErrorCode.FACE_NUMBER: {"asked": 3, "found": 2},
    ErrorCode.FACE_TOO_SMALL: {"pixels": 31, "needed": 64},
    ErrorCode.VIDEO_CANNOT_FIT: {"limit_mb": 8},
    ErrorCode.RANGE_OUTSIDE_SONG: {"duration_s": 34.56},
    ErrorCode.TOO_MANY_WAITING: {"limit": 10},
    ErrorCode.OPTION_INVALID: {"name": "fps", "allowed": "24, 25 or 30"},
}
"""What the parts that raise these errors attach to them."""
JARGON = re.compile(
    r"\b(codec|ffmpeg|decode|container|queue|worker|redis|exception|error|invalid|null|traceback|asset|file type)\b",
    re.I,
)
MAX_CHARS = 125


def said(words: Wording) -> dict[str, Wordings]:
    """Everything a language says, by key."""
    stages = {stage: (name,) for stage, name in words.stages.items()}
    return {**words.errors, **words.phrases, **stages}


@pytest.mark.parametrize("locale", LOCALES)
def test_every_language_says_everything_with_the_same_placeholders(locale: str) -> None:
    words, english = LOCALES[locale], LOCALES["en"]
    assert set(words.errors) == set(ErrorCode)
    assert set(words.stages) == set(Stage)
    assert set(words.phrases) == set(Phrase)
    for key, wordings in said(words).items():
        assert {placeholders(one) for one in wordings} == {placeholders(one) for one in said(english)[key]}, key


@pytest.mark.parametrize("locale", LOCALES)
def test_every_sentence_reads_well_without_any_number(locale: str) -> None:
    for key, wordings in said(LOCALES[locale]).items():
        assert not placeholders(wordings[-1]), key
        counts = [len(placeholders(one)) for one in wordings]
        assert counts == sorted(counts, reverse=True), f"the most telling wording of {key} comes first"


@pytest.mark.parametrize("code", ErrorCode)
def test_every_error_is_one_kind_sentence_that_says_what_to_do(code: ErrorCode) -> None:
    for text in (sentence(code), sentence(code, PARAMS.get(code))):
        assert text[0] in string.ascii_uppercase
        assert text.endswith(".")
        assert len(text) <= MAX_CHARS
        assert not JARGON.search(text)
        assert re.search(r"\b(please|send|let me)\b", text, re.I), "says what to do next"
        assert "{" not in text


@pytest.mark.parametrize("code", PARAMS)
def test_every_number_that_is_known_is_told(code: ErrorCode) -> None:
    text = sentence(code, PARAMS[code])
    used = placeholders(LOCALES["en"].errors[code][0])
    assert used == PARAMS[code].keys()
    assert text != sentence(code)


def test_numbers_read_as_people_say_them() -> None:
    assert "12:34 min long" in sentence(ErrorCode.SONG_TOO_LONG, {"actual_s": 754.2, "limit_s": 600})
    assert "up to 10 min" in sentence(ErrorCode.SONG_TOO_LONG, {"limit_s": 600.0})
    assert "34.6 s long" in sentence(ErrorCode.RANGE_OUTSIDE_SONG, {"duration_s": 34.56})
    assert "1 min" in sentence(ErrorCode.RANGE_OUTSIDE_SONG, {"duration_s": 59.9})
    assert "8 MB" in sentence(ErrorCode.VIDEO_CANNOT_FIT, {"limit_mb": 8.0})


def test_a_strangers_file_name_stays_one_short_line() -> None:
    text = sentence(ErrorCode.FILE_MISSING, {"name": "a\n\x1b[31mb\u202e{limit_s}" + "x" * 5000})
    assert "a [31mb{limit_s}x" in text
    assert len(text) < 160


def test_params_nobody_asked_for_change_nothing() -> None:
    assert sentence(ErrorCode.SONG_SILENT, {"__class__": "x", "limit_s": 3}) == sentence(ErrorCode.SONG_SILENT)


@pytest.mark.parametrize(
    ("locale", "spoken"), [("en", "en"), ("en-GB", "en"), ("en_US", "en"), ("tlh", "en"), ("", "en")]
)
def test_a_language_not_spoken_falls_back(locale: str, spoken: str) -> None:
    assert wording(locale) is LOCALES[spoken]


def test_a_region_finds_its_language(monkeypatch: pytest.MonkeyPatch) -> None:
    german = Wording(errors={}, stages={Stage.ANIMATE: "Singt"}, phrases={})
    monkeypatch.setattr(texts, "LOCALES", {**LOCALES, "de": german})
    assert stage_name(Stage.ANIMATE, "de-AT") == "Singt"


def event(status: JobStatus, **facts: object) -> ProgressEvent:
    return ProgressEvent.model_validate({"job_id": "j", "status": status, **facts})


@pytest.mark.parametrize(
    ("happened", "line"),
    [
        (event(JobStatus.WAITING), "You're in line."),
        (event(JobStatus.WAITING, position=4, eta_s=340), "You're number 4 in line, about 5:30 min to go."),
        (event(JobStatus.WAITING, position=1), "You're next."),
        (event(JobStatus.RUNNING), "Warming up…"),
        (event(JobStatus.RUNNING, stage="rig"), "Getting to know the face…"),
        (event(JobStatus.RUNNING, stage="animate", done=1, total=3, eta_s=2), "Singing: 33%, about 30 s to go."),
        (event(JobStatus.RUNNING, stage="animate", done=9, total=3), "Singing: 100%."),
        (event(JobStatus.SUCCEEDED), "Here it is!"),
        (event(JobStatus.FAILED, error_code="song_silent"), sentence(ErrorCode.SONG_SILENT)),
        (event(JobStatus.FAILED), sentence(ErrorCode.INTERNAL)),
        (event(JobStatus.CANCELLED, error_code="internal"), sentence(ErrorCode.CANCELLED)),
    ],
)
def test_progress_is_one_line(happened: ProgressEvent, line: str) -> None:
    assert progress_line(happened) == line


def test_a_job_that_succeeded_without_a_video_is_our_fault() -> None:
    assert failure_code(event(JobStatus.SUCCEEDED)) is ErrorCode.INTERNAL
    assert phrase(Phrase.ACCEPTED) == "Got it! I'll sing this for you."
