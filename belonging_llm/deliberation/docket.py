"""What waits to be settled: which segments, in which order, and how far it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from belonging_llm.deliberation.disagreement import About, Contested, Standing, contested, standing
from belonging_llm.deliberation.people import People


@dataclass(frozen=True)
class Progress:
    """How many segments stand how; `contested` counts disagreements that are not settled, by code."""

    standings: Mapping[Standing, int]
    contested: Mapping[str, int]

    @property
    def waiting(self) -> int:
        """Segments that somebody has to decide."""
        return self.standings[Standing.OPEN] + self.standings[Standing.REOPENED]


@dataclass
class Docket:
    """Segments that people judged, with how far they are with each.

    Attributes:
        order: Segments in the order in which they come up: that of the interviews.
        codes: Codes of the codebook in use; others are not held against anybody.
    """

    people: People
    order: Sequence[str]
    codes: Collection[str]
    _standing: dict[str, Standing] = field(default_factory=dict)
    _contested: dict[str, tuple[Contested, ...]] = field(default_factory=dict)

    def update(self, changed: Collection[str]) -> None:
        """Look again at segments about which something was said."""
        for segment in changed:
            words = self.people.raw(segment)
            self._standing.pop(segment, None)
            self._contested.pop(segment, None)
            if words:
                self._standing[segment] = standing(words, self.people.decision(segment))
                found = tuple(c for c in contested(words) if c.code in self.codes)
                if found:
                    self._contested[segment] = found
                elif self._standing[segment] is Standing.OPEN:
                    self._standing[segment] = Standing.AGREED

    def standing(self, segment_id: str) -> Standing | None:
        """How far people are with a segment; None where nobody coded it."""
        return self._standing.get(segment_id)

    def contested(self, segment_id: str) -> tuple[Contested, ...]:
        """What is contested on a segment, settled or not."""
        return self._contested.get(segment_id, ())

    def progress(self) -> Progress:
        """How far it is."""
        # Copies: another request may change them meanwhile.
        standings, contested = dict(self._standing), list(self._contested.items())
        counts: Counter[Standing] = Counter(standings.values())
        waiting = Counter(c.code for s, found in contested for c in found if standings.get(s) in _WAITING)
        return Progress({s: counts[s] for s in Standing}, waiting)

    def those(
        self, standings: Collection[Standing], *, code: str = "", about: About | None = None, after: str = ""
    ) -> Iterator[str]:
        """Segments that stand so, in order.

        Args:
            code: Only where this code is contested; likewise `about`.
            after: Begin behind this segment.
        """
        behind = not after or after not in self._place
        for segment in self.order:
            if behind and self._standing.get(segment) in standings and self._is_about(segment, code, about):
                yield segment
            behind = behind or segment == after

    @property
    def _place(self) -> Collection[str]:
        return frozenset(self.order)

    def _is_about(self, segment: str, code: str, about: About | None) -> bool:
        if not code and about is None:
            return True
        return any(
            (not code or c.code == code) and (about is None or about in c.about) for c in self.contested(segment)
        )


_WAITING = (Standing.OPEN, Standing.REOPENED)
