"""The model's outcomes beside what people settled on, kept up to date while people go on."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from belonging_llm.codes import Outcome, Polarity
from belonging_llm.deliberation import Opinion, People, Word, shared
from belonging_llm.inspection.matrix import NOTHING, OUTCOMES, POLARITIES, Matrix, Small
from belonging_llm.segments import Span
from belonging_llm.store import Store


class Beside(StrEnum):
    """How the model's outcome on a pair stands to what people settled on.

    `left`: the model left to people (or failed on) what they settled. `unsettled`: people disagree, and nobody has
    settled it. `unjudged`: no person has judged the segment.
    """

    SAME = "same"
    MISSED = "missed"
    EXTRA = "extra"
    POLARITY = "polarity"
    EVIDENCE = "evidence"
    LEFT = "left"
    UNSETTLED = "unsettled"
    UNJUDGED = "unjudged"


KINDS = tuple(Beside)
DIFFERENT = (Beside.MISSED, Beside.EXTRA, Beside.POLARITY, Beside.EVIDENCE)
_KIND = {kind: k for k, kind in enumerate(KINDS)}
_ASSIGNED, _NOT_ASSIGNED = OUTCOMES.index(Outcome.ASSIGNED), OUTCOMES.index(Outcome.NOT_ASSIGNED)


@dataclass(frozen=True)
class Settled:
    """What people settled on for one pair.

    Attributes:
        assigned: None where they disagree and nobody ruled, or all abstained or were never asked.
        spans: Words that those who gave it marked.
        ruled: The adjudicator's word, not a majority's.
    """

    assigned: bool | None
    polarity: Polarity | None = None
    spans: tuple[Span, ...] = ()
    ruled: bool = False


@dataclass
class Comparison:
    """A matrix beside people.

    Attributes:
        kind: int8, shape (n_segments, n_codes), a place in `KINDS`.
    """

    store: Store
    matrix: Matrix
    people: People
    kind: Small = field(init=False)

    def __post_init__(self) -> None:
        self.kind = np.full(self.matrix.outcome.shape, _KIND[Beside.UNJUDGED], np.int8)
        self.update(self.people.segments)

    def update(self, changed: Collection[str]) -> None:
        """Look again at segments about which people said something."""
        here = [segment for segment in changed if segment in self.matrix.row]
        if not here:
            return
        evidence = self._evidence(here)
        for segment in here:
            row = self.matrix.row[segment]
            words, ruling = self.people.raw(segment), self.people.ruling(segment)
            for k, code in enumerate(self.matrix.codes):
                self.kind[row, k] = _KIND[self._kind(row, k, words, ruling, evidence.get((segment, code), ()))]

    def settled(self, segment_id: str, code: str) -> Settled:
        """What people settled on for one pair."""
        return settled(code, self.people.raw(segment_id), self.people.ruling(segment_id))

    def _kind(
        self, row: int, column: int, words: Sequence[Word], ruling: Word | None, evidence: Sequence[Span]
    ) -> Beside:
        if not words and ruling is None:
            return Beside.UNJUDGED
        people = settled(self.matrix.codes[column], words, ruling)
        if people.assigned is None:
            return Beside.UNSETTLED
        outcome = int(self.matrix.outcome[row, column])
        if outcome not in (_ASSIGNED, _NOT_ASSIGNED):
            return Beside.UNJUDGED if outcome == NOTHING else Beside.LEFT
        if people.assigned != (outcome == _ASSIGNED):
            return Beside.MISSED if people.assigned else Beside.EXTRA
        return (
            self._nuance(people, int(self.matrix.polarity[row, column]), evidence) if people.assigned else Beside.SAME
        )

    def _nuance(self, people: Settled, polarity: int, evidence: Sequence[Span]) -> Beside:
        """Both give the code: which way, and in which words."""
        if people.polarity and polarity != NOTHING and POLARITIES[polarity] is not people.polarity:
            return Beside.POLARITY
        return Beside.EVIDENCE if people.spans and evidence and not shared(people.spans, evidence) else Beside.SAME

    def _evidence(self, segments: Collection[str]) -> Mapping[tuple[str, str], tuple[Span, ...]]:
        return {
            (segment, code): tuple(Span(s["start"], s["end"]) for s in json.loads(spans))
            for segment, code, spans in self.store.outcomes.evidence(self.matrix.run_id, segments)
        }


def settled(code: str, words: Sequence[Word], ruling: Word | None) -> Settled:
    """The adjudicator's word where there is one, else what most of the people said; a tie is nobody's word."""
    if ruling is not None and (said := ruling.on(code)).asked:
        return Settled(said.assigned, said.polarity, said.spans, ruled=True)
    given = [one for word in words if (one := word.on(code)).assigned]
    without = sum(word.on(code).outcome is Outcome.NOT_ASSIGNED for word in words)
    if len(given) == without:
        return Settled(None)
    if len(given) < without:
        return Settled(False)
    return Settled(True, _most(given), tuple(span for one in given for span in one.spans))


def _most(given: Sequence[Opinion]) -> Polarity | None:
    """The polarity that most judged; None where none leads."""
    counts = Counter(one.polarity for one in given if one.polarity).most_common(2)
    if not counts or (len(counts) > 1 and counts[0][1] == counts[1][1]):
        return None
    return counts[0][0]
