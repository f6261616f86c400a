"""Which segments stand for a cluster, and which words set it apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from belonging_llm.clusters import Cluster, Clustering
from belonging_llm.embeddings import Vectors

_WORD = r"(?u)\b[^\W\d_]{3,}\b"


def choose(cluster: Cluster, others: Sequence[Cluster], vectors: Vectors, *, count: int = 5) -> list[int]:
    """Rows that show a cluster: central ones first, then diverse ones that its neighbours lack.

    The first half are nearest to the centroid; each further one maximises closeness to the
    centroid, less closeness to those already chosen and to the nearest other centroid
    (maximal marginal relevance; Carbonell & Goldstein 1998).

    Args:
        vectors: float32, shape (n, dim), the rows that the cluster's members index.
    """
    core = cluster.core
    central = vectors[core] @ cluster.centroid
    rivals = np.stack([c.centroid for c in others]) if others else np.zeros((1, vectors.shape[1]), np.float32)
    confusable = np.maximum((vectors[core] @ rivals.T).max(axis=1), 0)
    chosen = [int(i) for i in np.argsort(-central, kind="stable")[: (count + 1) // 2]]
    while len(chosen) < min(count, len(core)):
        repeated = (vectors[core] @ vectors[[core[i] for i in chosen]].T).max(axis=1)
        score = central - 0.5 * repeated - 0.5 * confusable
        score[chosen] = -np.inf
        chosen.append(int(np.argmax(score)))
    return [core[i] for i in chosen]


def distinctive_terms(clustering: Clustering, texts: Sequence[str], *, count: int = 8) -> list[list[str]]:
    """Words by which each cluster differs from the rest (class-based TF-IDF; Grootendorst 2022).

    Returns:
        For each cluster, up to `count` words by falling weight.
    """
    from sklearn.feature_extraction.text import CountVectorizer

    joined = [" ".join(texts[row] for row in c.core) for c in clustering.clusters]
    counter = CountVectorizer(token_pattern=_WORD, stop_words="english", lowercase=True)
    try:
        counts = counter.fit_transform(joined).toarray().astype(float)
    except ValueError:
        # Nothing but stop words anywhere.
        return [[] for _ in joined]
    words = counter.get_feature_names_out()
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    weight = share * np.log1p(counts.sum() / len(joined) / np.maximum(counts.sum(axis=0), 1))
    order = np.argsort(-weight, axis=1, kind="stable")[:, :count]
    return [[str(words[j]) for j in row if weight[i, j] > 0] for i, row in enumerate(order)]
