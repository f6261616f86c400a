"""Carry people's passages over to the segments of the cut in use, so that they can be learned from and judged by."""

from __future__ import annotations

from belonging_llm.passages import find
from belonging_llm.study import Study


def place(study: Study) -> int:
    """Keep what passages say of segments; what is kept already stays as it is.

    Codings of codes that the codebook lacks stay with their passages alone.

    Returns:
        Codings of passages that touch no segment.
    """
    store = study.store
    codes = {code.id for code in study.framework().assignable}
    codings = [c for c in store.exchanges.codings() if c.code in codes]
    if not codings:
        return 0
    found = find(store.exchanges.passages(), codings, store.corpus.segments())
    store.findings.add_codings(found.codings)
    store.findings.add_judged(found.judgements)
    return found.outside
