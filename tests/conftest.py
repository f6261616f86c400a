"""Settings and databases for every test."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# importlib mode adds no folder by itself.
sys.path.insert(0, str(Path(__file__).parent))

import postgres_server
from postgres_server import TEMPLATE, PostgresServer

# Machines are shared and slow at times: an example that takes long is no failure.
settings.register_profile("calm", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("calm")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first: where files are shared out among processes, none is left with a long one at last."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


_NUMBERS = count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL of this test process, with an empty study's database to copy."""
    if reason := postgres_server.why_not():
        pytest.skip(reason)
    from belonging_llm.store import Store

    with PostgresServer.running() as server:
        Store(server.create(TEMPLATE)).close()
        yield server


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """The address of an empty study's database on PostgreSQL, for one test."""
    name = f"study_{next(_NUMBERS)}"
    yield postgres.create(name, TEMPLATE)
    postgres.drop(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database for one study: the test runs once on each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'study.sqlite'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def either_store(store_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Studies of the test, of which there may be one, keep what they find on SQLite, and once more on PostgreSQL."""
    if not store_url.startswith("sqlite"):
        monkeypatch.setenv("BELONGING_STORE", store_url)
    return store_url
