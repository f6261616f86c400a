from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# Test files import their helpers from here; importlib mode adds no folder by itself.
sys.path.insert(0, str(Path(__file__).parent))

import world
from browsing import Browsing
from serving import Served
from world import World


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BELONGING_STORE", raising=False)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A study for a module's tests."""
    return world.make(tmp_path_factory.mktemp("review") / "study")


@pytest.fixture(scope="module")
def served(made: World) -> Iterator[Served]:
    """The module's study, served."""
    with Served(made) as running:
        yield running


@pytest.fixture(scope="module")
def browsing() -> Iterator[Browsing]:
    """Chromium, where this machine has it; ended with the module, since Playwright's event loop runs in this thread."""
    with Browsing() as running:
        yield running
