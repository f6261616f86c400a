"""Prevalence speaks for all segments only where it is known how the coded ones were chosen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from audited import EACH, PARTICIPANTS, ident, outcome, people_code, run, true

from belonging_llm import usecases
from belonging_llm.auditing import occurrence
from belonging_llm.auditing.audit import audit
from belonging_llm.auditing.gold import candidate, gold
from belonging_llm.auditing.plan import Wish, plan
from belonging_llm.auditing.splits import Part, parts
from belonging_llm.codes import Outcome
from belonging_llm.evaluation import Corrected
from belonging_llm.study import Study


@pytest.fixture
def analysed(talks: Path) -> Path:
    """The model gives home to nobody, which people give to every second segment."""
    run(talks, lambda segment, code: outcome(code != "home" and true(segment.id, code)))
    return talks


def prevalence(folder: Path, part: Part = Part.DEVELOPMENT) -> dict[str, Corrected]:
    return dict(audit(Study(folder), part=part, who="ada").prevalence)


def drawn_ids(folder: Path, **wish: object) -> list[str]:
    made, _ = usecases.plan_audit(folder, None, **wish)
    return list(made.order)


def test_people_who_coded_everything_know_the_share(analysed: Path) -> None:
    people_code(analysed)
    found = prevalence(analysed)["home"]
    assert found.estimate.value == pytest.approx(1 / 2)
    assert found.human_only.value == pytest.approx(1 / 2)
    assert found.naive.value == 0
    assert found.audited == 5 * EACH


def test_without_plan_or_full_coding_nothing_is_claimed(analysed: Path) -> None:
    people_code(analysed, segments=[ident(p, s) for p in range(PARTICIPANTS) for s in range(EACH - 2)])
    found = prevalence(analysed)["home"]
    assert found.estimate.value is None
    assert found.human_only.value is None
    assert "belonging audit plan" in found.estimate.reason
    assert found.naive.value == 0


def test_an_imported_sheet_corrects_the_model_by_its_chances(analysed: Path) -> None:
    ids = drawn_ids(analysed, segments=60)
    people_code(analysed, segments=ids, name="filled.csv")
    opened = Study(analysed)
    locked = parts(opened)
    here = {s.id for s in opened.store.corpus.segments() if locked[s.participant] is Part.DEVELOPMENT}
    units = {u.segment_id: u for u in opened.store.audits.units(1) if u.segment_id in here}
    # f + R/π · (y − f), where f is 0: the mean over all segments of y/π of those who were drawn.
    wanted = sum(true(one, "home") / u.inclusion for one, u in units.items() if u.drawn) / len(here)
    found = prevalence(analysed)["home"]
    assert found.estimate.value == pytest.approx(wanted)
    assert found.audited == sum(u.drawn for u in units.values()) < len(here)
    assert found.estimate.interval is not None
    assert found.naive.value == 0


def test_drawing_participants_first_does_not_multiply_what_is_found(analysed: Path) -> None:
    # Half of the participants were drawn and coded in full: what people found there is the share, not twice that.
    # Somebody also looked at one segment of everybody else, who so come into the parts without having been drawn.
    ids = drawn_ids(analysed, participants=6, segments=1000)
    assert len(ids) == 6 * EACH
    people_code(analysed, segments={*ids, *(ident(p, 0) for p in range(PARTICIPANTS))})
    found = [prevalence(analysed, part)["home"] for part in (Part.DEVELOPMENT, Part.TEST)]
    assert sum(one.audited for one in found) >= 3 * EACH
    values = [one.estimate.value for one in found if one.estimate.value is not None]
    assert values == [pytest.approx(1 / 2)] * len(values)
    assert values


def test_a_sheet_that_is_not_filled_yet_refuses_and_says_so(analysed: Path) -> None:
    ids = drawn_ids(analysed, segments=60)
    people_code(analysed, segments=ids[5:], name="filled.csv")
    reasons = {prevalence(analysed, part)["home"].estimate.reason for part in (Part.DEVELOPMENT, Part.TEST)}
    assert any("audit plan 1 drew in this part lack a coding" in reason for reason in reasons)


def test_sheets_coded_after_seeing_the_model_do_not_count(analysed: Path) -> None:
    ids = drawn_ids(analysed, segments=60)
    people_code(analysed, ["A"], segments=ids[::2], name="filled.csv")
    people_code(analysed, ["A"], segments=ids[1::2], saw_model="yes", name="seen.csv")
    assert "lack a coding made unaided" in prevalence(analysed)["home"].estimate.reason


def test_a_newer_plan_that_nobody_coded_leaves_the_older_one_standing(analysed: Path) -> None:
    people_code(analysed, segments=drawn_ids(analysed, segments=60), name="filled.csv")
    before = prevalence(analysed)["home"]
    drawn_ids(analysed, segments=60, seed=9)
    assert prevalence(analysed)["home"].estimate == before.estimate


def test_people_who_coded_everything_need_no_plan_even_if_there_is_one(analysed: Path) -> None:
    drawn_ids(analysed, segments=30)
    people_code(analysed)
    assert prevalence(analysed)["home"].audited == 5 * EACH


def test_what_the_model_left_open_is_corrected_like_the_rest(talks: Path) -> None:
    run(talks, lambda *_: Outcome.ABSTAINED)
    people_code(talks)
    assert prevalence(talks)["home"].estimate.value == pytest.approx(1 / 2)


def test_over_many_plans_the_estimate_is_right(analysed: Path) -> None:
    # One estimate is a matter of luck; the mean of many is the share of everybody's segments.
    ids = [ident(p, s) for p in range(PARTICIPANTS) for s in range(EACH)]
    people_code(analysed, ["A"], found=lambda one, code: code == "home" and int(one[1:3]) < 4, segments=ids)
    opened = Study(analysed)
    judged, segments = candidate(opened, None), opened.store.corpus.segments()
    everything = gold(opened, judged, {s.participant for s in segments})
    values = []
    for seed in range(60):
        made = plan(opened, Wish(segments=24, participants=6, seed=seed))
        units = np.array([u in set(made.order) for u in everything.humans.units])
        # Only who was drawn is coded, and so only they are in any part.
        sampled = replace(everything, humans=everything.humans.among(units), settled=everything.settled[units])
        here = [s for s in segments if s.participant in made.participants]
        value = occurrence.prevalence(opened, judged, sampled, here)["home"].estimate.value
        assert value is not None
        values.append(value)
    error = np.std(values) / np.sqrt(len(values))
    assert abs(np.mean(values) - 4 / 12) < 4 * error
