"""The findings by segment, participant and code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from belonging_llm.codes.coding import Coding, Outcome
from belonging_llm.report.findings.records import Findings
from belonging_llm.report.findings.words import natural


class Corpus:
    """The findings, looked up many times and never changed.

    Attributes:
        segments: By id, in reading order.
        people: Participants who speak in a segment, P2 before P10.
        codes: By id, assignable or not.
        themed: Ids of segments in at least one theme.
        judged: Codings by segment id.
        stray: How many codings speak of a segment or a code that the run does not have.
    """

    def __init__(self, findings: Findings) -> None:
        self.segments = {s.id: s for s in findings.segments}
        self.people = tuple(sorted({s.participant for s in findings.segments}, key=natural))
        self.codes = {code.id: code for code in findings.framework.codes}
        self.themed = {m.segment_id for theme in findings.themes for m in theme.members}
        self.judged: dict[str, list[Coding]] = {}
        assignable = {code.id for code in findings.framework.assignable}
        known = [c for c in findings.codings if c.segment_id in self.segments and c.code in assignable]
        for coding in known:
            self.judged.setdefault(coding.segment_id, []).append(coding)
        self.stray = len(findings.codings) - len(known)

    @property
    def codings(self) -> Iterable[Coding]:
        """Judgements in reading order of their segments."""
        return (c for s in self.segments for c in self.judged.get(s, ()))

    def anchor(self, code_id: str) -> str:
        """What links to a code point at."""
        return f"code-{list(self.codes).index(code_id) + 1}"

    def speakers(self, segment_ids: Iterable[str]) -> Counter[str]:
        """How many of the segments each participant speaks."""
        return Counter(self.segments[i].participant for i in segment_ids)


def pick(codings: Iterable[Coding], outcome: Outcome) -> list[Coding]:
    """The codings with one outcome."""
    return [c for c in codings if c.outcome is outcome]
