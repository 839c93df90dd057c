"""What may be set from outside, in small typed classes by concern; built in main(), never at import.

Each field reads `SERENADE_<CONCERN>_<FIELD>` from the environment or a `.env` file in the working folder, for example
`SERENADE_QUEUE_CAPACITY=4`. Two names are shorter: `REDIS_URL` and `SERENADE_DATA_DIR`. An empty value counts as unset.
"""

from pathlib import Path
from typing import Annotated, Literal

import platformdirs
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.errors import BadOption, ErrorCode

MIB = 1024**2
Positive = Annotated[float, Field(gt=0)]
PositiveInt = Annotated[int, Field(gt=0)]


def _config(prefix: str) -> SettingsConfigDict:
    return SettingsConfigDict(
        env_prefix=prefix,
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        validate_default=True,
        populate_by_name=True,
    )


class QueueSettings(BaseSettings):
    """The waiting room and the steps of a job."""

    model_config = _config("SERENADE_QUEUE_")

    redis_url: SecretStr | None = Field(default=None, validation_alias="REDIS_URL")
    """Redis or Valkey, 6.2 or newer; may hold a password. None: the embedded server."""
    append_fsync: Literal["everysec", "always"] = "everysec"
    """How often the embedded server flushes to disk: what a power cut may cost. A crash of ours costs nothing."""
    waiting_per_user: PositiveInt = 10
    capacity: PositiveInt | None = None
    """Jobs running at once. None: as many as there are live workers, at least one."""
    lease_s: Positive = 10.0
    """A step whose worker has been silent this long is given to another: below the 15 s promised, above any hiccup."""
    takeovers_max: Annotated[int, Field(ge=0)] = 3
    """After this many lost workers the step itself is to blame."""
    poll_s: Positive = 0.05
    """How often an idle worker looks for work: part of every wait between steps."""
    claim_after_s: Positive = 30.0
    """An event read but not acknowledged for this long is given to another reader of the group."""
    events_kept: PositiveInt = 100_000
    """About a day of progress of one busy worker; 25 MB."""
    days_kept: Positive = 7.0
    """How long a finished job can be asked about."""


class StoreSettings(BaseSettings):
    """Where files of jobs lie, encrypted."""

    model_config = _config("SERENADE_STORE_")

    data_dir: Path = Field(
        default_factory=lambda: platformdirs.user_data_path("serenade"), validation_alias="SERENADE_DATA_DIR"
    )
    """Everything Serenade keeps on this machine lies below this folder."""
    url: str | None = None
    """An S3 bucket, such as `s3://bucket/prefix`. None: a folder below `data_dir`."""
    master_key: SecretStr | None = None
    """32 bytes in base64. None: generated once into `data_dir`, readable by its owner only."""
    days_kept: Positive = 7.0


class IntakeLimits(BaseSettings):
    """What a song and a picture may be."""

    model_config = _config("SERENADE_INTAKE_")

    song_min_s: Positive = 2.0
    song_max_s: Positive = 600.0
    song_max_bytes: PositiveInt = 50 * MIB
    picture_max_bytes: PositiveInt = 20 * MIB
    picture_max_pixels: PositiveInt = 50_000_000


class WorkerSettings(BaseSettings):
    """How a worker process behaves."""

    model_config = _config("SERENADE_WORKER_")

    beat_s: Positive = 1.0
    """How often a worker says that it lives and asks whether its step is still wanted: a cancel is noticed as fast."""
    grace_s: Positive = 5.0
    """How long a step may take to stop; then it is handed back and the process ends. Docker kills after 10 s."""
    step_limit_s: Positive = 1800.0
    """A step that takes longer hangs: its process ends, and the step counts as lost."""


class Settings(BaseSettings):
    """All of them."""

    model_config = SettingsConfigDict(frozen=True)

    queue: QueueSettings = Field(default_factory=QueueSettings)
    store: StoreSettings = Field(default_factory=StoreSettings)
    intake: IntakeLimits = Field(default_factory=IntakeLimits)
    worker: WorkerSettings = Field(default_factory=WorkerSettings)


def load_settings() -> Settings:
    """Reads the environment and `.env`. Raises BadOption (OPTION_INVALID) naming the setting, never its value."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        raise BadOption(
            ErrorCode.OPTION_INVALID, f"{error.title}: {name}: {first['msg']}", name=name, allowed=first["msg"]
        ) from None
