"""Line judgements up when people cut the text differently: character by character.

Between two neighbouring ends of any coder's spans nothing changes, so such a stretch is one unit whose
weight is its number of characters; nothing is repeated per character.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from belonging_llm.evaluation.ratings import MISSING, Ratings


@dataclass(frozen=True)
class CodedSpan:
    """A coder gave a code to characters `start` to `end` (exclusive) of a document."""

    document: str
    coder: str
    code: str
    start: int
    end: int


def by_character(
    spans: Sequence[CodedSpan], *, judged: Mapping[str, Collection[str]], lengths: Mapping[str, int]
) -> Ratings:
    """Ratings whose units are stretches of text weighted by their characters, clustered by document.

    Args:
        judged: Documents that each coder went through, by coder; whoever coded a span went through its document.
        lengths: Characters of each document.

    Raises:
        ValueError: a span is empty or lies outside its document, or a document has no length.
    """
    went: dict[str, set[str]] = defaultdict(set)
    for coder, documents in judged.items():
        went[coder] |= set(documents)
    for span in spans:
        went[span.coder].add(span.document)
    documents = sorted(set().union(*went.values())) if went else []
    lost = [document for document in documents if document not in lengths]
    if lost:
        raise ValueError(f"document {lost[0]} has no length")
    for span in spans:
        if not 0 <= span.start < span.end <= lengths[span.document]:
            raise ValueError(
                f"document {span.document}: the span {span.start} to {span.end} of {span.coder} is empty or lies "
                f"outside its {lengths[span.document]} characters"
            )
    coders, codes = sorted(went), sorted({span.code for span in spans})
    # A document without characters holds no unit, and would be drawn as a participant who said nothing.
    documents = [document for document in documents if lengths[document]]
    names, parts, clusters, weights = [], [], [], []
    for place, document in enumerate(documents):
        here = [span for span in spans if span.document == document]
        cuts = sorted({0, lengths[document], *(s.start for s in here), *(s.end for s in here)})
        marks = np.full((len(coders), len(cuts) - 1, len(codes)), MISSING, np.int8)
        marks[[coders.index(c) for c in coders if document in went[c]]] = 0
        for span in here:
            reach = slice(cuts.index(span.start), cuts.index(span.end))
            marks[coders.index(span.coder), reach, codes.index(span.code)] = 1
        parts.append(marks)
        names += [f"{document} [{a}, {b})" for a, b in itertools.pairwise(cuts)]
        clusters += [place] * (len(cuts) - 1)
        weights += [float(b - a) for a, b in itertools.pairwise(cuts)]
    empty = np.empty((len(coders), 0, len(codes)), np.int8)
    return Ratings(
        units=tuple(names),
        coders=tuple(coders),
        codes=tuple(codes),
        marks=np.concatenate(parts, axis=1) if parts else empty,
        clusters=np.array(clusters, np.intp),
        cluster_names=tuple(documents),
        clustered_by="document_id",
        weights=np.array(weights),
    )
