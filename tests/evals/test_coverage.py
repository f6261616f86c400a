"""The simulations run, and err in the direction that they are there to show; fixed seeds, loose bounds."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[2] / "evals" / "coverage.py"
ACCEPTED = SCRIPT.with_suffix(".json")


@pytest.fixture(scope="module")
def sims() -> ModuleType:
    spec = importlib.util.spec_from_file_location("evals_coverage", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    sys.modules["evals_coverage"] = script  # dataclasses look their module up
    spec.loader.exec_module(script)
    return script


def figures(simulation: Any) -> dict[str, float]:
    return {one.name: one.value for one in simulation.figures}


def test_resampling_participants_covers_kappa_more_often_than_resampling_segments(sims: ModuleType) -> None:
    found = figures(sims.kappa_intervals(100, seed=2))
    assert found["participants, percentile"] > found["segments, percentile"] + 0.1
    assert found["participants, bca"] > found["segments, percentile"] + 0.1


def test_true_kappa_is_that_of_a_large_population(sims: ModuleType) -> None:
    dice = np.random.default_rng(0)
    cells = np.mean([sims.coded_cells(dice, 50).mean((0, 1, 2)) for _ in range(20)], axis=0)
    assert sims.kappas(cells) == pytest.approx(sims.true_kappa(), abs=0.02)


def test_segments_taken_as_independent_pass_a_model_too_often(sims: ModuleType) -> None:
    found = figures(sims.alt_test_errors(40, seed=2))
    assert all(found[f"sd {spread}, segments"] > found[f"sd {spread}, participants"] for spread in (1.0, 1.5))
    assert found["sd 1.0, participants"] < 0.2


def test_boundary_of_the_alternative_annotator_test_is_epsilon(sims: ModuleType) -> None:
    # Others both right .81, both wrong .01; (.81 − .01)(m − .1) = .10 gives m = .225.
    assert sims.model_error() == 0.225
    dice, centre = np.random.default_rng(0), sims.model_error_centre(1.0)
    gaps = [sims.boundary_test(dice, centre, 1.0).model.left_out[0].difference for _ in range(30)]
    assert np.mean(gaps) == pytest.approx(sims.EPSILON, abs=0.03)


def test_a_biased_model_is_corrected_when_participants_are_the_units(sims: ModuleType) -> None:
    found = figures(sims.audited_participants(200, seed=2))
    assert found["model's share alone"] < 0.2
    assert found["PPI, participants"] > found["PPI, segments"] + 0.1
    assert found["design, participants"] > found["PPI, segments"] + 0.1


def test_known_inclusion_probabilities_undo_an_audit_that_prefers_what_the_model_found(sims: ModuleType) -> None:
    found = figures(sims.audited_strata(200, seed=2))
    assert found["share among the audited, unweighted"] < 0.3
    assert found["design, participants"] > found["design, segments"]
    assert found["design, participants"] > 0.8


def test_inclusion_probabilities_are_the_share_drawn_of_each_stratum(sims: ModuleType) -> None:
    dice = np.random.default_rng(0)
    _, coded = sims.biased_study(dice)
    chance, audited = sims.stratified(dice, coded)
    whose = np.repeat(np.arange(sims.PEOPLE), sims.SEGMENTS)
    for label in (0, 1):
        own = coded == label
        expected = np.bincount(whose[own], chance[own], sims.PEOPLE)
        assert expected == pytest.approx(np.bincount(whose[own & audited], minlength=sims.PEOPLE))


def test_the_best_of_many_prompts_looks_better_than_it_is(sims: ModuleType) -> None:
    simulation = sims.double_dipping(100, seed=2)
    found = figures(simulation)
    true = simulation.truth["kappa"]
    assert found["n 50, K 20: best, same segments"] > found["n 200, K 20: best, same segments"] > true + 0.05
    assert found["n 100, K 20: best, same segments"] > found["n 100, K 5: best, same segments"]
    assert found["n 200, K 20: best, fresh segments"] == pytest.approx(true, abs=0.05)


def test_the_accepted_figures_are_as_wanted() -> None:
    accepted = json.loads(ACCEPTED.read_text(encoding="utf-8"))
    judged = [one for simulation in accepted["simulations"] for one in simulation["figures"] if one["wanted"]]
    assert len(judged) == 8
    assert [one["name"] for one in judged if not one["holds"]] == []


def test_the_accepted_designs_are_the_scripts(sims: ModuleType) -> None:
    accepted = json.loads(ACCEPTED.read_text(encoding="utf-8"))
    assert [one["design"] for one in accepted["simulations"]] == [sims.design(one) for one in sims.SIMULATIONS]
