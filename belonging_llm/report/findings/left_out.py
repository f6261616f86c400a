"""What was left out: segments in no theme, and segments without any code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from belonging_llm.codes.coding import Outcome
from belonging_llm.report.findings.corpus import Corpus, pick
from belonging_llm.report.findings.lists import Listed, cut
from belonging_llm.report.findings.passages import Passage, show
from belonging_llm.report.findings.records import Findings
from belonging_llm.report.findings.share import Share


@dataclass(frozen=True)
class LeftOut:
    """Segments left out, of `segments` in all; `unsettled` counts the uncoded ones that some code leaves open."""

    outliers: Listed[Passage]
    too_short: Listed[Passage]
    uncoded: Listed[Passage]
    unsettled: int
    segments: int

    @property
    def outliers_share(self) -> Share:
        """Segments that lie near no theme."""
        return Share(self.outliers.total, self.segments)

    @property
    def too_short_share(self) -> Share:
        """Segments with too few words to be grouped."""
        return Share(self.too_short.total, self.segments)

    @property
    def uncoded_share(self) -> Share:
        """Segments that were judged, and to which no code was assigned."""
        return Share(self.uncoded.total, self.segments)


def collect(findings: Findings, corpus: Corpus) -> LeftOut:
    """All that stands in no theme or under no code."""
    bare = {i for i, codings in corpus.judged.items() if not pick(codings, Outcome.ASSIGNED)}
    unsettled = [i for i in bare if any(c.outcome is not Outcome.NOT_ASSIGNED for c in corpus.judged[i])]
    return LeftOut(
        outliers=_listed(findings.outliers, corpus),
        too_short=_listed(findings.too_short, corpus),
        uncoded=_listed([i for i in corpus.segments if i in bare], corpus),
        unsettled=len(unsettled),
        segments=len(corpus.segments),
    )


def _listed(segment_ids: Sequence[str], corpus: Corpus) -> Listed[Passage]:
    return cut(segment_ids, lambda segment_id: show(corpus.segments[segment_id]))
