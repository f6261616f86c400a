"""The benchmark compares like with like: the loop and `agree` find the same kappas. Nothing is timed here."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "evals" / "agreement_speed.py"


def test_library_calls_find_the_kappas_of_every_resample() -> None:
    spec = importlib.util.spec_from_file_location("evals_agreement_speed", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    sys.modules["evals_agreement_speed"] = script  # dataclasses look their module up
    spec.loader.exec_module(script)
    found = script.measure(segments=1000, draws=20, calls=10)
    assert found["largest difference in kappa"] == pytest.approx(0, abs=1e-9)
    assert found["loop calls in all"] == 20 * 6 * 20
