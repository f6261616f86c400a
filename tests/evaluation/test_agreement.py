"""Everyone with everyone, in one pass: the parts are the scalar figures, and the JSON keeps its contract."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from belonging_llm import evaluation as ev
from belonging_llm.evaluation.agreement import NO_INTERVAL, NOT_INDEPENDENT
from belonging_llm.evaluation.intervals import cluster_weights

FEW = ev.Resampling(draws=40)
PAIR_KEYS = {
    "n", "percent_agreement", "kappa", "kappa_se", "kappa_ci", "ac1", "pabak", "prevalence_index", "bias_index",
    "positive_agreement", "negative_agreement",
}  # fmt: skip
# Nobody asked for these: that they are null says nothing of a statistic.
NOT_ASKED = {("cluster",), ("n_clusters",), ("single",)}


@st.composite
def studies(draw: st.DrawFn, single: bool = False) -> ev.Ratings:
    """One to three coders; gaps, rare codes, coders who never assign, clusters or none."""
    coders, units, codes = draw(st.integers(1, 3)), draw(st.integers(1, 10)), draw(st.integers(1, 3))
    names = [f"u{i}" for i in range(units)]
    some = st.sets(st.sampled_from(names))
    judged = {f"c{c}": draw(some) for c in range(coders)}
    if single:
        code = st.sampled_from([None, *range(codes)])
        assigned = [
            (u, c, f"k{k}") for c, seen in judged.items() for u in sorted(seen) if (k := draw(code)) is not None
        ]
    else:
        assigned = [
            (u, c, f"k{k}")
            for c, seen in judged.items()
            for u in sorted(seen)
            for k in draw(st.sets(st.integers(0, codes - 1)))
        ]
    member = {name: f"p{draw(st.integers(0, 3))}" for name in names}
    clustered = draw(st.booleans())
    return ev.ratings(
        judged,
        assigned,
        codes=[f"k{k}" for k in range(codes)],
        clusters=member if clustered else None,
        clustered_by="participant_id" if clustered else None,
    )


def nulls(found: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if found is None:
        yield path
    elif isinstance(found, dict):
        for key, value in found.items():
            yield from nulls(value, (*path, key))
    elif isinstance(found, list):
        for place, value in enumerate(found):
            yield from nulls(value, (*path, str(place)))


def assert_contract(found: dict[str, Any]) -> None:
    json.dumps(found, allow_nan=False)
    assert {"n_units", "coders", "unit", "cluster", "codes", "single", "set_alpha", "undefined"} <= set(found)
    for code in found["codes"].values():
        assert {"n_judged", "n_positive", "pairs", "alpha", "alpha_ci", "fleiss_kappa"} <= set(code)
        assert set(code["n_positive"]) == set(found["coders"])
        assert all(set(pair) >= PAIR_KEYS for pair in code["pairs"].values())
    if found["single"] is not None:
        assert {"pairs", "alpha", "alpha_ci", "fleiss_kappa"} <= set(found["single"])
        for pair in found["single"]["pairs"].values():
            assert {"n", "percent_agreement", "kappa", "kappa_se", "kappa_ci", "ac1"} <= set(pair)
    assert set(found["set_alpha"]) == {"masi", "jaccard"}
    assert all(set(line) == {"where", "reason"} and line["reason"] for line in found["undefined"])
    places = [line["where"] for line in found["undefined"]]
    assert len(places) == len(set(places))
    for path in set(nulls(found)) - NOT_ASKED:
        kept = [part for part in path if part not in ("codes", "pairs", "scores")]
        assert " ".join(kept) in places, path


@settings(max_examples=50, deadline=None)
@given(studies())
def test_the_json_keeps_its_contract(given_: ev.Ratings) -> None:
    assert_contract(ev.agree(given_, resampling=FEW).as_json())
    if given_.coders:
        assert_contract(ev.agree(given_, against=given_.coders[0], resampling=FEW).as_json())


@settings(max_examples=30, deadline=None)
@given(studies(single=True))
def test_the_json_of_categories_keeps_its_contract(given_: ev.Ratings) -> None:
    assert_contract(ev.agree(given_, single=True, resampling=FEW).as_json())


@settings(max_examples=30, deadline=None)
@given(studies())
def test_every_figure_is_the_scalar_one(given_: ev.Ratings) -> None:
    found = ev.agree(given_, resampling=FEW)
    for k, code in enumerate(given_.codes):
        marks = given_.marks[:, :, k]
        for a, b in given_.pairs:
            x, y = marks[a], marks[b]
            cells = [((x == i) & (y == j)).sum() for i, j in ((1, 1), (1, 0), (0, 1), (0, 0))]
            mine = found.codes[code].pairs[f"{given_.coders[a]}|{given_.coders[b]}"]
            assert replace(mine, kappa=replace(mine.kappa, interval=None)) == ev.panel(cells)
        values = [[None if v < 0 else int(v) for v in row] for row in marks]
        wanted = ev.krippendorff_alpha(values).alpha if values else ev.undefined("nobody")
        assert found.codes[code].alpha.value == pytest.approx(wanted.value)
        assert found.codes[code].n_judged == (marks >= 0).any(0).sum()
    assert found.set_alpha == ev.set_alpha(given_)


@settings(max_examples=30, deadline=None)
@given(studies(single=True))
def test_categories_are_compared_as_by_the_front_doors(given_: ev.Ratings) -> None:
    found = ev.agree(given_, single=True, resampling=FEW).single
    assert found is not None
    none = len(given_.codes)
    judged = (given_.marks >= 0).all(2)
    chosen = np.where(judged, np.where((given_.marks == 1).any(2), given_.marks.argmax(2), none), -1)
    assert ("none" in found.categories) == (chosen == none).any()
    if len(given_.coders):
        wanted = ev.krippendorff_alpha([[None if v < 0 else int(v) for v in row] for row in chosen]).alpha
        assert found.alpha.value == pytest.approx(wanted.value)
        assert found.alpha.reason == wanted.reason
    q = len(found.categories)
    for a, b in given_.pairs:
        table = np.zeros((q, q))
        both = (chosen[a] >= 0) & (chosen[b] >= 0)
        np.add.at(table, (chosen[a][both], chosen[b][both]), 1)
        mine, theirs = found.pairs[f"{given_.coders[a]}|{given_.coders[b]}"], ev.nominal_panel(table)
        assert np.array_equal(mine.table, table)
        assert (mine.kappa.value, mine.kappa.se, mine.ac1) == (theirs.kappa.value, theirs.kappa.se, theirs.ac1)


def study() -> ev.Ratings:
    """Twelve people, four segments each, two codes (the second one rare), three coders of whom one saw half."""
    draw = np.random.default_rng(8)
    units = {f"s{i:02}": f"p{i % 12:02}" for i in range(48)}
    truth = {u: (draw.random() < 0.45, draw.random() < 0.06) for u in units}
    judged = {"ann": list(units), "bob": list(units), "cyd": [u for u in units if int(u[1:]) % 2]}
    assigned = [
        (u, c, code)
        for c, seen in judged.items()
        for u in seen
        for code, there in zip(("often", "rare"), truth[u], strict=True)
        if there ^ (draw.random() < (0.15 if code == "often" else 0.01))
    ]
    return ev.ratings(judged, assigned, clusters=units, clustered_by="participant_id")


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_a_whole_study(method: str) -> None:
    found = ev.agree(study(), resampling=ev.Resampling(draws=200, method=method))
    said = found.as_json()
    assert_contract(said)
    assert (said["n_units"], said["coders"], said["unit"]) == (48, ["ann", "bob", "cyd"], "segment")
    assert (said["cluster"], said["n_clusters"]) == ("participant_id", 12)
    assert said["warnings"] == []
    often = said["codes"]["often"]
    assert set(often["pairs"]) == {"ann|bob", "ann|cyd", "bob|cyd"}
    assert [often["pairs"][pair]["n"] for pair in often["pairs"]] == [48, 24, 24]
    low, high = often["pairs"]["ann|bob"]["kappa_ci"]
    assert low < often["pairs"]["ann|bob"]["kappa"] < high
    assert often["alpha_ci"][0] < often["alpha"] < often["alpha_ci"][1]
    # One coder saw half of the units.
    assert often["fleiss_kappa"] is None
    assert said["intervals"]["method"] == method


def test_intervals_are_those_of_whole_participants_redrawn() -> None:
    given_ = study()
    how = ev.Resampling(draws=60, seed=4)
    found = ev.agree(given_, resampling=how)
    kappas, alphas = [], []
    for weights in cluster_weights(given_.n_clusters, how):
        rows = np.array([i for i, g in enumerate(given_.clusters) for _ in range(int(weights[g]))])
        x, y = given_.marks[0, rows, 0], given_.marks[1, rows, 0]
        kappas.append(ev.panel([((x == i) & (y == j)).sum() for i, j in ((1, 1), (1, 0), (0, 1), (0, 0))]).kappa.value)
        values = [[None if v < 0 else int(v) for v in row] for row in given_.marks[:, rows, 0]]
        alphas.append(ev.krippendorff_alpha(values).alpha.value)
    often = found.codes["often"]
    kappa, alpha = often.pairs["ann|bob"].kappa.interval, often.alpha.interval
    assert kappa is not None
    assert alpha is not None
    assert [kappa.low, kappa.high] == pytest.approx(np.quantile(np.array(kappas, float), [0.025, 0.975]))
    assert [alpha.low, alpha.high] == pytest.approx(np.quantile(np.array(alphas, float), [0.025, 0.975]))
    assert found.kappas.draws[:, 0, 0] == pytest.approx(np.array(kappas, float))


def test_the_order_and_names_of_coders_do_not_matter() -> None:
    given_ = study()
    one, two = ev.agree(given_, resampling=FEW), ev.agree(given_.by(["cyd", "bob", "ann"]), resampling=FEW)
    for code in given_.codes:
        assert one.codes[code].alpha == two.codes[code].alpha
        a, b = one.codes[code].pairs["ann|bob"], two.codes[code].pairs["bob|ann"]
        assert a.kappa == b.kappa
        assert a.bias_index.value == -(b.bias_index.value or 0)


def test_a_reference_gives_precision_and_recall() -> None:
    found = ev.agree(study(), against="bob", resampling=FEW)
    assert set(found.codes["often"].pairs) == {"bob|ann", "bob|cyd"}
    scores, panel = found.codes["often"].scores["bob|ann"], found.codes["often"].pairs["bob|ann"]
    assert scores.f1.value == pytest.approx(panel.positive_agreement.value)
    assert scores.true_positive + scores.false_negative == found.codes["often"].n_positive["bob"]
    assert set(found.as_json()["codes"]["rare"]["scores"]) == {"bob|ann", "bob|cyd"}
    with pytest.raises(ValueError, match="coder dee judged nothing; the coders are ann, bob, cyd"):
        ev.agree(study(), against="dee")


def test_a_coder_without_variation_is_flagged() -> None:
    judged = {"x": list("pqrs"), "y": list("pqrs")}
    found = ev.agree(ev.ratings(judged, [("p", "x", "k"), ("q", "x", "k")]), resampling=FEW).as_json()
    assert found["codes"]["k"]["pairs"]["x|y"]["kappa"] == 0
    assert [line["where"] for line in found["flags"]] == ["k x|y kappa"]


def test_one_participant_has_figures_and_no_interval() -> None:
    given_ = ev.ratings(
        {"x": list("pqr"), "y": list("pqr")},
        [("p", "x", "k"), ("p", "y", "k"), ("q", "y", "k")],
        clusters=dict.fromkeys("pqr", "anna"),
        clustered_by="participant_id",
    )
    found = ev.agree(given_, resampling=FEW).as_json()
    assert_contract(found)
    assert found["codes"]["k"]["pairs"]["x|y"]["kappa"] is not None
    assert {"where": "k x|y kappa_ci", "reason": NO_INTERVAL} in found["undefined"]
    assert found["warnings"] == ["one participant_id only: no interval can be made"]


def test_characters_have_no_standard_error_and_the_reason_is_told() -> None:
    spans = [ev.CodedSpan("d", "x", "k", 0, 30), ev.CodedSpan("d", "y", "k", 10, 40), ev.CodedSpan("e", "x", "k", 5, 9)]
    given_ = ev.by_character(spans, judged={"y": ["e"]}, lengths={"d": 100, "e": 20})
    for single in (False, True):
        found = ev.agree(given_, unit="character", single=single, resampling=FEW).as_json()
        assert_contract(found)
        assert {"where": "k x|y kappa_se", "reason": NOT_INDEPENDENT} in found["undefined"]
    # Yes or none are two categories: the same characters, the same figures.
    assert found["single"]["pairs"]["x|y"]["kappa"] == pytest.approx(found["codes"]["k"]["pairs"]["x|y"]["kappa"])
    assert found["single"]["alpha"] == pytest.approx(found["codes"]["k"]["alpha"])
    assert found["single"]["fleiss_kappa"] == pytest.approx(found["codes"]["k"]["fleiss_kappa"])
    assert found["single"]["ac1"] == pytest.approx(found["codes"]["k"]["pairs"]["x|y"]["ac1"])


def test_several_codes_are_no_category() -> None:
    given_ = ev.ratings({"x": ["u"]}, [("u", "x", "a"), ("u", "x", "b")])
    with pytest.raises(ValueError, match="segment u: coder x gave it several codes"):
        ev.agree(given_, single=True)


def test_the_name_of_a_metric_may_be_a_code() -> None:
    given_ = ev.ratings({"x": ["u", "v"], "y": ["u", "v"]}, [("u", "x", "kappa"), ("u", "y", "kappa")])
    assert_contract(ev.agree(given_, resampling=FEW).as_json())


@pytest.mark.parametrize(
    "judged", [{}, {"x": []}, {"x": [], "y": []}, {"x": ["u"]}, {"x": ["u"], "y": ["v"]}, {"x": ["u"], "y": ["u"]}]
)
@pytest.mark.parametrize("codes", [(), ("k",)])
@pytest.mark.parametrize("single", [False, True])
def test_next_to_nothing_is_undefined_and_no_error(
    judged: dict[str, list[str]], codes: tuple[str, ...], single: bool
) -> None:
    found = ev.agree(ev.ratings(judged, [], codes=codes), single=single, resampling=FEW).as_json()
    assert_contract(found)
    assert found["set_alpha"] == {"masi": None, "jaccard": None}
