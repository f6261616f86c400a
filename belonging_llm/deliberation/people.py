"""What people have said so far, held in memory and brought up to date at every request.

Reading a hundred thousand judgements takes seconds, reading the few that are new takes milliseconds.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from belonging_llm.auditing.silence import Asked
from belonging_llm.codes import Outcome, Polarity
from belonging_llm.codes.merging import outcome_of, polarity_of
from belonging_llm.deliberation.word import Opinion, Word
from belonging_llm.segments import Span
from belonging_llm.store import Store
from belonging_llm.store.people import Looked, Marked, Reached

NOBODY = Reached(0, 0, 0, 0, 0, 0, 0)


class Anchored(NamedTuple):
    """How many judgements were made after seeing the model's; `decisions` of them settle a segment."""

    judgements: int = 0
    decisions: int = 0


@dataclass
class People:
    """People's words by segment and coder.

    Attributes:
        adjudicator: Under whose name decisions stand.
        version: Goes up whenever anything changed.
    """

    store: Store
    adjudicator: str
    version: int = 0
    _reached: Reached = NOBODY
    _words: dict[str, dict[str, Word]] = field(default_factory=dict)
    _codings: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def refresh(self) -> frozenset[str]:
        """Read what is new; returns the segments about which something is."""
        with self._lock:
            reached = self.store.people.reached()
            if reached == self._reached:
                return frozenset()
            changed = self._catch_up(reached)
            self._reached = reached
            self.version += 1
            return changed

    def raw(self, segment_id: str) -> list[Word]:
        """Words of those who coded a segment for themselves, by name: no adjudicator, nobody who saw the model's."""
        found = self._words.get(segment_id, {})
        return [found[c] for c in sorted(found) if c != self.adjudicator and not found[c].saw_model]

    def ruling(self, segment_id: str) -> Word | None:
        """The adjudicator's word, where it counts as gold: not by somebody who had seen the model's."""
        found = self.decision(segment_id)
        return None if found is None or found.saw_model else found

    def decision(self, segment_id: str) -> Word | None:
        """The adjudicator's word, whatever they had seen: with it the segment is settled."""
        return self._words.get(segment_id, {}).get(self.adjudicator)

    def anchored(self, segments: Collection[str]) -> Anchored:
        """Judgements of some segments that were made after seeing the model's."""
        seen = [word for s in segments for word in self._words.get(s, {}).values() if word.saw_model]
        return Anchored(len(seen), sum(word.coder == self.adjudicator for word in seen))

    @property
    def segments(self) -> Collection[str]:
        """Segments that somebody judged."""
        return self._words.keys()

    @property
    def withdrawn(self) -> int:
        """How many participants had left when this was read."""
        return self._reached.withdrawn

    def _catch_up(self, reached: Reached) -> frozenset[str]:
        """Read the segments that newer codings are about; everything where that does not explain the counts."""
        before = self._reached
        fresh = frozenset(self.store.people.since(before)) if before.looked else frozenset()
        # With another codebook, other codes are those that people were never asked about.
        if fresh and (reached.withdrawn, reached.codebook) == (before.withdrawn, before.codebook):
            read, codings = _words(self.store, fresh)
            more = sum(map(len, read.values())) - sum(len(self._words.get(i, {})) for i in fresh)
            coded = sum(codings.values()) - sum(self._codings.get(i, 0) for i in fresh)
            told = self.store.people.records_since(before)
            explained = before.looked + more, before.codings + coded, before.records + told
            if explained == (reached.looked, reached.codings, reached.records):
                self._words = {i: w for i, w in self._words.items() if i not in fresh} | read
                self._codings |= {i: codings[i] for i in fresh}
                return fresh
        old = self._words
        self._words, self._codings = _words(self.store, None)
        return frozenset(i for i in old.keys() | self._words.keys() if old.get(i) != self._words.get(i))


def _asked(store: Store) -> Asked:
    current = store.codebooks.current()
    return Asked(store.codebooks, [code.id for code in current.assignable] if current else [])


def _words(store: Store, segments: Collection[str] | None) -> tuple[dict[str, dict[str, Word]], Counter[str]]:
    """Words by segment and coder, and how many codings there are of each segment."""
    codings: Counter[str] = Counter()
    marks: dict[tuple[str, str], dict[str, Opinion]] = {}
    for one in store.people.marked(segments):
        marks.setdefault((one.segment_id, one.coder), {})[one.code] = _said(one)
        codings[one.segment_id] += 1
    found: dict[str, dict[str, Word]] = {}
    current = store.codebooks.current()
    if current and current.absorbed:
        marks = {key: _merged(given, current.absorbed) for key, given in marks.items()}
    asked = _asked(store)
    for looked in store.people.looked(segments):
        found.setdefault(looked.segment_id, {})[looked.coder] = _word(looked, marks, asked)
    return found, codings


def _word(looked: Looked, marks: Mapping[tuple[str, str], Mapping[str, Opinion]], asked: Asked) -> Word:
    given = marks.get((looked.segment_id, looked.coder), {})
    not_asked = asked.came_after(looked.codebook)
    return Word(looked.coder, looked.saw_model, looked.at, given, looked.codebook, not_asked)


def _merged(given: Mapping[str, Opinion], absorbed: Mapping[str, str]) -> dict[str, Opinion]:
    """The same with codes that were merged as one."""
    alike: dict[str, list[Opinion]] = {}
    for code, said in sorted(given.items()):
        alike.setdefault(absorbed.get(code, code), []).append(said)
    return {code: said[0] if len(said) == 1 else _as_one(said) for code, said in alike.items()}


def _as_one(said: Sequence[Opinion]) -> Opinion:
    outcome = outcome_of([one.outcome for one in said])
    count = [one for one in said if one.outcome is outcome]
    spans = sorted({span for one in count for span in one.spans}, key=lambda s: (s.start, s.end))
    rationale = "\n".join(dict.fromkeys(one.rationale for one in count if one.rationale))
    return Opinion(outcome, polarity_of(one.polarity for one in count), tuple(spans), rationale)


def _said(row: Marked) -> Opinion:
    spans = () if row.evidence == "[]" else tuple(Span(s["start"], s["end"]) for s in json.loads(row.evidence))
    polarity = Polarity(row.polarity) if row.polarity else None
    return Opinion(Outcome(row.outcome), polarity, tuple(sorted(spans, key=lambda s: (s.start, s.end))), row.rationale)
