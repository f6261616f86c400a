"""People's own stretches and the segments that they touch."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from belonging_llm.codes import Polarity
from belonging_llm.passages import Passage, PassageCoding, find, touches
from belonging_llm.segments import Segment


def segment(name: str, start: int, end: int, transcript: str = "t") -> Segment:
    return Segment(
        id=name,
        transcript_id=transcript,
        document=transcript,
        participant="P",
        turn=1,
        part=1,
        start=start,
        end=end,
        text="x" * (end - start),
    )


def passage(start: int, end: int, *, ident: str = "p", whole: bool = False) -> Passage:
    return Passage(id=ident, transcript_id="t", start=start, end=end, whole=whole)


def coding(ident: str, of: str = "p", code: str = "home", coder: str = "Ann", **more: object) -> PassageCoding:
    return PassageCoding.model_validate({"id": ident, "passage_id": of, "code": code, "coder": coder, **more})


# Three segments with a gap (an interviewer's turn) between the second and the third.
CUT = [segment("a", 0, 40), segment("b", 41, 81), segment("c", 200, 240)]


def names(start: int, end: int) -> list[str]:
    return [s.id for s in touches(passage(start, end), CUT)]


def test_a_few_words_count_for_the_segment_they_lie_in() -> None:
    assert names(10, 15) == ["a"]


def test_what_spills_over_does_not_count() -> None:
    # 38 of 43 characters lie in a, 5 in b: neither half of b nor half of the passage.
    assert names(2, 46) == ["a"]


def test_what_covers_half_of_a_segment_counts_for_it() -> None:
    # All of a, and 20 of b's 40 characters.
    assert names(0, 61) == ["a", "b"]


def test_what_covers_several_segments_counts_for_each() -> None:
    assert names(0, 240) == ["a", "b", "c"]


def test_what_lies_between_segments_counts_for_none() -> None:
    assert names(90, 190) == []


@given(st.integers(0, 260), st.integers(0, 260))
def test_whatever_touches_a_segment_counts_for_at_least_one(start: int, end: int) -> None:
    start, end = sorted((start, end))
    reached = [s.id for s in CUT if max(start, s.start) < min(end, s.end)]
    assert bool(names(start, end)) == bool(reached)
    assert set(names(start, end)) <= set(reached)


def test_own_stretches_become_evidence_inside_the_segment() -> None:
    found = find([passage(10, 15, ident="p"), passage(20, 61, ident="q")], [coding("1"), coding("2", "q")], CUT)
    spans = {c.segment_id: [(e.start, e.end) for e in c.evidence] for c in found.codings}
    # q covers half of each: in a from 20 to its end at 40, and in b from its beginning to 61 - 41 = 20.
    assert spans == {"a": [(10, 15), (20, 40)], "b": [(0, 20)]}


def test_a_coder_went_through_what_they_coded_in_and_the_machine_judged_nothing() -> None:
    found = find([passage(0, 5)], [coding("1"), coding("2", coder="model:x", code="group")], CUT)
    assert [(j.segment_id, j.coder) for j in found.judgements] == [("a", "Ann"), ("b", "Ann"), ("c", "Ann")]
    assert {c.coder for c in found.codings} == {"Ann"}


def test_having_seen_the_model_once_counts_for_the_whole_document() -> None:
    other = passage(50, 60, ident="q")
    found = find([passage(0, 5), other], [coding("1"), coding("2", "q", saw_model=True)], CUT)
    assert {j.saw_model for j in found.judgements} == {True}


def test_polarities_of_one_segment_that_differ_are_mixed() -> None:
    given_ = [coding("1", polarity=Polarity.ABSENT), coding("2", "q", polarity=Polarity.EXPERIENCED)]
    found = find([passage(0, 5), passage(6, 9, ident="q")], given_, CUT)
    assert [c.polarity for c in found.codings] == [Polarity.MIXED]


def test_documents_as_a_whole_and_gaps_are_counted_as_outside() -> None:
    found = find([passage(0, 240, whole=True), passage(90, 99, ident="q")], [coding("1"), coding("2", "q")], CUT)
    assert (found.codings, found.outside) == ((), 2)
