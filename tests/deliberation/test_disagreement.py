"""What people disagree about, worked by hand."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from belonging_llm.codes import Outcome, Polarity
from belonging_llm.deliberation import About, Opinion, Standing, Word, contested, shared, standing, together
from belonging_llm.segments import Span

THERE, NOT_THERE = Polarity.EXPERIENCED, Polarity.ABSENT


def gave(polarity: Polarity | None = THERE, *spans: tuple[int, int]) -> Opinion:
    return Opinion(Outcome.ASSIGNED, polarity, tuple(Span(*s) for s in spans))


def word(coder: str, at: str = "2026-01-01", **marks: Opinion) -> Word:
    return Word(coder, at=at, marks=marks)


def told(*words: Word) -> list[tuple[str, tuple[About, ...]]]:
    return [(c.code, c.about) for c in contested(words)]


def test_a_code_that_one_gave_and_another_did_not() -> None:
    assert told(word("A", home=gave()), word("B")) == [("home", (About.CODE,))]
    assert told(word("A", home=gave()), word("B", home=gave())) == []


def test_who_abstained_on_a_code_disagrees_with_nobody() -> None:
    assert told(word("A", home=gave()), word("B", home=Opinion(Outcome.ABSTAINED))) == []
    (found,) = contested([word("A", home=gave()), word("B", home=Opinion(Outcome.ABSTAINED)), word("C")])
    assert sorted(found.said) == ["A", "C"]


def test_the_same_code_with_another_polarity_or_in_other_words() -> None:
    assert told(word("A", home=gave(THERE)), word("B", home=gave(NOT_THERE))) == [("home", (About.POLARITY,))]
    apart = told(word("A", home=gave(THERE, (0, 5))), word("B", home=gave(THERE, (5, 9))))
    assert apart == [("home", (About.SPAN,))]
    touching = told(word("A", home=gave(THERE, (0, 6))), word("B", home=gave(THERE, (5, 9))))
    assert touching == []


def test_a_polarity_or_span_that_somebody_left_out_is_no_disagreement() -> None:
    assert told(word("A", home=gave(None)), word("B", home=gave(THERE, (0, 3)))) == []


def test_how_far_people_are() -> None:
    a, b = word("A", home=gave()), word("B")
    assert standing([a], None) is Standing.ONCE
    assert standing([a, a], None) is Standing.AGREED
    assert standing([a, b], None) is Standing.OPEN
    assert standing([a, b], word("adjudicated", at="2026-01-02")) is Standing.SETTLED
    later = word("B", at="2026-01-03")
    assert standing([a, later], word("adjudicated", at="2026-01-02")) is Standing.REOPENED


def test_what_agreeing_people_have_in_common() -> None:
    a = word("A", home=gave(THERE, (0, 6)), group=gave(None))
    b = word("B", home=gave(None, (4, 9)), group=gave(NOT_THERE))
    assert together([a, b]) == {"group": gave(NOT_THERE), "home": gave(THERE, (4, 6))}
    assert together([word("A"), word("B")]) == {}
    # What one gives and another denies is nothing in common; who leaves it open denies nothing.
    assert together([word("A", home=gave()), word("B")]) == {}
    assert together([word("A", home=gave()), word("B", home=Opinion(Outcome.ABSTAINED))]) == {"home": gave()}


SPANS = st.lists(st.tuples(st.integers(0, 20), st.integers(1, 5)).map(lambda s: Span(s[0], s[0] + s[1])), max_size=4)


@given(SPANS, SPANS)
def test_shared_stretches_are_the_characters_in_both(one: list[Span], other: list[Span]) -> None:
    def characters(spans: list[Span] | tuple[Span, ...]) -> set[int]:
        return {i for s in spans for i in range(s.start, s.end)}

    assert characters(shared(one, other)) == characters(one) & characters(other)
    assert shared(one, other) == shared(other, one)
