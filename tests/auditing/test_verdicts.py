"""Each verdict rests on its criteria, and silence, copies and luck earn none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from audited import codings_of, demand, framework, outcome, people_code, run, segments_of

from belonging_llm.auditing.audit import audit
from belonging_llm.auditing.record import AgainstHumans, Audit, Criterion, Paradox, Repeats
from belonging_llm.auditing.splits import Part
from belonging_llm.auditing.verdicts import SAID, Evidence, verdict
from belonging_llm.evaluation import AltTest, Estimate, Interval, Subgroups, panel, undefined
from belonging_llm.evaluation.alt_test import Candidate, Passing
from belonging_llm.evaluation.stability import Stability
from belonging_llm.evaluation.subgroups import Gap
from belonging_llm.study import AuditSettings, Study

NAMES = (
    "enough gold", "people agree", "model beside people", "alternative annotator", "recall near people's",
    "precision near people's", "stable", "same for all groups",
)  # fmt: skip
NONE = undefined("never coded")


def told(value: float, low: float, high: float) -> Estimate:
    return Estimate(value, interval=Interval(low, high))


def alternative(rate: float | None = 1.0, *, trivial: tuple[str, ...] = (), refused: str = "") -> AltTest:
    model = None if refused and not trivial else Candidate("model", Estimate(0.9), (), Passing(0.15, 1.0, rate), ())
    return AltTest(0.15, model, (), trivial, refused or (f"trivial: {trivial[0]}" if trivial else ""))


def gap(value: float, p: float | None) -> Gap:
    one = told(value, value - 0.1, value + 0.1)
    return Gap("shift", "night", 4, "home", "kappa", Estimate(0.5), Estimate(0.5 - value), one, p, p)


BESIDE = AgainstHumans(
    code="home",
    among_humans=told(0.75, 0.65, 0.85),
    with_model=told(0.74, 0.62, 0.84),
    difference=told(-0.01, -0.06, 0.05),
    each={},
    recall_humans=Estimate(0.8),
    recall_model=Estimate(0.8),
    recall_difference=told(0.0, -0.05, 0.05),
    precision_humans=Estimate(0.8),
    precision_model=Estimate(0.8),
    precision_difference=told(0.0, -0.05, 0.05),
)
GOOD = Evidence(
    code="home",
    positives=60,
    coders=3,
    alpha=told(0.75, 0.65, 0.85),
    beside=BESIDE,
    paradox=Paradox("home", panel([50, 6, 6, 138]), Estimate(0.8), panel([0, 56, 0, 144]), panel([56, 0, 144, 0])),
    alternative=alternative(),
    repeats=Repeats((), {"home": Stability(2, 200, Estimate(0.03), Estimate(0.9))}),
    subgroups=Subgroups((gap(0.02, 0.8),), (), 3),
)


def beside(**changes: Estimate) -> AgainstHumans:
    return replace(BESIDE, **changes)  # type: ignore[arg-type]


def judged(**changes: Any) -> tuple[str, dict[str, Criterion]]:
    found = verdict(replace(GOOD, **changes), "Home", AuditSettings())
    assert tuple(c.name for c in found.criteria) == NAMES
    assert found.in_words.startswith(SAID[found.verdict])
    return found.verdict, {c.name: c for c in found.criteria}


def test_replace_needs_everything() -> None:
    found, criteria = judged()
    assert found == "replace"
    assert all(c.met for c in criteria.values())


@pytest.mark.parametrize(
    ("changes", "unmet", "met", "found"),
    [
        ({"positives": 29}, "enough gold", False, "insufficient evidence"),
        ({"coders": 2}, "people agree", False, "assist"),
        ({"coders": 1}, "people agree", False, "insufficient evidence"),
        ({"alpha": told(0.66, 0.5, 0.8)}, "people agree", False, "assist"),
        ({"alpha": NONE}, "people agree", None, "assist"),
        ({"beside": beside(difference=told(-0.08, -0.15, 0.0))}, "model beside people", False, "assist"),
        ({"beside": beside(difference=told(-0.3, -0.4, -0.11))}, "model beside people", False, "human only"),
        ({"beside": beside(difference=Estimate(-0.01))}, "model beside people", None, "assist"),
        ({"beside": beside(difference=NONE)}, "model beside people", None, "insufficient evidence"),
        ({"alternative": alternative(0.33)}, "alternative annotator", False, "assist"),
        (
            {"alternative": alternative(trivial=("never assigns",))},
            "alternative annotator",
            False,
            "insufficient evidence",
        ),
        ({"alternative": alternative(refused="one human")}, "alternative annotator", None, "assist"),
        ({"alternative": alternative(None)}, "alternative annotator", None, "assist"),
        ({"beside": beside(recall_difference=told(-0.05, -0.12, 0.0))}, "recall near people's", False, "assist"),
        ({"beside": beside(precision_difference=NONE)}, "precision near people's", None, "assist"),
        ({"repeats": Repeats((), {"home": Stability(2, 9, Estimate(0.11), NONE)})}, "stable", False, "assist"),
        ({"repeats": Repeats((), {}, "one run")}, "stable", None, "assist"),
        ({"subgroups": Subgroups((), ("shift night",), 3)}, "same for all groups", None, "assist"),
        ({"subgroups": Subgroups((gap(0.3, 0.01),), (), 3)}, "same for all groups", False, "assist"),
    ],
)
def test_whatever_is_missing_is_named_and_replaces_nobody(
    changes: dict[str, Any], unmet: str, met: bool | None, found: str
) -> None:
    decided, criteria = judged(**changes)
    assert [name for name, c in criteria.items() if not c.met] == [unmet]
    assert criteria[unmet].met is met
    assert criteria[unmet].found
    assert decided == found


def test_no_better_than_chance_is_for_people_only() -> None:
    found, _ = judged(beside=beside(with_model=told(0.1, -0.02, 0.25), difference=told(-0.5, -0.6, -0.3)))
    assert found == "human only"


def test_with_too_little_gold_not_even_harm_is_claimed() -> None:
    found, _ = judged(positives=5, beside=beside(difference=told(-0.5, -0.6, -0.3)))
    assert found == "insufficient evidence"


@pytest.mark.parametrize("one", [gap(0.3, 0.2), gap(0.05, 0.001)])
def test_a_gap_counts_only_if_it_is_both_wide_and_proven(one: Gap) -> None:
    found, _ = judged(subgroups=Subgroups((one,), (), 3))
    assert found == "replace"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"positives": 5}, "only 5 of the 30 segments wanted have the code"),
        ({"coders": 1}, "one person coded"),
        ({"alternative": alternative(trivial=("never assigns",))}, "a coder who reads nothing would pass"),
        ({"beside": beside(difference=NONE)}, "agreement is undefined"),
    ],
)
def test_insufficient_evidence_says_why(changes: dict[str, Any], why: str) -> None:
    found = verdict(replace(GOOD, **changes), "Home", AuditSettings())
    assert why in found.in_words
    assert "speaks against" not in found.in_words
    worse = beside(difference=told(-0.5, -0.6, -0.3))
    found = verdict(replace(GOOD, positives=5, beside=worse), "Home", AuditSettings())
    assert found.in_words.endswith("What there is speaks against the model.")


def test_other_codes_gaps_and_repeats_say_nothing_of_this_one() -> None:
    elsewhere = replace(gap(0.3, 0.001), code="group")
    found, _ = judged(subgroups=Subgroups((gap(0.0, 0.9), elsewhere), (), 3))
    assert found == "replace"
    found, criteria = judged(repeats=Repeats((), {"group": Stability(2, 9, Estimate(0.0), NONE)}))
    assert criteria["stable"].found == "never coded twice"


def sample_audit(folder: Path, wanted: str | None = None) -> Audit:
    return audit(Study(folder), part=Part.TEST, wanted=wanted, who="ada")


def test_who_never_assigns_replaces_nobody(sample: Path) -> None:
    demand(sample, min_positives=5)
    ids = [s.id for s in segments_of(sample)]
    people_code(sample, ["never"], segments=ids, found=lambda *_: False)
    found = sample_audit(sample, "never")
    assert found.provenance.candidate == "never"
    assert {v.verdict for v in found.verdicts} <= {"insufficient evidence", "human only"}
    rarest = min(found.verdicts, key=lambda v: v.positives)
    named = {c.name: c for c in rarest.criteria}
    told = named["alternative annotator"].found
    assert told.startswith("a coder who reads nothing would pass as well: one who never assigns the code")
    assert named["alternative annotator"].met is False
    # Kappa and recall do not exist or are nothing; agreement alone would look splendid.
    beside_people = next(p for p in found.paradox if p.code == rarest.code)
    assert beside_people.model.percent_agreement.value is not None
    assert beside_people.model.percent_agreement.value > 0.9
    assert beside_people.model.kappa.value == pytest.approx(0)
    assert beside_people.model.positive_agreement.value == 0


def test_a_perfect_copy_is_not_enough_while_stability_is_unknown(sample: Path) -> None:
    demand(sample, min_positives=5)
    right = codings_of(sample, "adjudicated")
    ids = [s.id for s in segments_of(sample)]
    people_code(sample, ["copy"], segments=ids, found=lambda segment, code: (segment, code) in right)
    found = sample_audit(sample, "copy")
    assert found.errors.disagreements == ()
    for one in found.verdicts:
        assert one.verdict != "replace"
        stable = next(c for c in one.criteria if c.name == "stable")
        assert (stable.met, "not made by a run" in stable.found) == (None, True)
        assert tuple(c.name for c in one.criteria) == NAMES
    assert found.standing.kind == "final"


def test_a_run_that_copies_the_gold_errs_nowhere_and_every_criterion_is_told(sample: Path) -> None:
    demand(sample, min_positives=5)
    right = codings_of(sample, "adjudicated")
    run(sample, lambda segment, code: outcome((segment.id, code) in right))
    found = sample_audit(sample)
    assert {v.code for v in found.verdicts} == set(framework(sample))
    for one, paradox in zip(found.verdicts, found.paradox, strict=True):
        assert one.verdict in ("assist", "insufficient evidence")
        assert paradox.model.kappa.value == pytest.approx(1)
        assert all(c.found and c.wanted for c in one.criteria)


def test_a_zero_has_no_sign() -> None:
    _, criteria = judged(beside=beside(difference=told(-1e-17, -0.004, 0.05)))
    assert criteria["model beside people"].found == "0.00 [0.00, 0.05]"
