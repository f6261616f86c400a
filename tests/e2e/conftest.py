from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# Test files import their helpers (chat_server, studies) from here; importlib mode adds no folder by itself.
sys.path.insert(0, str(Path(__file__).parent))

import served
import studies
from chat_server import ChatServer
from served import Scheduled
from studies import InProcess

from belonging_llm import prices
from belonging_llm.prices import Price
from belonging_llm.store import ledger


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            # UMAP says on import that it would have liked TensorFlow.
            item.add_marker(pytest.mark.filterwarnings("ignore:Tensorflow not installed:ImportWarning"))


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing from the user's environment may choose a database, a key or a Prefect server for a test."""
    for name in ("BELONGING_STORE", "OPENAI_API_KEY", "OPENAI_BASE_URL", "PREFECT_API_URL", "PREFECT_HOME"):
        monkeypatch.delenv(name, raising=False)
    yield
    from belonging_llm import analysis

    analysis.workbench.cache_clear()


@pytest.fixture(scope="module")
def running() -> Iterator[ChatServer]:
    """One server for a module: its port is part of the model's name."""
    with ChatServer() as server:
        yield server


@pytest.fixture
def server(running: ChatServer) -> Iterator[ChatServer]:
    """The module's server, well behaved at first; there again for the next test, whatever a test does to it."""
    running.reset()
    yield running
    running.reset()
    running.stop()
    running.start()


@pytest.fixture
def study(template: Path, tmp_path: Path) -> Path:
    """A copy of the module's `template`."""
    return studies.copied(template, tmp_path / "study")


@pytest.fixture
def scheduled(tmp_path: Path) -> Iterator[Scheduled]:
    with served.analysed_study(tmp_path) as made:
        yield made


@pytest.fixture
def dear(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server on this machine passes for a hosted one with a price."""
    _elsewhere(monkeypatch, (studies.DEAR,))


@pytest.fixture
def unpriced(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server on this machine passes for a hosted one that nobody knows the price of."""
    _elsewhere(monkeypatch, ())


def _elsewhere(monkeypatch: pytest.MonkeyPatch, table: tuple[Price, ...]) -> None:
    monkeypatch.setattr(prices, "table", lambda: table)
    for module in (prices, ledger):
        monkeypatch.setattr(module, "is_loopback", lambda _: False)


@pytest.fixture
def belonging(monkeypatch: pytest.MonkeyPatch) -> InProcess:
    return studies.in_process(monkeypatch)
