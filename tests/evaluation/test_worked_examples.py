"""Every published or computed example at hand, through the public functions, within its own tolerance."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from belonging_llm import evaluation as ev

PLACE = Path(__file__).parents[3] / "shared" / "stats" / "worked_examples.json"
EXAMPLES = json.loads(PLACE.read_text(encoding="utf-8"))["examples"] if PLACE.is_file() else []
SIMULATED = {"coverage_property", "type1_property", "optimism_property"}  # evals/coverage.py
OPTIONAL = {"gamma_unitizing"}

pytestmark = pytest.mark.skipif(not EXAMPLES, reason=f"{PLACE} is not here")

Found = dict[str, Any]


def _value(found: ev.Estimate) -> float | None:
    return found.value


def cohen_kappa(given: Found) -> Found:
    found = ev.nominal_panel(given["table"])
    assert found.kappa.value is not None
    assert found.kappa.se is not None
    reach = 1.959964 * found.kappa.se
    return {
        "percent_agreement": found.percent_agreement.value,
        "kappa": found.kappa.value,
        "ase": found.kappa.se,
        "ci95_analytic": [found.kappa.value - reach, found.kappa.value + reach],
    }


def binary_panel(given: Found) -> Found:
    found = ev.panel([given[k] for k in "abcd"])
    names = {"p_pos": "positive_agreement", "p_neg": "negative_agreement"}
    keys = ("percent_agreement", "kappa", "ac1", "pabak", "prevalence_index", "bias_index", "scott_pi", *names)
    return {key: getattr(found, names.get(key, key)).value for key in keys}


def fleiss_kappa(given: Found) -> Found:
    coders = [[k for k, n in enumerate(row) for _ in range(n)] for row in given["counts"]]
    return {
        "fleiss_kappa": ev.fleiss_kappa(given["counts"]).value,
        "krippendorff_alpha_nominal": ev.krippendorff_alpha(list(zip(*coders, strict=True))).alpha.value,
        "randolph_free_marginal": ev.randolph_kappa(given["counts"]).value,
    }


def krippendorff_alpha(given: Found) -> Found:
    rows = given["ratings_coders_x_units"]
    found = ev.krippendorff_alpha(rows, given["level"])
    missing = any(value is None for row in rows for value in row)
    numeric = ("ordinal", "interval", "ratio") if missing else ()
    others = {f"alpha_{level}": ev.krippendorff_alpha(rows, level).alpha.value for level in numeric}
    why = {"vary": "undefined_no_variation", "pairs": "undefined_no_pairable_values"}
    reason = found.alpha.reason
    status = why["pairs" if "no pairs" in reason else "vary"] if reason else ""
    return {
        "alpha": found.alpha.value,
        "status": status,
        "pairable_values": found.pairable,
        "unit_12_ignored": found.units_left_out == 1,
    } | others


def two_coder_panel(given: Found) -> Found:
    if "table" in given:
        table = given["table"]
    else:
        names = given["categories"]
        table = [[given["crosstab"].get(f"{a}|{b}", 0) for b in names] for a in names]
    found = ev.nominal_panel(table)
    keys = ("percent_agreement", "kappa", "ac1", "scott_pi", "brennan_prediger", "alpha")
    errors = {key: getattr(found, key).se for key in ("kappa", "ac1", "brennan_prediger")}
    return {key: getattr(found, key).value for key in keys} | {
        "S_bennett": found.brennan_prediger.value,
        "se": errors,
    }


def gwet_ac1(given: Found) -> Found:
    names = given["categories"]
    rows = [[-1 if v is None else names.index(v) for v in row] for row in given["ratings_coders_x_units"]]
    found = ev.several_coders(rows, len(names))
    return {
        "ac1": found.ac1.value,
        "se": found.ac1.se,
        "pa": found.percent_agreement.value,
        "pe": found.ac1_chance.value,
        "fleiss_generalised": found.fleiss_generalised.value,
        "conger": found.conger.value,
        "brennan_prediger": found.brennan_prediger.value,
    }


def masi_distance(given: Found) -> Found:
    return {
        "masi_distance": [ev.masi_distance(a, b) for a, b in given["pairs"]],
        "jaccard_distance": [ev.jaccard_distance(a, b) for a, b in given["pairs"]],
    }


def alpha_set_valued(given: Found) -> Found:
    def alpha(units: list[Any]) -> ev.SetAlpha:
        assigned = [(u, coder, c) for u, *sets in units for coder, s in zip("ab", sets, strict=True) for c in s]
        everything = [u for u, *_ in units]
        return ev.set_alpha(ev.ratings({"a": everything, "b": everything}, assigned))

    some, every = alpha(given["units"][:4]), alpha(given["units"])
    return {
        "alpha_masi_units1_4": some.masi.value,
        "alpha_jaccard_units1_4": some.jaccard.value,
        "alpha_masi_all": every.masi.value,
        "alpha_jaccard_all": every.jaccard.value,
    }


def benjamini_yekutieli(given: Found) -> Found:
    return {"rejected_indices": np.flatnonzero(ev.benjamini_yekutieli(given["p_values"], given["q"])).tolist()}


def alternative_annotator_test(given: Found) -> Found:
    labels = {name: [-1 if x == "." else int(x) for x in text] for name, text in given["labels"].items()}
    humans = [labels[name] for name in sorted(labels) if name != "llm"]
    found = ev.alternative_annotator_test(
        humans,
        labels["llm"],
        epsilon=given["epsilon"],
        q=given["q_fdr"],
        at_least=given["min_humans_per_instance"],
    )
    assert found.model is not None
    return {
        "winning_rate": found.model.at.winning_rate,
        "advantage_probability": found.model.advantage.value,
        "p_values": [one.p_value for one in found.model.left_out],
        "rho_j": [one.rho for one in found.model.left_out],
        "passes": found.model.at.passes,
        "report_must_flag": found.refused.split(":")[0] or None,
    }


def prediction_powered_mean(given: Found) -> Found:
    y, f, rest = ([int(x) for x in given[k]] for k in ("human", "model_on_audited", "model_on_rest"))
    found = {
        key: ev.ppi_mean(y, f, rest, tuning=tuning, level=1 - given["alpha"])
        for key, tuning in (("ppi_tuned", None), ("ppi_lambda1", 1.0), ("ppi_lambda0", 0.0))
    }

    def triple(one: ev.Corrected) -> list[float | None]:
        assert one.estimate.interval is not None
        return [one.estimate.value, one.estimate.interval.low, one.estimate.interval.high]

    tuned = found["ppi_tuned"]
    return {key: triple(one) for key, one in found.items()} | {
        "naive_model_prevalence_rest": tuned.naive.value,
        "classical_mean": tuned.human_only.value,
        "lambda": tuned.tuning,
    }


def design_based_prevalence(given: Found) -> Found:
    from belonging_llm.evaluation.prevalence import pseudo_outcomes

    human = np.array([np.nan if y is None else y for y in given["human"]])
    model, chance = np.array(given["model"], float), np.array(given["inclusion_prob"])
    found = ev.design_based(model, human, chance)
    return {
        "naive_model": found.naive.value,
        "pseudo_outcomes": pseudo_outcomes(model, human, chance).tolist(),
        "estimate": found.estimate.value,
        "se_iid": found.estimate.se,
    }


def code_saturation(given: Found) -> Found:
    found = ev.saturation(
        given["interviews"], base=given["base_size"], run=given["run_length"], threshold=given["threshold"]
    )
    return {
        "base_unique_codes": found.base_codes,
        "new_per_interview_after_base": list(found.new_after_base),
        "runs": [{"interviews": list(r.interviews), "new": r.new, "ratio": r.ratio} for r in found.runs],
        "saturation": found.reached,
        "rounded_percent": [round(100 * r.ratio) for r in found.runs],
    }


def cluster_vs_gold(given: Found) -> Found:
    found = ev.compare(given["pred"], given["gold"])
    purity, inverse = found.purity.value, found.inverse_purity.value
    assert purity is not None
    assert inverse is not None
    return {
        "purity": purity,
        "inverse_purity": inverse,
        "P1_harmonic_purity_amigo": found.p1.value,
        "harmonic_mean_purity_inverse": 2 * purity * inverse / (purity + inverse),
        "rand": found.rand.value,
        "ari": found.ari.value,
        "nmi_arithmetic": found.nmi.value,
        "homogeneity_completeness_v": [found.homogeneity.value, found.completeness.value, found.nmi.value],
    }


def calibration(given: Found) -> Found:
    p, right = given["confidence"], given["correct"]
    found, kept = ev.calibration(p, right, given["ece_bins"]), ev.risk_coverage(p, right)
    return {
        "brier": found.brier.value,
        "ece_equal_width": found.ece.value,
        "selective_risk_by_coverage": kept.risk.tolist(),
        "aurc": kept.area.value,
        "max_coverage_at_risk_0.2": kept.coverage_at(0.2),
    }


def kappa_precision_n(given: Found) -> Found:
    return {"n_segments_iid": [ev.segments_for_kappa(k, p, w) for k, p, w in given["cases"]]}


BY_STATISTIC: dict[str, Callable[[Found], Found]] = {
    f.__name__: f
    for f in (
        cohen_kappa, binary_panel, fleiss_kappa, krippendorff_alpha, two_coder_panel, gwet_ac1, masi_distance,
        alpha_set_valued, benjamini_yekutieli, alternative_annotator_test, prediction_powered_mean,
        design_based_prevalence, code_saturation, cluster_vs_gold, calibration, kappa_precision_n,
    )
}  # fmt: skip


@pytest.mark.parametrize("example", EXAMPLES, ids=[e["id"] for e in EXAMPLES])
def test_example(example: Found) -> None:
    statistic = example["statistic"]
    if statistic in SIMULATED | OPTIONAL:
        pytest.skip("simulated in evals/coverage.py" if statistic in SIMULATED else "needs an optional package")
    found = BY_STATISTIC[statistic](example["inputs"])
    for key, wanted in example["expected"].items():
        _close(found[key], wanted, example["tolerance"], f"{example['id']}: {key}")


def _close(found: Any, wanted: Any, tolerance: float, where: str) -> None:
    if isinstance(wanted, dict):
        for key, value in wanted.items():
            _close(found[key], value, tolerance, f"{where}.{key}")
    elif isinstance(wanted, list):
        assert len(found) == len(wanted), where
        for place, pair in enumerate(zip(found, wanted, strict=True)):
            _close(*pair, tolerance, f"{where}[{place}]")
    elif isinstance(wanted, int | float) and not isinstance(wanted, bool):
        assert found == pytest.approx(wanted, abs=tolerance), where
    else:
        assert found == wanted, where


def test_every_example_is_tried() -> None:
    known = set(chain(BY_STATISTIC, SIMULATED, OPTIONAL))
    assert {e["statistic"] for e in EXAMPLES} <= known
