from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# Test files import their helpers (audited) from here; importlib mode adds no folder by itself.
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No model is loaded, and nothing from the user's environment may choose a database."""
    from belonging_llm import analysis
    from belonging_llm.adapters import factory
    from belonging_llm.adapters.fakes import HashEncoder

    monkeypatch.delenv("BELONGING_STORE", raising=False)
    monkeypatch.setattr(factory, "encoder", lambda _: HashEncoder())
    yield
    analysis.workbench.cache_clear()


@pytest.fixture(scope="session")
def _sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from audited import make_sample

    return make_sample(tmp_path_factory.mktemp("audited") / "sample")


@pytest.fixture(scope="session")
def _talks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from audited import make_talks

    return make_talks(tmp_path_factory.mktemp("audited") / "talks")


@pytest.fixture
def sample(_sample: Path, tmp_path: Path) -> Path:
    """The synthetic interviews with their gold, not analysed."""
    return Path(shutil.copytree(_sample, tmp_path / "sample"))


@pytest.fixture
def talks(_talks: Path, tmp_path: Path) -> Path:
    """Twelve participants with eight segments each and two codes, not coded by anybody."""
    return Path(shutil.copytree(_talks, tmp_path / "talks"))
