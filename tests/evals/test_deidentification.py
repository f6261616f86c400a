"""Planted identifiers: the accepted figures are those of the rules as they are."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

PLACE = Path(__file__).parents[2] / "evals" / "deidentification.py"


@pytest.mark.slow
def test_the_accepted_figures_are_those_of_the_rules() -> None:
    spec = importlib.util.spec_from_file_location("deidentification_eval", PLACE)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert len(script.planted()) >= 250
    assert script.measure(model=False) == json.loads(PLACE.with_suffix(".json").read_text(encoding="utf-8"))["rules"]
