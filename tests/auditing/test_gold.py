"""What people said and what the model said, lined up: nothing seen before, nothing made of silence."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from audited import EACH, PARTICIPANTS, bring, gold_of, ident, people_code, run, true, who, write

from belonging_llm.auditing.audit import audit
from belonging_llm.auditing.gold import Gold
from belonging_llm.codes import Outcome
from belonging_llm.errors import StudyError
from belonging_llm.segments import Segment
from belonging_llm.study import Study

ALL = PARTICIPANTS * EACH


def mark(found: Gold, coder: str, segment: str, code: str) -> int:
    return int(found.humans.coder(coder)[found.humans.units.index(segment), found.humans.codes.index(code)])


def settled(found: Gold, segment: str, code: str) -> int:
    return int(found.settled[found.humans.units.index(segment), found.humans.codes.index(code)])


def said(found: Gold, segment: str, code: str) -> int:
    return int(found.candidate[found.humans.units.index(segment), found.humans.codes.index(code)])


def never(_: str, __: str) -> bool:
    return False


def always(_: str, __: str) -> bool:
    return True


def of(participants: Iterable[int]) -> list[str]:
    return [ident(p, s) for p in participants for s in range(EACH)]


def test_raw_coders_are_lined_up_by_participant(talks: Path) -> None:
    people_code(talks)
    run(talks)
    _, found = gold_of(talks)
    assert found.humans.coders == ("A", "B", "C")
    assert (len(found.humans.units), found.humans.n_clusters, found.humans.clustered_by) == (
        ALL,
        PARTICIPANTS,
        "participant",
    )
    assert [mark(found, "A", "s000", code) for code in ("home", "group")] == [1, 0]
    assert found.settled_by == "majority"
    assert np.array_equal(found.settled, found.candidate)
    assert set(found.segments) == set(found.humans.units)


def test_judgements_made_after_seeing_the_model_s_are_left_out_and_counted(talks: Path) -> None:
    people_code(talks, ["A", "B"])
    people_code(talks, ["C"], saw_model="yes", found=always, name="seen.csv")
    run(talks)
    _, found = gold_of(talks)
    assert found.humans.coders == ("A", "B")
    assert found.anchored == ALL
    shown = audit(Study(talks))
    assert shown.flow.anchored == 5 * EACH
    assert [c.saw_model for c in shown.provenance.coders] == [0, 0, 5 * EACH]
    assert any(line.startswith("40 judgements were left out") for line in shown.warnings)
    assert "by 2 people independently" in shown.methods


def test_one_segment_seen_does_not_take_the_coder_s_others_away(talks: Path) -> None:
    people_code(talks, ["A"])
    people_code(talks, ["B"], segments=of(range(1, PARTICIPANTS)))
    people_code(talks, ["B"], segments=of([0]), saw_model="yes", found=always, name="seen.csv")
    run(talks)
    _, found = gold_of(talks)
    assert mark(found, "B", ident(0, 1), "home") == -1
    assert mark(found, "B", ident(1, 0), "home") == 1


def test_nobody_unaided_means_nothing_to_judge_by(talks: Path) -> None:
    people_code(talks, saw_model="yes")
    run(talks)
    with pytest.raises(StudyError, match="without having seen"):
        gold_of(talks)


def test_the_adjudicator_settles_and_is_no_raw_coder(talks: Path) -> None:
    people_code(talks)
    people_code(talks, ["adjudicated"], segments=of([0]), found=never, name="settled.csv")
    run(talks)
    _, found = gold_of(talks)
    assert found.humans.coders == ("A", "B", "C")
    assert found.settled_by == "adjudicated"
    assert settled(found, ident(0, 0), "home") == 0  # ruled so, against all three
    assert settled(found, ident(1, 0), "home") == 1  # not ruled on: the majority's word


def test_an_adjudicator_who_saw_the_model_s_codings_settles_nothing(talks: Path) -> None:
    people_code(talks)
    people_code(talks, ["adjudicated"], segments=of([0]), found=always, saw_model="yes", name="settled.csv")
    run(talks)
    _, found = gold_of(talks)
    assert found.settled_by == "majority"
    assert settled(found, ident(0, 0), "group") == 0
    assert (found.anchored, found.anchored_decisions) == (EACH, EACH)


def test_an_adjudicator_who_is_judged_is_not_their_own_measure(talks: Path) -> None:
    people_code(talks)
    people_code(talks, ["adjudicated"], found=never, name="settled.csv")
    judged, found = gold_of(talks, "adjudicated")
    assert judged.key == "coder adjudicated"
    assert found.settled_by == "majority"
    assert (settled(found, ident(0, 0), "home"), said(found, ident(0, 0), "home")) == (1, 0)


def test_a_tie_is_nobody_s_word(talks: Path) -> None:
    people_code(talks, ["A"])
    people_code(talks, ["B"], found=never, name="never.csv")
    run(talks)
    _, found = gold_of(talks)
    assert settled(found, ident(0, 0), "home") == -1
    assert settled(found, ident(0, 0), "group") == 0


def test_abstained_and_failed_are_no_judgement_and_never_not_assigned(talks: Path) -> None:
    people_code(talks)

    def outcomes(segment: Segment, code: str) -> Outcome:
        if segment.participant == who(0):
            return Outcome.ABSTAINED
        if segment.participant == who(1):
            return Outcome.FAILED
        return Outcome.ASSIGNED if true(segment.id, code) else Outcome.NOT_ASSIGNED

    run(talks, outcomes)
    _, found = gold_of(talks)
    for segment in of([0, 1]):
        assert {said(found, segment, code) for code in found.humans.codes} == {-1}
    assert [said(found, ident(2, s), "home") for s in (0, 1)] == [1, 0]
    assert found.outcomes["abstained"] == found.outcomes["failed"] == EACH * 2
    assert found.outcomes["assigned"] + found.outcomes["not_assigned"] == (ALL - 2 * EACH) * 2


def test_what_a_run_says_nothing_of_is_no_judgement(talks: Path) -> None:
    people_code(talks)
    run(talks)
    opened = Study(talks)
    last = opened.store.runs.latest()
    assert last is not None
    bring(
        talks,
        write(
            talks / "more.csv",
            ("segment_id", "document_id", "participant_id", "text"),
            [("x1", "d99", who(0), "Later words.")],
        ),
    )
    people_code(talks, segments=["x1"], found=never, name="more_codes.csv")
    _, found = gold_of(talks, last.id)
    assert said(found, "x1", "home") == -1


def test_silence_of_a_person_on_a_judged_segment_means_not_assigned(talks: Path) -> None:
    people_code(talks)
    people_code(talks, ["never"], segments=of([0]), found=never, name="never.csv")
    judged, found = gold_of(talks, "never")
    assert judged.run is None
    assert "never" not in found.humans.coders
    assert said(found, ident(0, 0), "home") == 0
    assert said(found, ident(1, 0), "home") == -1  # not judged


def test_a_coder_called_like_the_model_is_a_coder_still(talks: Path) -> None:
    people_code(talks, ["A", "none"])
    run(talks)
    judged, found = gold_of(talks)
    assert judged.name == "none"
    assert judged.run is not None
    assert found.humans.coders == ("A", "none")


def test_a_run_is_found_by_the_beginning_of_its_id(talks: Path) -> None:
    people_code(talks)
    made = run(talks)
    judged, _ = gold_of(talks, made[:6])
    assert judged.key == f"run {made}"


def test_an_unknown_candidate_is_named_beside_those_there_are(talks: Path) -> None:
    people_code(talks)
    made = run(talks)
    with pytest.raises(StudyError, match=f"Zed: no such run or coder; runs: {made[:8]}; coders: A, B, C"):
        gold_of(talks, "Zed")


def test_nothing_analysed_is_said(talks: Path) -> None:
    people_code(talks)
    with pytest.raises(StudyError, match="belonging analyse"):
        gold_of(talks)


def test_shares_are_of_those_who_judged(talks: Path) -> None:
    people_code(talks, ["A", "B"])
    people_code(talks, ["C"], segments=of([0]), found=never, name="never.csv")
    run(talks)
    _, found = gold_of(talks)
    rows = {unit: i for i, unit in enumerate(found.humans.units)}
    assert found.shares[rows[ident(0, 0)], 0] == pytest.approx(2 / 3)
    assert found.shares[rows[ident(1, 0)], 0] == 1
