from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# Test files import their helpers (growing) from here; importlib mode adds no folder by itself.
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No model is loaded, and nothing from the user's environment may choose a database."""
    from belonging_llm import analysis, batch
    from belonging_llm.adapters import factory
    from belonging_llm.adapters.fakes import HashEncoder

    monkeypatch.delenv("BELONGING_STORE", raising=False)
    monkeypatch.setattr(factory, "encoder", lambda _: HashEncoder())
    yield
    analysis.workbench.cache_clear()
    batch.batch_bench.cache_clear()


@pytest.fixture(scope="session")
def _analysed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from growing import make

    return make(tmp_path_factory.mktemp("grown") / "study")


@pytest.fixture
def study(_analysed: Path, tmp_path: Path) -> Path:
    """Eight synthetic interviews with people's codings, analysed; four more lie beside, and the inbox is empty."""
    return Path(shutil.copytree(_analysed, tmp_path / "study"))
