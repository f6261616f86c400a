"""Clusters and themes against human codes."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.special import gammaln

from belonging_llm.evaluation.estimate import Estimate, Floats, estimate, undefined

EMPTY = "there is nothing to compare"


@dataclass(frozen=True)
class Grouping:
    """One grouping of units against another.

    Attributes:
        ari: Adjusted Rand index (Hubert & Arabie 1985); 1 for two equal groupings, also trivial ones.
        nmi: Mutual information over the mean entropy, which is V-measure (Rosenberg & Hirschberg 2007).
        p1: Σₜ nₜ/N · max over groups of F1, over gold classes t: TopicGPT's harmonic purity (Pham et al. 2024).
        purity: Units in their cluster's largest class, by share; `inverse_purity` with the roles exchanged.
    """

    n: int
    ari: Estimate
    nmi: Estimate
    homogeneity: Estimate
    completeness: Estimate
    rand: Estimate
    purity: Estimate
    inverse_purity: Estimate
    p1: Estimate


def compare(found: Sequence[Hashable], gold: Sequence[Hashable]) -> Grouping:
    """Compare cluster names with class names, unit by unit."""
    if not found:
        return Grouping(0, *(undefined(EMPTY),) * 8)
    table = _crossed(found, gold)
    n = table.sum()
    rows, columns = table.sum(1), table.sum(0)
    homogeneity, completeness, mutual, mean_entropy = _information(table)
    either = rows[:, None] + columns[None, :]
    return Grouping(
        n=int(n),
        ari=estimate(_ari(table), EMPTY),
        nmi=estimate(mutual / mean_entropy if mean_entropy > 1e-12 else 1.0, EMPTY),
        homogeneity=estimate(homogeneity, EMPTY),
        completeness=estimate(completeness, EMPTY),
        rand=estimate(_rand(table), "a single unit has no pairs"),
        purity=estimate(float(table.max(1).sum() / n), EMPTY),
        inverse_purity=estimate(float(table.max(0).sum() / n), EMPTY),
        p1=estimate(float((columns / n * (2 * table / either).max(0)).sum()), EMPTY),
    )


def _crossed(found: Sequence[Hashable], gold: Sequence[Hashable]) -> Floats:
    rows = {name: i for i, name in enumerate(dict.fromkeys(found))}
    columns = {name: i for i, name in enumerate(dict.fromkeys(gold))}
    table = np.zeros((len(rows), len(columns)))
    np.add.at(table, ([rows[f] for f in found], [columns[g] for g in gold]), 1)
    return table


def _pairs(counts: Floats) -> float:
    return float((counts * (counts - 1) / 2).sum())


def _ari(table: Floats) -> float:
    same, of_rows, of_columns = _pairs(table), _pairs(table.sum(1)), _pairs(table.sum(0))
    every = _pairs(table.sum(keepdims=True))
    chance = of_rows * of_columns / every if every else 0.0
    most = (of_rows + of_columns) / 2
    return (same - chance) / (most - chance) if most != chance else 1.0


def _rand(table: Floats) -> float:
    every = _pairs(table.sum(keepdims=True))
    agreed = every + 2 * _pairs(table) - _pairs(table.sum(1)) - _pairs(table.sum(0))
    return agreed / every if every else float("nan")


def _information(table: Floats) -> tuple[float, float, float, float]:
    """Homogeneity, completeness, mutual information and mean entropy, in nats."""
    p = table / table.sum()
    rows, columns = p.sum(1), p.sum(0)
    outer = rows[:, None] * columns[None, :]
    there = p > 0
    mutual = float((p[there] * np.log(p[there] / outer[there])).sum())
    of_rows, of_columns = (-float((m[m > 0] * np.log(m[m > 0])).sum()) for m in (rows, columns))
    homogeneity = mutual / of_columns if of_columns > 1e-12 else 1.0
    completeness = mutual / of_rows if of_rows > 1e-12 else 1.0
    return homogeneity, completeness, mutual, (of_rows + of_columns) / 2


@dataclass(frozen=True)
class ThemeMatch:
    """A theme beside the human code whose segments it shares most, in the best one-to-one pairing."""

    theme: str
    code: str
    shared: int
    f1: float
    p_value: float


@dataclass(frozen=True)
class Matching:
    """Themes against codes by shared segments.

    Attributes:
        f1: Shape (n_themes, n_codes): 2·shared / (theme + code).
        pairs: The one-to-one pairing with the largest sum of F1 that shares at least one segment.
        unmatched_themes: Themes without a code whose overlap is beyond chance; likewise `unmatched_codes`.
    """

    themes: tuple[str, ...]
    codes: tuple[str, ...]
    shared: Floats
    f1: Floats
    pairs: tuple[ThemeMatch, ...]
    unmatched_themes: tuple[str, ...]
    unmatched_codes: tuple[str, ...]


def match(
    themes: Mapping[str, Collection[str]], codes: Mapping[str, Collection[str]], n_units: int, *, alpha: float = 0.01
) -> Matching:
    """Pair themes with codes (optimal assignment) and say which overlaps are beyond chance.

    Args:
        themes: Segments of each theme, by name; likewise `codes`.
        n_units: All segments, those in no theme and without a code too.
        alpha: An overlap counts as a match if chance would give it with at most this probability
            (hypergeometric, upper tail), times the number of pairs that were looked at (Bonferroni).
    """
    rows, columns = list(themes), list(codes)
    theirs, gold = [set(themes[t]) for t in rows], [set(codes[c]) for c in columns]
    shared = np.array([[len(a & b) for b in gold] for a in theirs], float).reshape(len(rows), len(columns))
    sizes = np.array([[max(len(a) + len(b), 1) for b in gold] for a in theirs], float).reshape(shared.shape)
    f1 = 2 * shared / sizes
    pairs = []
    for i, j in zip(*linear_sum_assignment(-f1), strict=True):
        if shared[i, j] > 0:
            p = _beyond_chance(int(shared[i, j]), len(theirs[i]), len(gold[j]), n_units)
            pairs.append(ThemeMatch(rows[i], columns[j], int(shared[i, j]), float(f1[i, j]), p))
    # The pairing looked for the best overlaps, among as many as there are pairs.
    sure = [pair for pair in pairs if pair.p_value * shared.size <= alpha]
    return Matching(
        themes=tuple(rows),
        codes=tuple(columns),
        shared=shared,
        f1=f1,
        pairs=tuple(pairs),
        unmatched_themes=tuple(t for t in rows if t not in {p.theme for p in sure}),
        unmatched_codes=tuple(c for c in columns if c not in {p.code for p in sure}),
    )


def _beyond_chance(shared: int, theme: int, code: int, n: int) -> float:
    """P(at least `shared` in common) for random sets of these sizes."""

    def log_choose(a: Floats | float, b: Floats | float) -> Floats:
        return np.asarray(gammaln(np.add(a, 1)) - gammaln(np.add(b, 1)) - gammaln(np.subtract(a, b) + 1))

    possible = np.arange(max(shared, theme + code - n), min(theme, code) + 1, dtype=float)
    logs = log_choose(code, possible) + log_choose(n - code, theme - possible)
    return float(min(np.exp(logs - log_choose(n, theme)).sum(), 1.0))
