"""Agreement of everyone with everyone on every code, in one pass, with intervals by participant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from belonging_llm.evaluation.alpha import NO_PAIRS, NO_VARIATION, binary_alphas
from belonging_llm.evaluation.estimate import Estimate, Floats, estimate, undefined
from belonging_llm.evaluation.intervals import Intervals, Resampling, bootstrap, warnings
from belonging_llm.evaluation.ratings import Ratings
from belonging_llm.evaluation.scores import Scores, scores
from belonging_llm.evaluation.sets import SetAlpha, set_alpha
from belonging_llm.evaluation.several_coders import SeveralCoders, fleiss_kappa, several_coders
from belonging_llm.evaluation.tallies import coincidence_cells, pair_cells
from belonging_llm.evaluation.two_coders import NominalPanel, Panel, kappas, nominal_panel, panel

Panels = TypeVar("Panels", NominalPanel, SeveralCoders)
CHARACTERS = "character"
NOT_INDEPENDENT = "characters are not independent, so no standard error is given"
NO_ERROR = "no formula gives a standard error here"
NO_INTERVAL = "undefined on most resamples, or fewer than two clusters"


@dataclass(frozen=True)
class CodeAgreement:
    """One code: every pair of coders, and all coders together.

    Attributes:
        n_judged: Units (or characters) that at least one coder judged.
        n_positive: Units (or characters) that each coder gave the code.
        pairs: By `A|B`.
        scores: By `A|B`, A the reference; empty unless a reference was named.
    """

    n_judged: float
    n_positive: dict[str, float]
    pairs: dict[str, Panel]
    alpha: Estimate
    fleiss_kappa: Estimate
    scores: dict[str, Scores] = field(default_factory=dict)


@dataclass(frozen=True)
class SingleAgreement:
    """Exclusive categories, one a unit."""

    categories: tuple[str, ...]
    pairs: dict[str, NominalPanel]
    alpha: Estimate
    fleiss_kappa: Estimate
    several: SeveralCoders


@dataclass(frozen=True)
class Agreement:
    """Everything that coders' judgements say about their agreement.

    Attributes:
        kappas: Intervals of kappa, shape (n_pairs, n_codes); its draws allow paired comparisons.
    """

    ratings: Ratings
    unit: str
    codes: dict[str, CodeAgreement]
    single: SingleAgreement | None
    set_alpha: SetAlpha
    resampling: Resampling
    kappas: Intervals
    warnings: list[str]

    @property
    def undefined(self) -> list[dict[str, str]]:
        """Where a statistic has no value, and why."""
        return [{"where": where, "reason": reason} for where, reason in _undefined(self)]

    @property
    def left_out(self) -> dict[str, int]:
        """How many resamples were left out because a figure was undefined on them, where any was."""
        return {where: round(share * self.resampling.draws) for where, share in _degenerate(self) if share > 0}

    def as_json(self) -> dict[str, Any]:
        """The public JSON; an undefined value is None and has a line in `undefined`."""
        found = self.ratings
        return {
            "n_units": len(found.units),
            "coders": list(found.coders),
            "unit": self.unit,
            "cluster": found.clustered_by,
            "n_clusters": found.n_clusters if found.clustered_by else None,
            "codes": {code: _code_json(a) for code, a in self.codes.items()},
            "single": _single_json(self.single) if self.single else None,
            "set_alpha": {"masi": self.set_alpha.masi.value, "jaccard": self.set_alpha.jaccard.value},
            "undefined": self.undefined + [{"where": where, "reason": e.reason} for where, e in _parts(self)],
            "flags": [
                {"where": f"{code} {pair} kappa", "flag": p.kappa.flag}
                for code, a in self.codes.items()
                for pair, p in a.pairs.items()
                if p.kappa.flag
            ],
            "warnings": self.warnings,
            "intervals": {
                "level": self.resampling.level,
                "method": self.resampling.method,
                "draws": self.resampling.draws,
                "seed": self.resampling.seed,
                "degenerate": {where: round(share, 4) for where, share in _degenerate(self) if share > 0},
                "left_out": self.left_out,
            },
        }


def agree(
    ratings: Ratings,
    *,
    against: str | None = None,
    single: bool = False,
    unit: str = "segment",
    resampling: Resampling | None = None,
) -> Agreement:
    """Every coefficient for every code, all intervals from the same resamples.

    Args:
        against: Take this coder as the reference: only pairs with it, with precision, recall and F1.
        single: Every judged unit has exactly one code (or none at all): also compare the categories.
        unit: What the units are, `segment` or `character`.

    Raises:
        ValueError: no such coder, or with `single` a unit to which a coder gave several codes.
    """
    how = resampling or Resampling()
    pairs = _pairs(ratings, against)
    cells = pair_cells(ratings, pairs)
    kappa = bootstrap(cells, kappas, how)
    alpha = bootstrap(coincidence_cells(ratings), binary_alphas, how)
    totals = cells.sum(0)
    names = [f"{ratings.coders[a]}|{ratings.coders[b]}" for a, b in pairs]
    found = {}
    for k, code in enumerate(ratings.codes):
        panels = {name: _panel(totals[p, k], kappa, (p, k), unit) for p, name in enumerate(names)}
        found[code] = CodeAgreement(
            n_judged=float(ratings.weights[(ratings.marks[:, :, k] >= 0).any(0)].sum()),
            n_positive={
                c: float(ratings.weights @ (ratings.marks[i, :, k] == 1)) for i, c in enumerate(ratings.coders)
            },
            pairs=panels,
            alpha=alpha.around(estimate(float(alpha.point[k]), _no_alpha(ratings.marks[:, :, k])), k),
            fleiss_kappa=_fleiss(ratings.marks[:, :, k], 2, ratings.weights),
            scores={name: scores(totals[p, k]) for p, name in enumerate(names)} if against else {},
        )
    return Agreement(
        ratings=ratings,
        unit=unit,
        codes=found,
        single=_single(ratings, pairs, how, unit) if single else None,
        set_alpha=set_alpha(ratings),
        resampling=how,
        kappas=kappa,
        warnings=warnings(ratings.n_clusters, ratings.clustered_by),
    )


def _pairs(ratings: Ratings, against: str | None) -> list[tuple[int, int]]:
    if against is None:
        return ratings.pairs
    if against not in ratings.coders:
        raise ValueError(f"coder {against} judged nothing; the coders are {', '.join(ratings.coders)}")
    reference = ratings.coders.index(against)
    return [(reference, other) for other in range(len(ratings.coders)) if other != reference]


def _panel(cells: Floats, intervals: Intervals, place: tuple[int, int], unit: str) -> Panel:
    found = panel(cells)
    kappa = intervals.around(found.kappa, *place)
    return replace(found, kappa=replace(kappa, se=None) if unit == CHARACTERS else kappa)


def _no_alpha(marks: NDArray[np.int8]) -> str:
    return NO_VARIATION if ((marks >= 0).sum(0) > 1).any() else NO_PAIRS


def _fleiss(values: NDArray[Any], categories: int, weights: Floats) -> Estimate:
    """From categories 0 … or -1, shape (n_coders, n_units)."""
    if len(values) < 2:
        return undefined("Fleiss' kappa needs two coders or more")
    seen = (values >= 0).any(0)
    return fleiss_kappa(np.stack([(values == v).sum(0) for v in range(categories)], axis=1)[seen], weights[seen])


def _single(ratings: Ratings, pairs: list[tuple[int, int]], how: Resampling, unit: str) -> SingleAgreement:
    """Compare categories; a judged unit without a code is a category of its own."""
    several = (ratings.marks == 1).sum(2) > 1
    if several.any():
        coder, place = np.argwhere(several)[0]
        raise ValueError(f"segment {ratings.units[place]}: coder {ratings.coders[coder]} gave it several codes")
    judged = (ratings.marks >= 0).all(2)
    given = ratings.marks.argmax(2) if ratings.codes else np.zeros(judged.shape, np.intp)
    chosen = np.where(judged, np.where((ratings.marks == 1).any(2), given, len(ratings.codes)), -1)
    uncoded = bool((chosen == len(ratings.codes)).any())
    categories = (*ratings.codes, *(("none",) if uncoded else ()))
    q = max(len(categories), 1)
    together = several_coders(np.repeat(chosen, ratings.weights.astype(np.intp), axis=1), q)
    crossed = {f"{ratings.coders[a]}|{ratings.coders[b]}": _crossed(chosen, a, b, q, ratings, how) for a, b in pairs}
    return SingleAgreement(
        categories=categories,
        pairs={name: _without_errors(p) for name, p in crossed.items()} if unit == CHARACTERS else crossed,
        alpha=_nominal_alpha(chosen, q, ratings, how),
        fleiss_kappa=_fleiss(chosen, q, ratings.weights),
        several=_without_errors(together) if unit == CHARACTERS else together,
    )


def _crossed(chosen: NDArray[np.intp], a: int, b: int, q: int, ratings: Ratings, how: Resampling) -> NominalPanel:
    both = (chosen[a] >= 0) & (chosen[b] >= 0)
    tables = np.zeros((ratings.n_clusters, q, q))
    np.add.at(tables, (ratings.clusters[both], chosen[a][both], chosen[b][both]), ratings.weights[both])
    found = nominal_panel(tables.sum(0))
    return replace(found, kappa=bootstrap(tables, _nominal_kappas, how).around(found.kappa))


def _nominal_kappas(tables: Floats) -> Floats:
    n = tables.sum((-2, -1))
    with np.errstate(divide="ignore", invalid="ignore"):
        agreed = np.trace(tables, axis1=-2, axis2=-1) / n
        chance = (tables.sum(-1) * tables.sum(-2)).sum(-1) / n**2
        varied = (tables > 0).sum((-2, -1)) > 1
        return np.where(varied, (agreed - chance) / (1 - chance), np.nan)


def _without_errors(found: Panels) -> Panels:
    """Characters are no independent units: their standard errors would be far too small."""
    kept: dict[str, Any] = {name: replace(e, se=None) for name, e in vars(found).items() if isinstance(e, Estimate)}
    return replace(found, **kept)


def _nominal_alpha(chosen: NDArray[np.intp], q: int, ratings: Ratings, how: Resampling) -> Estimate:
    counts = np.stack([(chosen == k).sum(0) for k in range(q)], axis=1).astype(float)
    judged = counts.sum(1)
    share = np.where(judged[:, None] > 1, counts, 0)
    same = np.where(judged > 1, (counts * (counts - 1)).sum(1) / np.maximum(judged - 1, 1), 0)
    tallies = np.zeros((ratings.n_clusters, q + 1))
    np.add.at(tallies, ratings.clusters, np.column_stack([same, share]) * ratings.weights[:, None])
    made = bootstrap(tallies, _alphas_of_shares, how)
    return made.around(estimate(float(made.point), NO_VARIATION if (judged > 1).any() else NO_PAIRS))


def _alphas_of_shares(sums: Floats) -> Floats:
    """Nominal alpha from agreeing coincidences and category totals (b, 1 + q)."""
    totals = sums[:, 1:]
    n = totals.sum(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = (n**2 - (totals**2).sum(1)) / (n - 1)
        return np.where(expected > 0, 1 - (n - sums[:, 0]) / expected, np.nan)


def _code_json(found: CodeAgreement) -> dict[str, Any]:
    more = {"scores": {pair: _scores_json(s) for pair, s in found.scores.items()}} if found.scores else {}
    return {
        "n_judged": _count(found.n_judged),
        "n_positive": {coder: _count(n) for coder, n in found.n_positive.items()},
        "pairs": {pair: _panel_json(p) for pair, p in found.pairs.items()},
        "alpha": found.alpha.value,
        "alpha_ci": _ends(found.alpha),
        "fleiss_kappa": found.fleiss_kappa.value,
    } | more


def _panel_json(found: Panel) -> dict[str, Any]:
    return {
        "n": _count(found.n),
        "percent_agreement": found.percent_agreement.value,
        "kappa": found.kappa.value,
        "kappa_se": found.kappa.se,
        "kappa_ci": _ends(found.kappa),
        "ac1": found.ac1.value,
        "pabak": found.pabak.value,
        "prevalence_index": found.prevalence_index.value,
        "bias_index": found.bias_index.value,
        "positive_agreement": found.positive_agreement.value,
        "negative_agreement": found.negative_agreement.value,
        "scott_pi": found.scott_pi.value,
    }


def _scores_json(found: Scores) -> dict[str, Any]:
    return {
        "true_positive": _count(found.true_positive),
        "false_positive": _count(found.false_positive),
        "false_negative": _count(found.false_negative),
        "precision": found.precision.value,
        "recall": found.recall.value,
        "f1": found.f1.value,
    }


def _single_json(found: SingleAgreement) -> dict[str, Any]:
    several = found.several
    return {
        "categories": list(found.categories),
        "pairs": {
            pair: {
                "n": _count(float(p.table.sum())),
                "percent_agreement": p.percent_agreement.value,
                "kappa": p.kappa.value,
                "kappa_se": p.kappa.se,
                "kappa_ci": _ends(p.kappa),
                "scott_pi": p.scott_pi.value,
                "ac1": p.ac1.value,
                "brennan_prediger": p.brennan_prediger.value,
            }
            for pair, p in found.pairs.items()
        },
        "alpha": found.alpha.value,
        "alpha_ci": _ends(found.alpha),
        "fleiss_kappa": found.fleiss_kappa.value,
        "percent_agreement": several.percent_agreement.value,
        "ac1": several.ac1.value,
        "ac1_se": several.ac1.se,
        "fleiss_generalised": several.fleiss_generalised.value,
        "conger": several.conger.value,
        "brennan_prediger": several.brennan_prediger.value,
    }


def _ends(found: Estimate) -> list[float] | None:
    return [found.interval.low, found.interval.high] if found.interval else None


def _count(n: float) -> float | int:
    return int(n) if float(n).is_integer() else n


def _degenerate(found: Agreement) -> Iterator[tuple[str, float]]:
    """Share of resamples on which a figure that exists was undefined; also where so many were that none is left."""
    drawn = len(found.kappas.draws) > 0
    for k, (code, a) in enumerate(found.codes.items()):
        for p, (pair, one) in enumerate(a.pairs.items()):
            if drawn and one.kappa.value is not None:
                yield f"{code} {pair} kappa", float(found.kappas.degenerate[p, k])
        yield f"{code} alpha", _share_lost(a.alpha)
    if found.single:
        yield from ((f"single {pair} kappa", _share_lost(one.kappa)) for pair, one in found.single.pairs.items())
        yield "single alpha", _share_lost(found.single.alpha)


def _share_lost(found: Estimate) -> float:
    return found.interval.degenerate if found.interval else 0.0


def _estimates(found: Agreement) -> Iterator[tuple[str, Estimate]]:
    """Every figure of the JSON, and a few beside it, by where it stands."""
    for code, a in found.codes.items():
        for pair, one in [*a.pairs.items(), *a.scores.items()]:
            yield from ((f"{code} {pair} {name}", e) for name, e in vars(one).items() if isinstance(e, Estimate))
        yield from ((f"{code} alpha", a.alpha), (f"{code} fleiss_kappa", a.fleiss_kappa))
    if found.single:
        for pair, crossed in found.single.pairs.items():
            shown = {name: e for name, e in vars(crossed).items() if name not in ("table", "alpha")}
            yield from ((f"single {pair} {name}", e) for name, e in shown.items())
        yield from ((f"single {name}", e) for name, e in vars(found.single.several).items())
        yield from (("single alpha", found.single.alpha), ("single fleiss_kappa", found.single.fleiss_kappa))
    yield from (("set_alpha masi", found.set_alpha.masi), ("set_alpha jaccard", found.set_alpha.jaccard))


def _undefined(found: Agreement) -> Iterator[tuple[str, str]]:
    """Figures without a value; then, of those that have one, the intervals and standard errors that do not exist."""
    yield from ((where, e.reason) for where, e in _estimates(found) if e.value is None)
    no_error = NOT_INDEPENDENT if found.unit == CHARACTERS else NO_ERROR
    for where, _ in _parts(found, of_undefined=False):
        yield where, NO_INTERVAL if where.endswith("_ci") else no_error


def _parts(found: Agreement, *, of_undefined: bool = True) -> Iterator[tuple[str, Estimate]]:
    """Intervals and standard errors that the JSON has a place for and that are missing."""
    for where, e in _estimates(found):
        name = where.rsplit(" ", 1)[-1]
        if (e.value is None) != of_undefined:
            continue
        if name in ("kappa", "alpha") and e.interval is None:
            yield f"{where}_ci", e
        if (name == "kappa" or where == "single ac1") and e.se is None:
            yield f"{where}_se", e
