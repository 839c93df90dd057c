"""Settings come from the environment and .env, are checked, and show no secrets."""

from pathlib import Path

import pytest

from shared.errors import BadOption, ErrorCode
from shared.settings import load_settings


def test_everything_has_a_default() -> None:
    settings = load_settings()
    assert settings.queue.redis_url is None
    assert settings.intake.song_min_s == 2
    assert settings.intake.song_max_s == 600


def test_the_environment_decides(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SERENADE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("SERENADE_QUEUE_CAPACITY", "3")
    monkeypatch.setenv("SERENADE_WORKER_BEAT_S", "0.5")
    settings = load_settings()
    assert (settings.store.data_dir, settings.queue.capacity, settings.worker.beat_s) == (tmp_path, 3, 0.5)


def test_a_dot_env_file_is_read_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("REDIS_URL=redis://file\nSERENADE_QUEUE_CAPACITY=2\nOTHER=1\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SERENADE_QUEUE_CAPACITY", "5")
    queue = load_settings().queue
    assert queue.redis_url is not None
    assert (queue.redis_url.get_secret_value(), queue.capacity) == ("redis://file", 5)


def test_an_empty_value_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "")
    assert load_settings().queue.redis_url is None


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://:hunter2@host")
    monkeypatch.setenv("SERENADE_STORE_MASTER_KEY", "hunter2")
    settings = load_settings()
    assert "hunter2" not in f"{settings!r} {settings} {settings.model_dump_json()}"


@pytest.mark.parametrize(
    ("name", "value"),
    [("SERENADE_QUEUE_LEASE_S", "-1"), ("SERENADE_QUEUE_APPEND_FSYNC", "hunter2"), ("SERENADE_WORKER_BEAT_S", "soon")],
)
def test_a_wrong_value_is_named_but_not_repeated(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadOption) as wrong:
        load_settings()
    assert wrong.value.code == ErrorCode.OPTION_INVALID
    assert name.rsplit("_", 1)[0].split("_", 2)[2].lower() in wrong.value.detail
    assert value not in wrong.value.detail
