from __future__ import annotations

from pathlib import Path

import pytest

from belonging_llm.study import Study, create


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """A bare study whose inbox is there."""
    monkeypatch.delenv("BELONGING_STORE", raising=False)
    made = create(tmp_path / "study")
    (made.folder / "inbox").mkdir(exist_ok=True)
    return made
