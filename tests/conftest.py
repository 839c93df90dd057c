"""What every test may ask for: one real Valkey for the session, empty for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from shared.valkey import EmbeddedValkey


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    """The server; ask for `redis_url` instead unless the session is what you mean."""
    with EmbeddedValkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture
def redis_url(valkey_server: EmbeddedValkey) -> str:
    """URL of an empty database."""
    with redis.Redis.from_url(valkey_server.url) as client:
        client.flushall()
    return valkey_server.url


@pytest.fixture(autouse=True)
def _settings_of_nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test reads the settings of whoever runs it, or writes into their data folder."""
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setenv("SERENADE_DATA_DIR", str(tmp_path / "data"))
