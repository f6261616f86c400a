"""In-vivo phrases: participants' own words that lie nearest to the middle of a cluster."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from belonging_llm.clusters import Cluster, Clustering
from belonging_llm.embeddings import Vectors

Embed = Callable[[Sequence[str]], Vectors]

WORDS = range(4, 10)
APART = 0.6
_CLAUSE = re.compile(r"[^.,;:?!…\"“”()\[\]\n]+")


@dataclass(frozen=True)
class Phrase:
    """Verbatim words: row of the segment, half-open code-point offsets into its text."""

    index: int
    start: int
    end: int
    words: str


def own_words(clustering: Clustering, texts: Sequence[str], embed: Embed, *, count: int = 4) -> list[list[Phrase]]:
    """For each cluster, short verbatim phrases near its centroid and far from the others'.

    Args:
        texts: The rows that the clustering indexes.
        embed: Unit vectors by the encoder that made the centroids.
    """
    found = [list(_clauses(cluster, texts)) for cluster in clustering.clusters]
    pool = sorted({phrase.words for phrases in found for phrase in phrases})
    if not pool:
        return [[] for _ in found]
    centroids = np.stack([cluster.centroid for cluster in clustering.clusters])
    vectors = embed(pool)
    row = {words: i for i, words in enumerate(pool)}
    return [
        _nearest(number, phrases, vectors[[row[p.words] for p in phrases]], centroids, count)
        for number, phrases in enumerate(found)
    ]


def _clauses(cluster: Cluster, texts: Sequence[str]) -> Iterator[Phrase]:
    seen: set[str] = set()
    for row in cluster.core:
        for clause in _CLAUSE.finditer(texts[row]):
            words = clause.group().strip(" -–—'’")
            if len(words.split()) in WORDS and words.casefold() not in seen:
                seen.add(words.casefold())
                start = texts[row].index(words, clause.start())
                yield Phrase(row, start, start + len(words), words)


def _nearest(number: int, phrases: Sequence[Phrase], vectors: Vectors, centroids: Vectors, count: int) -> list[Phrase]:
    """The best phrases that do not repeat each other."""
    if not phrases:
        return []
    closeness = vectors @ centroids.T
    rivals = np.delete(closeness, number, axis=1).max(axis=1, initial=0.0)
    chosen: list[int] = []
    for i in np.argsort(-(closeness[:, number] - APART * rivals), kind="stable"):
        if all(vectors[i] @ vectors[j] < APART for j in chosen):
            chosen.append(int(i))
        if len(chosen) == count:
            break
    return [phrases[i] for i in chosen]
