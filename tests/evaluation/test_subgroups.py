"""Gaps between groups of participants: a planted one is found, an absent one is not, a small group is not shown."""

from __future__ import annotations

import numpy as np
import pytest

from belonging_llm import evaluation as ev
from belonging_llm.evaluation.subgroups import MEASURES, Gap

HOW = ev.Resampling(draws=1000)
Cells = np.ndarray


def study(missed: tuple[float, float], seed: int = 0, people: int = 60, each: int = 25) -> Cells:
    """Cells by participant of one code; the model misses it with one probability by group, alternating."""
    rng = np.random.default_rng(seed)
    cells = np.zeros((people, 1, 4))
    for person in range(people):
        truth = rng.random(each) < 0.4
        wrong = np.where(truth, missed[person % 2], 0.05)
        model = truth ^ (rng.random(each) < wrong)
        cells[person, 0] = [
            (truth & model).sum(),
            (truth & ~model).sum(),
            (~truth & model).sum(),
            (~truth & ~model).sum(),
        ]
    return cells


def names(people: int) -> tuple[str, ...]:
    return tuple(f"p{i:03}" for i in range(people))


def by_turns(people: int, values: tuple[str, ...] = ("first", "second")) -> dict[str, dict[str, str]]:
    return {name: {"generation": values[i % len(values)]} for i, name in enumerate(names(people))}


def found_in(cells: Cells, how: ev.Resampling = HOW) -> ev.Subgroups:
    return ev.subgroups(cells, ("k",), names(len(cells)), by_turns(len(cells)), resampling=how)


def the(found: ev.Subgroups, group: str, measure: str) -> Gap:
    return next(gap for gap in found.gaps if (gap.group, gap.measure) == (group, measure))


def test_a_planted_gap_is_found() -> None:
    found = found_in(study((0.4, 0.1)))
    gap = the(found, "first", "false_negative_rate")
    assert gap.here.value == pytest.approx(0.4, abs=0.07)
    assert gap.elsewhere.value == pytest.approx(0.1, abs=0.05)
    assert gap.gap.interval is not None
    assert gap.gap.interval.low > 0.1
    assert gap.p_adjusted is not None
    assert gap.p_adjusted < 0.05
    assert the(found, "first", "kappa").gap.value < 0
    # Nothing was planted in what the model invents.
    extra = the(found, "first", "false_positive_rate")
    assert extra.p_adjusted is not None
    assert extra.p_adjusted > 0.05


def test_an_absent_gap_is_not_found() -> None:
    lowest = []
    for seed in range(12):
        found = found_in(study((0.2, 0.2), seed), ev.Resampling(draws=400))
        lowest.append(min(gap.p_adjusted for gap in found.gaps if gap.p_adjusted is not None))
    # Twelve families at .05: more than two false alarms have a chance of .02.
    assert sum(p <= 0.05 for p in lowest) <= 2


def test_figures_are_those_of_the_group() -> None:
    cells = study((0.4, 0.1), people=20)
    found = found_in(cells)
    here, elsewhere = cells[::2, 0].sum(0), cells[1::2, 0].sum(0)
    for measure, of in MEASURES.items():
        gap = the(found, "first", measure)
        assert gap.here.value == pytest.approx(of(here))
        assert gap.elsewhere.value == pytest.approx(of(elsewhere))
        assert gap.gap.value == pytest.approx(of(here) - of(elsewhere))
        assert gap.participants == 10
    # Of two groups, one is compared with the other once.
    assert {gap.group for gap in found.gaps} == {"first"}


def test_groups_of_a_size_are_redrawn_independently() -> None:
    # Person by person the groups are alike, and people differ: drawn in step, every gap would be exactly 0.
    one = study((0.2, 0.2), people=20)
    found = found_in(np.repeat(one, 2, axis=0))
    gap = the(found, "first", "false_negative_rate").gap
    assert gap.value == 0
    assert gap.interval is not None
    assert gap.interval.low < -0.02
    assert gap.interval.high > 0.02
    # The gap of independent groups is about √2 as uncertain as one of them.
    here = the(found, "first", "false_negative_rate").here.interval
    assert here is not None
    width = (gap.interval.high - gap.interval.low) / (here.high - here.low)
    assert width == pytest.approx(np.sqrt(2), rel=0.15)


