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

from belonging_llm.evaluation.ratings import MISSING, Marks, Ratings


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
    every = sorted(set().union(*went.values())) if went else []
    _check(spans, every, lengths)
    coders, codes = sorted(went), sorted({span.code for span in spans})
    # A document without characters holds no unit, and would be drawn as a participant who said nothing.
    kept = [document for document in every if lengths[document]]
    inside = {document: [span for span in spans if span.document == document] for document in kept}
    cuts = {document: _cuts(inside[document], lengths[document]) for document in kept}
    ends = [(document, a, b) for document in kept for a, b in itertools.pairwise(cuts[document])]
    parts = [
        _marks(inside[document], cuts[document], [document in went[c] for c in coders], coders, codes)
        for document in kept
    ]
    empty = np.empty((len(coders), 0, len(codes)), np.int8)
    return Ratings(
        units=tuple(f"{document} [{a}, {b})" for document, a, b in ends),
        coders=tuple(coders),
        codes=tuple(codes),
        marks=np.concatenate(parts, axis=1) if parts else empty,
        clusters=np.array([kept.index(document) for document, _, _ in ends], np.intp),
        cluster_names=tuple(kept),
        clustered_by="document_id",
        weights=np.array([float(b - a) for _, a, b in ends]),
    )


def _check(spans: Sequence[CodedSpan], documents: Sequence[str], lengths: Mapping[str, int]) -> None:
    lost = [document for document in documents if document not in lengths]
    if lost:
        raise ValueError(f"document {lost[0]} has no length")
    for span in spans:
        if not 0 <= span.start < span.end <= lengths[span.document]:
            raise ValueError(
                f"document {span.document}: the span {span.start} to {span.end} of {span.coder} is empty or lies "
                f"outside its {lengths[span.document]} characters"
            )


def _cuts(spans: Sequence[CodedSpan], length: int) -> list[int]:
    """Where anything begins or ends in one document."""
    return sorted({0, length, *(s.start for s in spans), *(s.end for s in spans)})


def _marks(
    spans: Sequence[CodedSpan], cuts: Sequence[int], went: Sequence[bool], coders: Sequence[str], codes: Sequence[str]
) -> Marks:
    """Marks of one document's stretches, shape (n_coders, n_stretches, n_codes)."""
    marks = np.full((len(coders), len(cuts) - 1, len(codes)), MISSING, np.int8)
    marks[np.array(went, bool)] = 0
    for span in spans:
        reach = slice(cuts.index(span.start), cuts.index(span.end))
        marks[coders.index(span.coder), reach, codes.index(span.code)] = 1
    return marks
