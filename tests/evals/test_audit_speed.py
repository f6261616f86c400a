"""The benchmark of the model audit serves a study and turns its pages. Nothing is timed here."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "evals" / "audit_speed.py"


def test_pages_of_every_filter_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BELONGING_STORE", raising=False)
    spec = importlib.util.spec_from_file_location("evals_audit_speed", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    sys.modules["evals_audit_speed"] = script
    spec.loader.exec_module(script)
    found = script.timed(150, 3)
    assert found["segments"] == 150
    assert 0 < found["median ms"] <= found["p95 ms"] <= found["most ms"]
