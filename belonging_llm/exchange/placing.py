"""Carry people's passages over to the segments of the cut in use, so that they can be learned from and judged by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from belonging_llm.passages import find
from belonging_llm.segments import Segment
from belonging_llm.study import Study


def place(study: Study, transcripts: Collection[str]) -> int:
    """Keep what passages of some transcripts say of their segments; what is kept already stays as it is.

    Codings of codes that the codebook lacks stay with their passages alone.

    Returns:
        Codings of passages that touch no segment.
    """
    if not transcripts:
        return 0
    store = study.store
    framework = study.framework()
    # Of codes that were merged people's codings are kept as they were made, and counted as the other's.
    codes = {code.id for code in framework.assignable} | framework.absorbed.keys()
    inside: dict[str, list[Segment]] = defaultdict(list)
    for segment in store.corpus.segments_of(sorted(transcripts)):
        inside[segment.transcript_id].append(segment)
    outside = 0
    for transcript in sorted(transcripts):
        codings = [c for c in store.exchanges.codings(transcript) if c.code in codes]
        if not codings:
            continue
        found = find(store.exchanges.passages(transcript), codings, inside[transcript])
        store.findings.add_codings(found.codings)
        store.findings.add_judged(found.judgements)
        outside += found.outside
    return outside
