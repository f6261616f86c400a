"""The simulations of drift run, and err in the direction that they are there to show; fixed seeds, loose bounds."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[2] / "evals" / "drift.py"
ACCEPTED = SCRIPT.with_suffix(".json")


@pytest.fixture(scope="module")
def sims() -> ModuleType:
    spec = importlib.util.spec_from_file_location("evals_drift", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    sys.modules["evals_drift"] = script  # dataclasses look their module up
    spec.loader.exec_module(script)
    return script


def rates(simulation: Any) -> dict[str, float]:
    return {one.name: one.hits / one.of for one in simulation.rates}


def test_segments_taken_as_independent_raise_false_alarms_and_participants_do_not(sims: ModuleType) -> None:
    dice = np.random.default_rng(3)
    p, naive = np.array([sims._one_share(dice, "beta", 40, 4, 0.4) for _ in range(60)]).T
    assert (naive <= 0.05).mean() > 0.12
    assert (p <= 0.05).mean() < (naive <= 0.05).mean()


def test_a_changed_model_is_noticed_and_a_wavering_one_is_not(sims: ModuleType) -> None:
    dice = np.random.default_rng(0)
    assert sum(sims._model_changed(dice, 3, 0, 0.5) for _ in range(20)) == 20
    assert sum(sims._model_changed(dice, 3, 0.01, 0) for _ in range(20)) == 0


def test_a_code_that_is_more_frequent_is_noticed(sims: ModuleType) -> None:
    dice = np.random.default_rng(0)
    assert sum(sims._code_moved(dice, 10, 0.4) for _ in range(4)) == 4
    assert sum(sims._code_moved(dice, 10, 0.1) for _ in range(4)) == 0


def test_the_accepted_figures_are_as_wanted() -> None:
    accepted = json.loads(ACCEPTED.read_text(encoding="utf-8"))
    judged = [one for simulation in accepted["simulations"] for one in simulation["rates"] if one["wanted"]]
    assert len(judged) >= 25
    assert [one["name"] for one in judged if not one["holds"]] == []


def test_the_accepted_designs_are_the_scripts(sims: ModuleType) -> None:
    accepted = json.loads(ACCEPTED.read_text(encoding="utf-8"))
    assert [one["design"] for one in accepted["simulations"]] == [sims.design(one) for one in sims.SIMULATIONS]


def test_a_segment_lies_around_its_topic(sims: ModuleType) -> None:
    dice = np.random.default_rng(0)
    found, topics = sims.interview(dice, 0.5)
    assert np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-5)
    assert (topics == sims.TOPICS).sum() > 5
    on = topics >= 0
    near = (found[on] * sims.directions()[topics[on]]).sum(1)
    assert near.mean() == pytest.approx(0.7, abs=0.05)
