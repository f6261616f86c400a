"""Corrected prevalences: right on average whatever the model does, and honest about participants."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from belonging_llm import evaluation as ev
from belonging_llm.evaluation.prevalence import (
    CUT,
    NO_PROBABILITIES,
    NOTHING_AUDITED,
    ONE_CLUSTER,
    OUTSIDE,
    pseudo_outcomes,
)

People, PerPerson = 30, 10
REPEATS = 200


def population(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth, a model that misses a third and invents some, and participants who differ."""
    people = np.repeat(np.arange(People), PerPerson)
    truth = (rng.random(len(people)) < rng.beta(2, 5, People)[people]).astype(float)
    model = np.where(rng.random(len(people)) < np.where(truth == 1, 0.65, 0.12), 1.0, 0.0)
    return truth, model, people


def value(found: ev.Estimate) -> float:
    assert found.value is not None
    return found.value


def covers(found: ev.Estimate, truth: float) -> bool:
    assert found.interval is not None
    return found.interval.low <= truth <= found.interval.high


def test_the_design_based_estimate_is_unbiased_and_the_models_share_is_not() -> None:
    rng = np.random.default_rng(1)
    errors, naive, unweighted, held = [], [], [], []
    for _ in range(REPEATS):
        truth, model, people = population(rng)
        # What the model found is audited more often: unweighted, that would be a biased sample.
        chance = np.where(model == 1, 0.4, 0.15)
        human = np.where(rng.random(len(truth)) < chance, truth, np.nan)
        found = ev.design_based(model, human, chance, clusters=people)
        errors.append(value(found.estimate) - truth.mean())
        naive.append(value(found.naive) - truth.mean())
        unweighted.append(np.nanmean(human) - truth.mean())
        held.append(covers(found.estimate, 2 / 7))
    assert abs(np.mean(errors)) < 4 * np.std(errors) / np.sqrt(REPEATS)
    assert abs(np.mean(errors)) < 0.01
    assert abs(np.mean(unweighted)) > 0.05
    # .65·2/7 + .12·5/7 = .2714 against .2857.
    assert np.mean(naive) == pytest.approx(0.2714 - 0.2857, abs=0.01)
    # Nominal .95 for the people interviewed and others like them; 200 repeats have an error of .015.
    assert np.mean(held) > 0.90


def test_the_prediction_powered_mean_is_unbiased() -> None:
    rng = np.random.default_rng(2)
    errors, held = [], []
    for _ in range(REPEATS):
        truth, model, people = population(rng)
        audited = np.isin(people, rng.choice(People, 15, replace=False))
        found = ev.ppi_mean(
            truth[audited], model[audited], model[~audited], audited_by=people[audited], rest_by=people[~audited]
        )
        errors.append(value(found.estimate) - 2 / 7)
        held.append(covers(found.estimate, 2 / 7))
    assert abs(np.mean(errors)) < 4 * np.std(errors) / np.sqrt(REPEATS)
    assert np.mean(held) > 0.90


def test_the_tuned_estimate_is_no_worse_than_people_alone() -> None:
    rng = np.random.default_rng(3)
    gains = {}
    for quality in ("good", "useless"):
        truth = (rng.random(3000) < 0.3).astype(float)
        model = np.where(rng.random(3000) < 0.9, truth, 1 - truth) if quality == "good" else rng.integers(0, 2, 3000)
        found = ev.ppi_mean(truth[:300], model[:300], model[300:])
        assert found.gain is not None
        gains[quality] = found.gain
    assert gains["good"] > 1.5
    assert gains["useless"] == pytest.approx(1, abs=0.05)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 999), st.booleans())
def test_without_belief_in_the_model_people_answer_alone(seed: int, clustered: bool) -> None:
    rng = np.random.default_rng(seed)
    truth, model, people = population(rng)
    more = {"audited_by": people[:80], "rest_by": people[80:]} if clustered else {}
    found = ev.ppi_mean(truth[:80], model[:80], model[80:], tuning=0, **more)
    assert found.estimate.value == pytest.approx(truth[:80].mean())
    assert found.human_only.value == pytest.approx(truth[:80].mean())
    whole = ev.ppi_mean(truth[:80], model[:80], model[80:], tuning=1, **more)
    assert whole.estimate.value == pytest.approx(model[80:].mean() + (truth[:80] - model[:80]).mean())
    tuned = ev.ppi_mean(truth[:80], model[:80], model[80:], **more)
    assert tuned.tuning is not None
    assert 0 <= tuned.tuning <= 1
    assert tuned.estimate.se is not None
    # What was tuned for: no other λ has a smaller error (the plain formula takes two variances for one, hence the slack).
    for belief in np.linspace(0, 1, 11):
        other = ev.ppi_mean(truth[:80], model[:80], model[80:], tuning=float(belief), **more).estimate.se
        assert other is not None
        assert tuned.estimate.se <= other * (1.000001 if clustered else 1.05)


