"""What a batch costs does not hang on the study: the figures on record, and the benchmark on a tiny study."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest

EVALS = Path(__file__).parents[2] / "evals"


def test_a_batch_on_100000_segments_takes_at_most_twice_what_it_takes_on_1000() -> None:
    found = json.loads((EVALS / "batch_speed.json").read_text(encoding="utf-8"))
    assert found["new_segments"] == 50
    assert set(found["ratio_to_smallest"]) == {"1000", "10000", "100000"}
    assert max(found["ratio_to_smallest"].values()) <= 2
    for one in found["existing"].values():
        assert len(one["all_seconds"]) == found["batches"]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Tensorflow not installed:ImportWarning")
def test_the_benchmark_makes_a_study_and_measures_a_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BELONGING_STORE", raising=False)
    monkeypatch.setattr(sys, "path", list(sys.path))
    spec = importlib.util.spec_from_file_location("batch_speed", EVALS / "batch_speed.py")
    assert spec is not None
    assert spec.loader is not None
    speed = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(speed)
    monkeypatch.setattr(speed.factory, "encoder", lambda _: speed.HashEncoder())
    monkeypatch.setattr(speed.factory, "chat_model", lambda *_, **__: speed.FakeChat(speed.answer))
    speed.make(tmp_path / "study", 100)
    speed.drop(tmp_path / "study", 1)
    found = speed.one_batch(tmp_path / "study")
    assert (found["segments"], found["status"]) == (50, "complete")
    assert set(found["stages"]) == {"open", "import", "embed", "place", "code", "watch", "finish", "report"}
