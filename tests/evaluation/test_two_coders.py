"""Two coders: against other people's implementations, by hand, and unchanged by what must not matter."""

from __future__ import annotations

import warnings
from random import Random

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa

from belonging_llm import evaluation as ev
from belonging_llm.evaluation.two_coders import (
    BOTH_CONSTANT,
    NO_NEGATIVES,
    NO_POSITIVES,
    NO_UNITS,
    ONE_CONSTANT,
    ac1s,
    kappa_errors,
    kappas,
    percent,
    scott_pis,
)

Cells = list[int]
# Small counts make empty rows and constant coders common; the large ones make codes rare.
CELLS = st.lists(st.one_of(st.integers(0, 3), st.integers(0, 400)), min_size=4, max_size=4)
TABLES = st.integers(1, 5).flatmap(
    lambda q: st.lists(st.lists(st.integers(0, 6), min_size=q, max_size=q), min_size=q, max_size=q)
)


def spelled_out(table: np.ndarray) -> tuple[list[int], list[int]]:
    pairs = [(i, j) for i, j in np.ndindex(*table.shape) for _ in range(int(table[i, j]))]
    return [i for i, _ in pairs], [j for _, j in pairs]


def oracle_kappa(table: np.ndarray) -> tuple[float, float, float]:
    """Kappa by scikit-learn, kappa and its error by statsmodels; their warnings on empty rows are not ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = cohens_kappa(table)
        # With a constant coder theirs is the root of what rounding leaves of 0, at times below it.
        error = float(np.nan_to_num(theirs.std_kappa))
        return float(cohen_kappa_score(*spelled_out(table))), float(theirs.kappa), error


@settings(max_examples=60, deadline=None)
@given(CELLS)
def test_kappa_and_its_error_are_those_of_others(cells: Cells) -> None:
    found = ev.panel(cells).kappa
    table = np.array(cells, float).reshape(2, 2)
    if not table.sum():
        assert (found.value, found.reason) == (None, NO_UNITS)
    elif (table > 0).sum() == 1:
        # Others answer NaN, or 0 where the two constants differ; nothing can be said of coders who never vary.
        assert (found.value, found.reason, found.se, found.interval) == (None, BOTH_CONSTANT, None, None)
    else:
        one, two, error = oracle_kappa(table)
        assert found.value == pytest.approx(one, abs=1e-9)
        assert found.value == pytest.approx(two, abs=1e-9)
        assert found.se == pytest.approx(error, abs=1e-7)
        constant = 0 in table.sum(0) or 0 in table.sum(1)
        assert found.flag == (ONE_CONSTANT if constant else "")
        assert not constant or found.value == 0


@settings(max_examples=60, deadline=None)
@given(TABLES)
def test_kappa_of_several_categories_is_that_of_others(rows: list[Cells]) -> None:
    table = np.array(rows, float)
    found = ev.nominal_panel(table).kappa
    if (table > 0).sum() <= 1:
        assert (found.value, found.reason) == (None, BOTH_CONSTANT if table.sum() else NO_UNITS)
        return
    one, two, error = oracle_kappa(table)
    assert found.value == pytest.approx(one, abs=1e-9)
    assert found.value == pytest.approx(two, abs=1e-9)
    assert found.se == pytest.approx(error, abs=1e-7)
    assert bool(found.flag) == (1 in ((table.sum(0) > 0).sum(), (table.sum(1) > 0).sum()))


@settings(max_examples=60, deadline=None)
@given(TABLES)
def test_alpha_of_a_table_is_alpha_of_its_units(rows: list[Cells]) -> None:
    table = np.array(rows, float)
    found = ev.nominal_panel(table).alpha
    units = spelled_out(table)
    expected = ev.krippendorff_alpha(units).alpha
    if expected.value is None:
        assert found.value is None
        assert found.reason
    else:
        assert found.value == pytest.approx(expected.value, abs=1e-9)


def test_two_constants_that_differ_have_pi_and_alpha_but_no_kappa() -> None:
    # Five units, yes by the one and no by the other: shares ½, po = 0, pi = (0 − ½)/½ = −1;
    # alpha adds 1/2n: 1 − 2·(9/10) = −.8.
    found, cells = ev.nominal_panel([[0, 5], [0, 0]]), ev.panel([0, 5, 0, 0])
    assert (found.kappa.value, cells.kappa.value) == (None, None)
    assert (found.scott_pi.value, cells.scott_pi.value) == (-1, -1)
    assert found.alpha.value == pytest.approx(-0.8)


@settings(max_examples=60, deadline=None)
@given(CELLS)
def test_byrts_identity_holds(cells: Cells) -> None:
    found = ev.panel(cells)
    assume(found.kappa.value is not None)
    pabak, pi, bi = found.pabak.value, found.prevalence_index.value, found.bias_index.value
    assert pabak is not None
    assert pi is not None
    assert bi is not None
    assert found.kappa.value == pytest.approx((pabak - pi**2 + bi**2) / (1 - pi**2 + bi**2), abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(CELLS)
def test_exchanged_coders_agree_as_much(cells: Cells) -> None:
    a, b, c, d = cells
    one, two = ev.panel([a, b, c, d]), ev.panel([a, c, b, d])
    for name in ("kappa", "ac1", "pabak", "positive_agreement", "negative_agreement", "scott_pi", "prevalence_index"):
        assert getattr(one, name).value == pytest.approx(getattr(two, name).value), name
    assert one.kappa.se == pytest.approx(two.kappa.se)
    assert one.bias_index.value == (None if two.bias_index.value is None else -two.bias_index.value)


@settings(max_examples=60, deadline=None)
@given(CELLS)
def test_yes_and_no_may_be_exchanged(cells: Cells) -> None:
    a, b, c, d = cells
    one, two = ev.panel([a, b, c, d]), ev.panel([d, c, b, a])
    for name in ("kappa", "ac1", "pabak", "scott_pi"):
        assert getattr(one, name).value == pytest.approx(getattr(two, name).value), name
    assert one.positive_agreement.value == two.negative_agreement.value
    assert one.prevalence_index.value == (None if two.prevalence_index.value is None else -two.prevalence_index.value)


@settings(max_examples=40, deadline=None)
@given(TABLES, st.randoms(use_true_random=False))
def test_categories_may_be_renamed(rows: list[Cells], random: Random) -> None:
    table = np.array(rows, float)
    order = list(range(len(table)))
    random.shuffle(order)
    one, two = ev.nominal_panel(table), ev.nominal_panel(table[np.ix_(order, order)])
    for name in ("percent_agreement", "kappa", "scott_pi", "ac1", "brennan_prediger", "alpha"):
        assert getattr(one, name).value == pytest.approx(getattr(two, name).value), name


@settings(max_examples=60, deadline=None)
@given(CELLS)
def test_two_categories_are_a_nominal_table(cells: Cells) -> None:
    one, two = ev.panel(cells), ev.nominal_panel(np.array(cells).reshape(2, 2))
    for name in ("percent_agreement", "kappa", "scott_pi", "ac1"):
        mine, theirs = getattr(one, name), getattr(two, name)
        assert mine.value == pytest.approx(theirs.value, abs=1e-9), name
        assert mine.reason == theirs.reason
    assert one.pabak.value == pytest.approx(two.brennan_prediger.value)


@settings(max_examples=40, deadline=None)
@given(st.lists(CELLS, min_size=1, max_size=6))
def test_many_tables_at_once_are_each_table(many: list[Cells]) -> None:
    cells = np.array(many, float).reshape(1, len(many), 4)
    by_name = {"kappa": kappas, "ac1": ac1s, "scott_pi": scott_pis, "percent_agreement": percent}
    for name, of in by_name.items():
        found = of(cells)
        assert found.shape == (1, len(many))
        for value, one in zip(found[0], many, strict=True):
            wanted = getattr(ev.panel(one), name).value
            assert value == pytest.approx(np.nan if wanted is None else wanted, nan_ok=True), name
    errors = kappa_errors(cells)[0]
    for error, one in zip(errors, many, strict=True):
        scalar = ev.panel(one).kappa
        assert scalar.value is None or error == pytest.approx(scalar.se)


def test_by_hand() -> None:
    # a 40, b 9, c 6, d 45; n 100. po = .85. Shares .49 and .46: pe = .49·.46 + .51·.54 = .2254 + .2754 = .5008.
    # kappa = .3492/.4992 = .699519. Mean share .475: AC1's pe = 2·.475·.525 = .49875, AC1 = .35125/.50125 = .700748.
    # pi's pe = .225625 + .275625 = .50125, pi = .34875/.49875 = .699248.
    found = ev.panel([40, 9, 6, 45])
    wanted = {
        "percent_agreement": 0.85,
        "kappa": 0.699519,
        "ac1": 0.700748,
        "scott_pi": 0.699248,
        "pabak": 0.7,  # 2·.85 − 1
        "prevalence_index": -0.05,  # (40 − 45)/100
        "bias_index": 0.03,  # (9 − 6)/100
        "positive_agreement": 80 / 95,
        "negative_agreement": 90 / 105,
    }
    for name, value in wanted.items():
        assert getattr(found, name).value == pytest.approx(value, abs=1e-6), name
    assert found.n == 100


def test_the_paradox_shows() -> None:
    # 118 of 125 alike, yet kappa is negative: both give the code 3 or 4 times, never on the same unit.
    # pe = (4·3 + 121·122)/15625 = .945536; kappa = (.944 − .945536)/.054464 = −.028202.
    found = ev.panel([0, 4, 3, 118])
    assert found.percent_agreement.value == pytest.approx(0.944)
    assert found.kappa.value == pytest.approx(-0.028202, abs=1e-6)
    assert found.positive_agreement.value == 0
    assert found.ac1.value is not None
    assert found.ac1.value > 0.9


def test_undefined_figures_say_why() -> None:
    never, always = ev.panel([0, 0, 0, 7]), ev.panel([7, 0, 0, 0])
    assert (never.positive_agreement.value, never.positive_agreement.reason) == (None, NO_POSITIVES)
    assert (always.negative_agreement.value, always.negative_agreement.reason) == (None, NO_NEGATIVES)
    assert never.scott_pi.reason == BOTH_CONSTANT
    # AC1 and PABAK exist where kappa does not, and are shown beside it, not for it.
    assert (never.ac1.value, never.pabak.value) == (1, 1)
    nobody = ev.panel([0, 0, 0, 0])
    assert all(e.reason == NO_UNITS for e in vars(nobody).values() if isinstance(e, ev.Estimate))
    single = ev.nominal_panel([[5]])
    assert single.percent_agreement.value == 1
    assert all(getattr(single, name).reason for name in ("kappa", "scott_pi", "ac1", "brennan_prediger", "alpha"))


@pytest.mark.parametrize("cells", [[1, 2, 3], [1, 2, 3, -1], [[1, 2], [3, 4]]])
def test_what_is_no_table_is_refused(cells: list[int]) -> None:
    with pytest.raises(ValueError, match="four counts"):
        ev.panel(cells)


@pytest.mark.parametrize("table", [[1, 2], [[1, 2]], [[1, -2], [0, 0]]])
def test_what_is_no_square_table_is_refused(table: list[int]) -> None:
    with pytest.raises(ValueError, match="square"):
        ev.nominal_panel(table)


@pytest.mark.parametrize("table", [[[30, 6], [9, 15]], [[20, 3, 1], [4, 18, 6], [0, 5, 23]]])
def test_standard_errors_are_those_of_resampling(table: list[list[int]]) -> None:
    counts = np.array(table, float)
    n, q = int(counts.sum()), len(counts)
    drawn = np.random.default_rng(5).multinomial(n, counts.ravel() / n, size=4000).reshape(-1, q, q)
    found = ev.nominal_panel(counts)
    many = [ev.nominal_panel(one) for one in drawn[:1500]]
    for name in ("kappa", "ac1", "brennan_prediger"):
        spread = np.std([getattr(one, name).value for one in many])
        assert getattr(found, name).se == pytest.approx(spread, rel=0.08), name