@pytest.mark.parametrize("clustered", [False, True])
def test_when_everything_was_audited_people_answer_alone(clustered: bool) -> None:
    truth, model = np.array([1, 0, 1, 1, 1, 1.0]), np.array([0, 0, 1, 1, 0, 1.0])
    more = {"audited_by": [0, 0, 1, 1, 2, 2], "rest_by": []} if clustered else {}
    found = ev.ppi_mean(truth, model, [], **more)
    assert (found.estimate.value, found.tuning) == (found.human_only.value, 0)
    assert found.estimate.value == pytest.approx(5 / 6)
    assert found.estimate.se == pytest.approx(found.human_only.se)
    assert found.naive.value == 0.5


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 999))
def test_the_error_between_participants_is_that_of_others(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth, model, people = population(rng)
    chance = np.where(model == 1, 0.6, 0.3)
    human = np.where(rng.random(len(truth)) < chance, truth, np.nan)
    found = ev.design_based(model, human, chance, clusters=people)
    outcomes = pseudo_outcomes(model, human, chance)
    fit = sm.OLS(outcomes, np.ones(len(outcomes))).fit(cov_type="cluster", cov_kwds={"groups": people}, use_t=True)
    assert found.estimate.value == pytest.approx(fit.params[0])
    assert found.estimate.se == pytest.approx(fit.bse[0])
    # Hájek's mean is a weighted regression on the audited units.
    audited = ~np.isnan(human)
    alone = sm.WLS(human[audited], np.ones(audited.sum()), weights=1 / chance[audited]).fit()
    assert found.human_only.value == pytest.approx(alone.params[0])


def test_intervals_have_one_degree_of_freedom_less_than_audited_participants() -> None:
    rng = np.random.default_rng(4)
    truth, model, people = population(rng)
    # Twelve of thirty participants were audited.
    audited = people < 12
    found = [
        ev.design_based(model, np.where(audited, truth, np.nan), np.full(len(truth), 0.4), clusters=people),
        ev.ppi_mean(
            truth[audited], model[audited], model[~audited], audited_by=people[audited], rest_by=people[~audited]
        ),
    ]
    for one in found:
        for shown in (one.estimate, one.human_only):
            assert shown.interval is not None
            assert shown.se is not None
            assert shown.interval.method == "t between participants, 11 df"
            reach = stats.t.ppf(0.975, 11) * shown.se
            assert shown.interval.high - value(shown) == pytest.approx(reach)
    plain = ev.ppi_mean(truth[audited], model[audited], model[~audited]).estimate
    assert plain.interval is not None
    assert plain.interval.method == "normal, units taken as independent"


def test_by_hand() -> None:
    # Model 1 0 1 0; audited the first (found 0, π ½) and the second (found 1, π ¼).
    # f + (y − f)/π: 1 − 2 = −1; 0 + 4 = 4; 1; 0. Mean 1. Hájek: (0·2 + 1·4)/(2 + 4) = 2/3.
    found = ev.design_based([1, 0, 1, 0], [0, 1, np.nan, np.nan], [0.5, 0.25, 0.5, 0.25])
    assert found.estimate.value == pytest.approx(1)
    assert found.naive.value == 0.5
    assert found.human_only.value == pytest.approx(2 / 3)
    assert (found.audited, found.audited_positive) == (2, 1)
    # Variance of (−1, 4, 1, 0): (4 + 9 + 0 + 1)/3 = 14/3, over 4.
    assert found.estimate.se == pytest.approx(np.sqrt(14 / 12))


def test_everything_audited_is_what_people_found() -> None:
    truth, model, people = population(np.random.default_rng(5))
    found = ev.design_based(model, truth, np.ones(len(truth)), clusters=people)
    assert found.estimate.value == pytest.approx(truth.mean())
    assert found.human_only.value == pytest.approx(truth.mean())
    assert found.gain == pytest.approx(1)


# The last: nobody corrects the model on a segment that could not be audited.
@pytest.mark.parametrize("chance", [None, [0.5, np.nan, 0.5], [0.5, 0.0, 0.5], [0.5, 4.0, 0.5], [0.5, 0.5, 0]])
def test_an_audit_of_unknown_probability_is_refused(chance: list[float] | None) -> None:
    found = ev.design_based([1, 0, 1], [1, 0, np.nan], chance)
    assert (found.estimate.value, found.estimate.reason) == (None, NO_PROBABILITIES)
    assert found.human_only.reason == NO_PROBABILITIES
    # The model's share is still told, as what it is.
    assert found.naive.value == pytest.approx(2 / 3)


def test_nothing_audited_is_no_estimate() -> None:
    assert ev.design_based([1, 0], [np.nan, np.nan], [0.5, 0.5]).estimate.reason == NOTHING_AUDITED
    found = ev.ppi_mean([], [], [1, 0])
    assert (found.estimate.reason, found.naive.value) == (NOTHING_AUDITED, 0.5)
    assert ev.ppi_mean([], [], []).naive.reason == NOTHING_AUDITED
    assert ev.design_based([], [], []).naive.reason == NOTHING_AUDITED


def test_one_participant_has_no_variance_between_participants() -> None:
    assert ev.design_based([1, 0, 1], [1, 0, 1], [1, 1, 1], clusters=[7, 7, 7]).estimate.reason == ONE_CLUSTER
    # Two participants of whom one was audited: an estimate, and no interval.
    found = ev.design_based([1, 0, 1, 0], [1, 0, np.nan, np.nan], [1, 1, 1, 1], clusters=[7, 7, 8, 8]).estimate
    assert found.value is not None
    assert (found.interval, bool(found.flag)) == (None, True)
    alone = ev.ppi_mean([1] * 9, [1] * 9, [1, 0], audited_by=[7] * 9, rest_by=[7, 7]).estimate
    assert (alone.interval, alone.flag) == (None, ONE_CLUSTER)


@pytest.mark.parametrize(
    ("positives", "flag"), [(0, "only 0 audited positives"), (4, "only 4 audited positives"), (5, "")]
)
def test_few_audited_positives_are_flagged(positives: int, flag: str) -> None:
    human, model = np.zeros(60), np.tile([0.0, 1], 30)
    human[:positives] = 1
    for found in (
        ev.ppi_mean(human, model, model),
        ev.design_based(np.tile(model, 2), np.append(human, np.full(60, np.nan)), np.full(120, 0.5)),
    ):
        for one in (found.estimate, found.human_only):
            assert ("only" in one.flag) is bool(flag)
            assert one.flag.startswith(flag)
        assert found.audited_positive == positives


def test_an_interval_is_cut_where_no_share_can_lie_and_says_so() -> None:
    # One of eight participants, one unit each: 1/8, standard error √(8/7 · (7 · (1/64)² + (7/64)²)) = 1/8, 7 df.
    found = ev.design_based([0] * 8, [1, *[0] * 7], [1] * 8, clusters=list(range(8))).estimate
    assert (found.value, found.se) == (pytest.approx(1 / 8), pytest.approx(1 / 8))
    assert found.interval is not None
    assert (found.interval.low, found.interval.high) == (0, pytest.approx(1 / 8 + 2.364624 / 8))
    assert found.flag == f"only 1 audited positives; {CUT}"
    other = ev.design_based([0] * 8, [0, *[1] * 7], [1] * 8, clusters=list(range(8))).estimate
    assert other.interval is not None
    assert (other.interval.low, other.interval.high) == (pytest.approx(7 / 8 - 2.364624 / 8), 1)
    assert other.flag == CUT


def test_an_interval_within_its_bounds_is_whole() -> None:
    found = ev.design_based([0] * 8, [1, 0] * 4, [1] * 8, clusters=list(range(8))).estimate
    assert found.interval is not None
    assert 0 < found.interval.low < found.interval.high < 1
    assert CUT not in found.flag


def test_an_estimate_that_no_share_can_be_stays_and_says_so() -> None:
    # The model gives every fourth; of the two that were audited both are wrong: 1/2 − 2/8 · 1/(1/4) = −1/2.
    model = [1, 1, 1, 1, 0, 0, 0, 0]
    human = [0, 0, *[np.nan] * 6]
    found = ev.design_based(model, human, [0.25] * 8, clusters=list(range(8))).estimate
    assert found.value == pytest.approx(-0.5)
    assert found.interval is not None
    assert found.interval.low == 0 <= found.interval.high
    assert OUTSIDE in found.flag
    assert CUT in found.flag
