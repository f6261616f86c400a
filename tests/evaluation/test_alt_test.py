"""May the model stand in for a human? Not if a constant could; and never by counting segments as participants."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from belonging_llm import evaluation as ev
from belonging_llm.evaluation.alt_test import EPSILONS, NO_COMPANY, advantage, no_test

Rows = list[list[int]]


@st.composite
def codings(draw: st.DrawFn, most: int = 45) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Humans × units with gaps, a model with gaps, and each unit's participant."""
    humans, units, seed = draw(st.integers(2, 4)), draw(st.integers(2, most)), draw(st.integers(0, 999))
    rng = np.random.default_rng(seed)
    truth = rng.random(units) < draw(st.sampled_from([0.05, 0.5]))

    def coder(right: float) -> np.ndarray:
        said = np.where(rng.random(units) < right, truth, ~truth).astype(int)
        return np.where(rng.random(units) < draw(st.sampled_from([0, 0.2])), -1, said)

    rows = np.stack([coder(draw(st.sampled_from([0.7, 0.95]))) for _ in range(humans)])
    return rows, coder(draw(st.sampled_from([0.5, 0.8, 1]))), rng.integers(0, max(units // 5, 2), units)


def looped(humans: np.ndarray, model: np.ndarray, left_out: int) -> tuple[list[int], list[int], list[int]]:
    """The paper's definitions, unit by unit: rows, advantages of the human over the model, and rho's indicator."""
    rows, differences, holds = [], [], []
    for unit in range(humans.shape[1]):
        judged = [j for j in range(len(humans)) if humans[j, unit] >= 0]
        others = [j for j in judged if j != left_out]
        if len(judged) < 2 or left_out not in judged or model[unit] < 0:
            continue
        human = np.mean([humans[j, unit] == humans[left_out, unit] for j in others])
        machine = np.mean([humans[j, unit] == model[unit] for j in others])
        rows.append(unit)
        differences.append(int(human >= machine) - int(machine >= human))
        holds.append(int(machine >= human))
    return rows, differences, holds


@settings(max_examples=25, deadline=None)
@given(codings(), st.sampled_from([0.1, 0.15, 0.2]))
def test_the_test_is_the_papers(given_: tuple[np.ndarray, np.ndarray, np.ndarray], epsilon: float) -> None:
    humans, model, people = given_
    found = ev.alternative_annotator_test(humans, model, clusters=people, epsilon=epsilon)
    by_coder = {f"human {j + 1}": looped(humans, model, j) for j in range(len(humans))}
    there = {name: part for name, part in by_coder.items() if part[0]}
    if not there:
        assert (found.model, found.refused, found.passes) == (None, NO_COMPANY, False)
        return
    assert found.model is not None
    assert [one.coder for one in found.model.left_out] == list(there)
    for one, (rows, differences, holds) in zip(found.model.left_out, there.values(), strict=True):
        assert one.n == len(rows)
        assert one.clusters == len(set(people[rows].tolist()))
        assert one.rho == pytest.approx(np.mean(holds))
        assert one.difference == pytest.approx(np.mean(differences))
        assert one.method == ("wilcoxon" if len(rows) < 30 else "t")
        gap = np.array(differences) - epsilon
        if len(rows) >= 30 and len(set(differences)) > 1:
            assert one.p_value == pytest.approx(stats.ttest_1samp(gap, 0, alternative="less").pvalue)
        if one.clusters < 5:
            assert one.p_clustered is None
        elif len(set(differences)) > 1:
            fit = sm.OLS(gap, np.ones(len(gap))).fit(cov_type="cluster", cov_kwds={"groups": people[rows]}, use_t=True)
            if fit.bse[0] > 1e-9:
                assert one.p_clustered == pytest.approx(stats.t.cdf(fit.tvalues[0], one.clusters - 1), abs=1e-9)
    assert advantage(found).value == pytest.approx(np.mean([np.mean(part[2]) for part in there.values()]))
    naive = multipletests([one.p_value for one in found.model.left_out], 0.05, "fdr_by")[0]
    assert found.model.at.winning_rate == pytest.approx(naive.mean())
    assert found.model.at.epsilon == found.epsilon == epsilon


@settings(max_examples=25, deadline=None)
@given(codings())
def test_a_wider_margin_never_wins_less(given_: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    humans, model, people = given_
    found = ev.alternative_annotator_test(humans, model, clusters=people)
    for candidate in [found.model, *found.baselines]:
        if candidate is None:
            continue
        assert [one.epsilon for one in candidate.curve] == list(EPSILONS)
        for rates in (
            [one.winning_rate for one in candidate.curve],
            [one.winning_rate_clustered for one in candidate.curve if one.winning_rate_clustered is not None],
        ):
            assert rates == sorted(rates)
        # ε = .2 is on the curve.
        assert next(one for one in candidate.curve if one.epsilon == 0.2) == candidate.at


@settings(max_examples=20, deadline=None)
@given(codings(), st.integers(0, 9))
def test_the_order_of_units_and_humans_does_not_matter(
    given_: tuple[np.ndarray, np.ndarray, np.ndarray], seed: int
) -> None:
    humans, model, people = given_
    rng = np.random.default_rng(seed)
    units, rows = rng.permutation(humans.shape[1]), rng.permutation(len(humans))
    one = ev.alternative_annotator_test(humans, model, clusters=people)
    two = ev.alternative_annotator_test(humans[rows][:, units], model[units], clusters=people[units])
    assert (one.trivial, one.refused) == (two.trivial, two.refused)
    assert advantage(one).value == pytest.approx(advantage(two).value)
    if one.model and two.model:
        mine = sorted(left.p_value for left in one.model.left_out)
        assert mine == pytest.approx(sorted(left.p_value for left in two.model.left_out))


def panel_of_three(prevalence: float, right: float, n: int = 240) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Three humans who are right with a probability, the truth, and twenty-four participants."""
    rng = np.random.default_rng(11)
    truth = (rng.random(n) < prevalence).astype(int)
    humans = np.stack([np.where(rng.random(n) < right, truth, 1 - truth) for _ in range(3)])
    return humans, truth, np.arange(n) % 24


def test_a_model_that_never_assigns_a_rare_code_gets_no_verdict() -> None:
    humans, truth, people = panel_of_three(0.04, 0.97)
    found = ev.alternative_annotator_test(humans, np.zeros_like(truth), clusters=people)
    assert found.model is not None
    # It passes the test, naive and clustered, without having read a word.
    assert found.model.at.passes
    assert found.model.at.passes_clustered
    assert "never assigns" in found.trivial
    assert found.refused.startswith("trivial_baseline_also_passes: never assigns")
    assert not found.passes
    # So a model that is always right on such a code gets none either.
    assert not ev.alternative_annotator_test(humans, truth, clusters=people).passes


def test_a_good_model_passes_where_no_constant_does() -> None:
    humans, truth, people = panel_of_three(0.5, 0.85)
    found = ev.alternative_annotator_test(humans, truth, clusters=people, coders=["ann", "bob", "cyd"])
    assert (found.trivial, found.refused, found.passes) == ((), "", True)
    assert found.model is not None
    assert [one.coder for one in found.model.left_out] == ["ann", "bob", "cyd"]
    assert [one.name for one in found.baselines] == ["never assigns", "always assigns", "majority"]
    assert not any(one.at.passes for one in found.baselines)
    guessing = np.random.default_rng(0).integers(0, 2, len(truth))
    assert not ev.alternative_annotator_test(humans, guessing, clusters=people).passes


def test_without_participants_there_is_no_verdict() -> None:
    humans, truth, _ = panel_of_three(0.5, 0.85)
    found = ev.alternative_annotator_test(humans, truth)
    assert found.model is not None
    assert found.model.at.passes
    assert found.model.at.winning_rate_clustered is None
    assert not found.passes


def test_errors_that_cluster_in_participants_make_the_test_less_sure() -> None:
    rng = np.random.default_rng(2)
    humans, truth, people = panel_of_three(0.5, 0.9)
    bad = rng.choice(24, 6, replace=False)
    # A quarter of the participants speak in a way that the model mostly misreads.
    wrong = np.isin(people, bad) & (rng.random(len(truth)) < 0.7)
    found = ev.alternative_annotator_test(humans, np.where(wrong, 1 - truth, truth), clusters=people)
    scattered = ev.alternative_annotator_test(
        humans, np.where(rng.permutation(wrong), 1 - truth, truth), clusters=people
    )
    assert found.model is not None
    assert scattered.model is not None
    for one, spread in zip(found.model.left_out, scattered.model.left_out, strict=True):
        assert one.p_clustered is not None
        assert spread.p_clustered is not None
        assert one.p_clustered > 3 * one.p_value
        # As many errors, but over all participants: those are then less of a threat.
        assert spread.p_clustered < one.p_clustered


def test_fewer_than_thirty_units_are_ranked() -> None:
    humans, truth, people = panel_of_three(0.5, 0.85, n=29)
    found = ev.alternative_annotator_test(humans, truth, clusters=people)
    assert found.model is not None
    for j, one in enumerate(found.model.left_out):
        assert (one.n, one.method) == (29, "wilcoxon")
        gap = np.array(looped(humans, truth, j)[1]) - 0.2
        # Theirs is the normal approximation where values tie.
        assert one.p_value == pytest.approx(stats.wilcoxon(gap, alternative="less").pvalue, abs=0.01)
    more = ev.alternative_annotator_test(*panel_of_three(0.5, 0.85, n=30)[:2])
    assert more.model is not None
    assert {one.method for one in more.model.left_out} == {"t"}


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from([-1, 0, 1]), min_size=1, max_size=9), st.sampled_from([0, 0.15, 0.2]))
def test_ranks_of_few_units_are_tested_exactly(advantages: list[int], epsilon: float) -> None:
    # The human left out, whom the only other one sides with (1), not (−1), or neither more than the model (0).
    given_ = np.array(advantages)
    human, model = (given_ >= 0).astype(int), (given_ <= 0).astype(int)
    found = ev.alternative_annotator_test([human, np.ones_like(human)], model, epsilon=epsilon)
    assert found.model is not None
    gap = given_ - epsilon
    ranks = stats.rankdata(np.abs(gap[gap != 0]))
    seen = ranks[gap[gap != 0] > 0].sum()
    every = [ranks @ signs for signs in itertools.product([0, 1], repeat=len(ranks))]
    assert found.model.left_out[0].p_value == pytest.approx(np.mean(np.array(every) <= seen + 1e-9))
    if len(advantages) <= 6 and gap.any():
        assert found.model.left_out[0].p_value == pytest.approx(stats.wilcoxon(gap, alternative="less").pvalue)


def test_one_human_is_refused() -> None:
    found = ev.alternative_annotator_test([[0, 1, 1]], [0, 1, 1])
    assert (found.model, found.refused, found.passes) == (None, NO_COMPANY, False)
    assert advantage(found).reason == NO_COMPANY
    # Nor are two who never judged the same unit.
    assert ev.alternative_annotator_test([[0, -1], [-1, 1]], [0, 1]).refused == NO_COMPANY
    assert no_test("withheld", 0.1).refused == "withheld"


def test_by_hand() -> None:
    # Human 1 left out (others 2 and 3); the model says 1 0 1 1.
    # Units: (1,1,1): human 1, model 1 → 0 and holds. (0,0,1): ½ and ½ → 0, holds. (1,0,0): 0 and 0 → 0, holds.
    # (0,0,0): human 1, model 0 → +1, does not hold. Mean ¼; rho ¾.
    humans = [[1, 0, 1, 0], [1, 0, 0, 0], [1, 1, 0, 0]]
    found = ev.alternative_annotator_test(humans, [1, 0, 1, 1])
    assert found.model is not None
    assert found.model.left_out[0].difference == 0.25
    assert found.model.left_out[0].rho == 0.75


def test_more_company_can_be_asked_for() -> None:
    humans = [[1, 0, 1], [1, 0, 1], [1, -1, 1]]
    found = ev.alternative_annotator_test(humans, [1, 0, -1], at_least=3)
    assert found.model is not None
    # The second unit has two humans, the third no judgement of the model.
    assert [one.n for one in found.model.left_out] == [1, 1, 1]


def test_categories_have_no_constant_but_the_majority() -> None:
    humans, truth, people = panel_of_three(0.5, 0.85)
    found = ev.alternative_annotator_test(humans + 2 * (truth == 0), truth + 2 * (truth == 0), clusters=people)
    assert [one.name for one in found.baselines] == ["majority"]


def test_a_model_that_is_always_as_good_is_certain_to_be_within_the_margin() -> None:
    alike = np.tile([0, 1], 20)
    found = ev.alternative_annotator_test([alike, alike], alike, clusters=np.arange(40) % 8)
    assert found.model is not None
    assert [one.p_value for one in found.model.left_out] == [0, 0]
    # Without a margin, as good is not better.
    assert found.model.curve[0].winning_rate == 0
