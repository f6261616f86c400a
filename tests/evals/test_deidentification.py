"""Planted identifiers: the accepted figures are those of the rules as they are."""

from __future__ import annotations

import json
from pathlib import Path

from evals.deidentification import measure, planted

ACCEPTED = Path(__file__).parents[2] / "evals" / "deidentification.json"


def test_the_accepted_figures_are_those_of_the_rules() -> None:
    assert len(planted()) >= 250
    assert measure(model=False) == json.loads(ACCEPTED.read_text(encoding="utf-8"))["rules"]
