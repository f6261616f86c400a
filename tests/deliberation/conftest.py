from __future__ import annotations

import sys
from pathlib import Path

import pytest

# Studies that people coded are made where audits are tested.
sys.path.insert(0, str(Path(__file__).parent.parent / "auditing"))


@pytest.fixture
def talks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twelve participants with eight segments each and two codes, not coded by anybody."""
    from audited import make_talks

    monkeypatch.delenv("BELONGING_STORE", raising=False)
    return make_talks(tmp_path / "talks")