def test_holm_never_lowers_a_p_value() -> None:
    found = found_in(study((0.3, 0.15)))
    tested = [gap for gap in found.gaps if gap.p_value is not None]
    assert len(tested) == 3
    for gap in tested:
        assert gap.p_value is not None
        assert gap.p_adjusted is not None
        assert gap.p_value <= gap.p_adjusted <= 1
    wanted = ev.holm([gap.p_value for gap in tested])
    assert [gap.p_adjusted for gap in tested] == pytest.approx(list(wanted))


def test_small_groups_and_small_remainders_are_suppressed() -> None:
    people = names(10)
    attributes = {name: {"campus": "north" if i < 8 else "south"} for i, name in enumerate(people)}
    found = ev.subgroups(study((0.2, 0.2), people=10), ("k",), people, attributes, resampling=HOW)
    # Two in the south: their figures, and those of all others beside them, would point at them.
    assert found.gaps == ()
    assert found.suppressed == ("campus: north", "campus: south")
    shown = ev.subgroups(study((0.2, 0.2), people=10), ("k",), people, attributes, smallest=2, resampling=HOW)
    assert (len(shown.gaps), shown.suppressed, shown.smallest) == (3, (), 2)


def test_what_is_shown_does_not_give_a_small_group_away() -> None:
    people = names(12)
    campus = ["north"] * 5 + ["south"] * 5 + ["west"] * 2
    attributes = {name: {"campus": where} for name, where in zip(people, campus, strict=True)}
    found = ev.subgroups(study((0.2, 0.2), people=12), ("k",), people, attributes, resampling=HOW)
    # North, south and everybody together would leave the two in the west.
    assert (found.gaps, found.suppressed) == ((), ("campus: north", "campus: south", "campus: west"))


def test_many_gaps_can_still_be_found_after_correction() -> None:
    cells = np.repeat(study((0.5, 0.05)), 30, axis=1)
    codes = tuple(f"k{i}" for i in range(30))
    found = ev.subgroups(cells, codes, names(60), by_turns(60), resampling=HOW)
    assert min(gap.p_adjusted for gap in found.gaps if gap.p_adjusted is not None) < 0.001


def test_participants_without_the_attribute_are_on_neither_side() -> None:
    cells = study((0.4, 0.1), people=20)
    attributes = {name: found for name, found in by_turns(20).items() if name < "p010"}
    found = ev.subgroups(cells, ("k",), names(20), attributes, resampling=HOW)
    gap = the(found, "first", "kappa")
    assert gap.participants == 5
    assert gap.here.value == pytest.approx(ev.panel(cells[:10:2, 0].sum(0)).kappa.value)
    assert gap.elsewhere.value == pytest.approx(ev.panel(cells[1:10:2, 0].sum(0)).kappa.value)
    assert ev.subgroups(cells, ("k",), names(20), {}, resampling=HOW).gaps == ()


def test_a_group_without_the_code_has_no_rate_and_the_reason_is_told() -> None:
    cells = study((0.2, 0.2), people=20)
    cells[::2, 0, :2] = 0
    gap = the(found_in(cells), "first", "false_negative_rate")
    assert (gap.here.value, gap.gap.value, gap.p_value, gap.p_adjusted) == (None, None, None, None)
    assert gap.gap.reason.startswith("false negative rate is not defined here")
    assert gap.elsewhere.value is not None


def test_intervals_are_named_for_what_they_are() -> None:
    found = found_in(study((0.3, 0.1), people=20), ev.Resampling(draws=100, method="bca"))
    interval = the(found, "first", "kappa").gap.interval
    assert interval is not None
    # The quantiles taken are plain ones, whatever was asked for elsewhere.
    assert "percentile" in interval.method


def test_the_order_of_groups_and_people_changes_no_figure() -> None:
    cells = study((0.3, 0.1), people=20)
    order = np.random.default_rng(0).permutation(20)
    one = found_in(cells)
    two = ev.subgroups(cells[order], ("k",), tuple(names(20)[i] for i in order), by_turns(20), resampling=HOW)
    assert [(g.group, g.measure) for g in one.gaps] == [(g.group, g.measure) for g in two.gaps]
    assert [g.gap.value for g in one.gaps] == pytest.approx([g.gap.value for g in two.gaps])
