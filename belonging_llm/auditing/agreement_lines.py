"""Agreement as lines that people read on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from belonging_llm.evaluation import Agreement, Estimate, Panel


def agreement_lines(found: Agreement, notes: Sequence[str] = ()) -> Iterator[str]:
    """Each code with its pairs; never one pooled figure, never percent agreement alone."""
    given = found.ratings
    clustered = f", {given.n_clusters} clusters ({given.clustered_by})" if given.clustered_by else ""
    unit = "segments" if found.unit == "segment" else "stretches of text, weighted by characters"
    yield f"{len(given.units)} {unit}{clustered}; coders {', '.join(given.coders)}"
    for note in [*notes, *found.warnings]:
        yield f"note: {note}"
    for code, one in found.codes.items():
        counts = ", ".join(f"{coder} {n:g}" for coder, n in one.n_positive.items())
        yield f"{code}  (assigned: {counts})"
        for pair, panel in one.pairs.items():
            yield f"  {pair}  n {panel.n:g}  kappa {shown(panel.kappa)}  {_panel(panel)}"
        yield f"  all coders  alpha {shown(one.alpha)}  Fleiss kappa {shown(one.fleiss_kappa)}"
        for pair, s in one.scores.items():
            yield f"  {pair}  precision {shown(s.precision)}  recall {shown(s.recall)}  F1 {shown(s.f1)}"
    if found.single:
        yield f"categories ({', '.join(found.single.categories)})"
        for pair, nominal in found.single.pairs.items():
            yield f"  {pair}  kappa {shown(nominal.kappa)}  AC1 {shown(nominal.ac1)}"
        yield f"  all coders  alpha {shown(found.single.alpha)}  Fleiss kappa {shown(found.single.fleiss_kappa)}"
    yield f"sets of codes  alpha MASI {shown(found.set_alpha.masi)}  Jaccard {shown(found.set_alpha.jaccard)}"
    for where, n in found.left_out.items():
        yield f"{where}: undefined in {n} of {found.resampling.draws} resamples, which were left out"
    for line in found.undefined:
        yield f"undefined: {line['where']}: {line['reason']}"


def shown(found: Estimate) -> str:
    """A figure with its interval; `undefined` where there is none."""
    if found.value is None:
        return "undefined"
    ends = f" [{_short(found.interval.low)}, {_short(found.interval.high)}]" if found.interval else ""
    return f"{_short(found.value)}{ends}"


def remarks(found: Estimate, draws: int) -> Iterator[str]:
    """What a reader of its interval must know.

    Args:
        draws: Resamples that were made.
    """
    if found.value is None:
        return
    if found.interval is None:
        yield "no interval: too few participants, or undefined in most resamples"
        return
    if _short(found.interval.low) == _short(found.interval.high):
        yield "the resamples hardly vary (too few participants, or all alike): the interval does not show precision"
    if found.interval.degenerate > 0:
        yield f"undefined in {round(found.interval.degenerate * draws)} of {draws} resamples, which were left out"


def _short(value: float) -> str:
    """Two places, and never a zero with a sign."""
    return f"{round(value, 2) + 0.0:.2f}"


def _panel(found: Panel) -> str:
    return (
        f"p+ {shown(found.positive_agreement)}  p- {shown(found.negative_agreement)}  "
        f"AC1 {shown(found.ac1)}  PABAK {shown(found.pabak)}"
    )
