"""What crosses the queue: frozen values that go to JSON and back, references instead of content."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.errors import ErrorCode, Param

FrameRate = Literal[24, 25, 30, 50, 60]
MIN_HEIGHT, MAX_HEIGHT = 256, 2160


class Model(BaseModel):
    """Frozen, and strict about unknown fields, so that two versions notice when they disagree."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class AssetRef(Model):
    """A stored file: an opaque key into the asset store, and what a front end may want to know without opening it."""

    key: str
    size_bytes: int
    media_type: str


class RenderOptions(Model):
    """What the person may choose. `None` means: let Serenade choose."""

    start_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    end_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    height: Annotated[int, Field(ge=MIN_HEIGHT, le=MAX_HEIGHT)] | None = None
    fps: FrameRate = 25
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    max_bytes: Annotated[int, Field(gt=0)] | None = None
    face: Annotated[int, Field(ge=1)] | None = None
    """Which face, counted from the left; `None` is the largest."""
    background: Annotated[str, Field(pattern=r"^(keep|blur|picture|#[0-9a-fA-F]{6})$")] = "keep"
    """What is behind the singer: the photo's own, sharp or blurred, a colour, or the job's `background_picture`."""


class Requester(Model):
    """Who asked, as far as fairness needs to know."""

    platform: str
    user_id: str
    server_id: str | None = None

    @property
    def line(self) -> str:
        """The waiting line this person stands in."""
        return f"{self.platform}:{self.user_id}"


class ReplyTarget(Model):
    """Where the answer goes, and in which language; only the front end of that platform reads the ids."""

    platform: str
    channel_id: str = ""
    message_id: str = ""
    locale: str = "en"


class JobRequest(Model):
    """One render, asked for. The id derives from the chat message, so a message delivered twice makes one job."""

    job_id: str
    song: AssetRef
    portrait: AssetRef
    options: RenderOptions
    requester: Requester
    reply_to: ReplyTarget
    background_picture: AssetRef | None = None

    @model_validator(mode="after")
    def _background_is_there(self) -> Self:
        if (self.options.background == "picture") != (self.background_picture is not None):
            raise ValueError("a background picture comes with the option `picture`, and only then")
        return self


class JobStatus(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        return self in (JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED)


class Stage(StrEnum):
    """What a worker is doing for a job, in the order a person sees it."""

    SEPARATE = "separate"
    PERFORM = "perform"
    RIG = "rig"
    ANIMATE = "animate"
    FINISH = "finish"


class StageSeconds(Model):
    """Worker seconds spent in a stage, added up over all workers."""

    name: str
    seconds: float


class VideoFacts(Model):
    """The finished video, measured on the file."""

    duration_s: float
    frames: int
    width: int
    height: int
    fps: int
    seed: int
    stages: tuple[StageSeconds, ...] = ()


class ProgressEvent(Model):
    """What happened to a job. Events of one job are ordered; the last one has a final status."""

    job_id: str
    status: JobStatus
    stage: Stage | None = None
    done: int = 0
    total: int = 0
    position: int | None = None
    """Place in the waiting room, 1 is next; only while waiting."""
    eta_s: float | None = None
    error_code: ErrorCode | None = None
    error_params: dict[str, Param] = Field(default_factory=dict)
    video: AssetRef | None = None
    facts: VideoFacts | None = None
    reply_to: ReplyTarget | None = None
