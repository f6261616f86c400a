"""The model beside what people settled on, worked by hand."""

from __future__ import annotations

import pytest

from belonging_llm.codes import Outcome, Polarity
from belonging_llm.deliberation import Opinion, Word
from belonging_llm.inspection import Settled, settled
from belonging_llm.segments import Span

THERE, NOT_THERE = Polarity.EXPERIENCED, Polarity.ABSENT


def gave(polarity: Polarity | None = THERE, *spans: tuple[int, int]) -> Opinion:
    return Opinion(Outcome.ASSIGNED, polarity, tuple(Span(*s) for s in spans))


def word(coder: str, said: Opinion | None = None) -> Word:
    return Word(coder, marks={"home": said} if said else {})


YES, YES_ABSENT, NO = word("A", gave()), word("B", gave(NOT_THERE)), word("C")
OPEN = word("D", Opinion(Outcome.ABSTAINED))


@pytest.mark.parametrize(
    ("words", "ruling", "wanted"),
    [
        ([YES, YES], None, Settled(True, THERE)),
        ([YES, NO], None, Settled(None)),  # a tie is nobody's word
        ([YES, NO, NO], None, Settled(False)),
        ([YES, YES_ABSENT, NO], None, Settled(True, None)),  # most give it, and no polarity leads
        ([YES, OPEN], None, Settled(True, THERE)),  # who abstained is not counted
        ([OPEN], None, Settled(None)),
        ([YES, YES], word("adjudicated"), Settled(False, ruled=True)),  # the adjudicator's word stands over all
        ([YES, NO], word("adjudicated", gave(NOT_THERE, (0, 4))), Settled(True, NOT_THERE, (Span(0, 4),), ruled=True)),
    ],
)
def test_what_people_settled_on(words: list[Word], ruling: Word | None, wanted: Settled) -> None:
    assert settled("home", words, ruling) == wanted
