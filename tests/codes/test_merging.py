"""Codings of merged codes read as one; nothing is invented, nothing of a yes is lost."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belonging_llm.codes import Coding, EvidenceSpan, Outcome, Polarity, merged
from belonging_llm.codes.merging import outcome_of, polarity_of

YES, NO, OPEN, FAILED = Outcome.ASSIGNED, Outcome.NOT_ASSIGNED, Outcome.ABSTAINED, Outcome.FAILED
HERE, GONE = Polarity.EXPERIENCED, Polarity.ABSENT


def coding(
    code: str, outcome: Outcome = YES, polarity: Polarity | None = None, *spans: tuple[int, int], **more: str
) -> Coding:
    given = {"segment_id": "s", "coder": "ann"} | more
    evidence = tuple(EvidenceSpan(start=a, end=b) for a, b in spans)
    return Coding(code=code, outcome=outcome, polarity=polarity, evidence=evidence, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "expected"),
    [((YES, NO), YES), ((YES, OPEN), YES), ((NO, NO), NO), ((NO, OPEN), OPEN), ((NO, FAILED), FAILED), ((NO,), NO)],
)
def test_a_yes_to_either_is_a_yes(said: tuple[Outcome, ...], expected: Outcome) -> None:
    for order in permutations(said):
        assert outcome_of(order) is expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [((HERE, HERE), HERE), ((HERE, None), HERE), ((None, None), None), ((HERE, GONE), None)],
)
def test_polarities_that_contradict_each_other_leave_it_open(
    said: tuple[Polarity | None, ...], expected: Polarity | None
) -> None:
    assert polarity_of(said) is expected


def test_places_and_reasons_of_the_yes_are_joined() -> None:
    one = coding("a", YES, HERE, (0, 4), (6, 8), rationale="because")
    other = coding("b", YES, None, (6, 8), (2, 5), rationale="so")
    (found,) = merged([one, other], {"a": "b"})
    assert (found.code, found.polarity, found.rationale) == ("b", HERE, "because\nso")
    assert [(s.start, s.end) for s in found.evidence] == [(0, 4), (2, 5), (6, 8)]
    (found,) = merged([coding("a", NO, None, (0, 4), rationale="not it"), coding("b", YES, GONE, (1, 2))], {"a": "b"})
    assert (found.outcome, found.polarity, found.rationale) == (YES, GONE, "")
    assert [(s.start, s.end) for s in found.evidence] == [(1, 2)]


def test_people_and_segments_are_kept_apart() -> None:
    given = [coding("a"), coding("b", coder="ben"), coding("b", segment_id="t"), coding("c")]
    found = merged(given, {"a": "b"})
    assert [(c.segment_id, c.code, c.coder) for c in found] == [
        ("s", "b", "ann"),
        ("s", "b", "ben"),
        ("s", "c", "ann"),
        ("t", "b", "ann"),
    ]


@given(
    st.dictionaries(
        st.tuples(st.sampled_from("st"), st.sampled_from("abcd"), st.sampled_from("xy")), st.sampled_from(Outcome)
    )
)
def test_what_was_given_is_given_and_what_was_not_is_not(said: dict[tuple[str, str, str], Outcome]) -> None:
    given = [coding(code, outcome, segment_id=s, coder=who) for (s, code, who), outcome in said.items()]
    absorbed = {"a": "b", "c": "b"}
    yes = {(c.segment_id, absorbed.get(c.code, c.code), c.coder) for c in given if c.outcome is YES}
    found = merged(given, absorbed)
    assert {(c.segment_id, c.code, c.coder) for c in found if c.outcome is YES} == yes
    assert len(found) == len({(c.segment_id, c.code, c.coder) for c in found})
    assert {c.code for c in found} <= {"b", "d"}
    assert merged(found, absorbed) == found
    assert merged(given, {}) == given
