from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# Test files import their helpers (chat_server, studies) from here; importlib mode adds no folder by itself.
sys.path.insert(0, str(Path(__file__).parent))


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
