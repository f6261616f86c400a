from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# Studies that people and runs coded are made where audits are tested.
sys.path.insert(0, str(Path(__file__).parent.parent / "auditing"))
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


@pytest.fixture
def talks(tmp_path: Path) -> Path:
    """Twelve participants with eight segments each and two codes, not coded by anybody."""
    from audited import make_talks

    return make_talks(tmp_path / "talks")
