"""Carry people's passages over to the segments of the cut in use, so that they can be learned from and judged by."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from belonging_llm.exchange.claimed import claimed
from belonging_llm.passages import find
from belonging_llm.segments import Segment
from belonging_llm.study import Study


@dataclass(frozen=True)
class Placed:
    """What became of passages' codings.

    Attributes:
        outside: Codings of passages that touch no segment.
        claimed: By coder, codings of segments that were left out because the coder codes in the review application.
    """

    outside: int = 0
    claimed: Mapping[str, int] = field(default_factory=dict)


def place(study: Study, transcripts: Collection[str]) -> Placed:
    """Keep what passages of some transcripts say of their segments; what is kept already stays as it is.

    Codings of codes that the codebook lacks, and of people who code in the review application, stay with their passages
    alone.
    """
    if not transcripts:
        return Placed()
    store = study.store
    framework = study.framework()
    # Of codes that were merged people's codings are kept as they were made, and counted as the other's.
    codes = {code.id for code in framework.assignable} | framework.absorbed.keys()
    inside: dict[str, list[Segment]] = defaultdict(list)
    for segment in store.corpus.segments_of(sorted(transcripts)):
        inside[segment.transcript_id].append(segment)
    outside, left, theirs = 0, Counter[str](), claimed(study)
    for transcript in sorted(transcripts):
        codings = [c for c in store.exchanges.codings(transcript) if c.code in codes]
        if not codings:
            continue
        found = find(store.exchanges.passages(transcript), codings, inside[transcript])
        store.findings.add_codings([c for c in found.codings if not theirs.holds(c.segment_id, c.coder)])
        store.findings.add_judged([j for j in found.judgements if not theirs.holds(j.segment_id, j.coder)])
        outside += found.outside
        left.update(c.coder for c in found.codings if theirs.holds(c.segment_id, c.coder))
    return Placed(outside, dict(sorted(left.items())))
