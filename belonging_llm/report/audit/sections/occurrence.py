"""How often codes occur, for whom the model works, and how themes and saturation look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from belonging_llm.auditing.record import Audit
from belonging_llm.evaluation import Estimate, Grouping, Matching, Saturation
from belonging_llm.evaluation.saturation import THRESHOLD
from belonging_llm.evaluation.subgroups import Gap
from belonging_llm.report.audit.figures import Drawing, Lane, Panel, interval_rows, saturation_bands
from belonging_llm.report.audit.figures.canvas import BLUE, GREEN, INK, VERMILLION
from belonging_llm.report.audit.sections.agreement import demanded, in_words
from belonging_llm.report.audit.sections.names import name_of
from belonging_llm.report.audit.tables import (
    Cell,
    Group,
    Row,
    Table,
    alone,
    count,
    figure,
    gone,
    plain_number,
    row,
    table,
    words,
)
from belonging_llm.report.audit.words import decimal, percent, points, told

NAIVE = Lane("model’s count, uncorrected", VERMILLION, "s", hollow=True)
ALONE = Lane("people’s sample alone", BLUE, "o")
CORRECTED = Lane("corrected", GREEN, "D")
MOST_GAPS = 12
MEASURES = {"kappa": "Kappa", "false_positive_rate": "Wrongly assigned", "false_negative_rate": "Missed"}


@dataclass(frozen=True)
class Occurs:
    """Prevalence."""

    drawing: tuple[Drawing, ...]
    table: Table


@dataclass(frozen=True)
class Groups:
    """Subgroups and time; None parts where nothing could be shown."""

    drawing: tuple[Drawing, ...]
    shown: int
    widest: Table | None
    gaps: tuple[Table, ...]
    suppressed: tuple[str, ...]
    smallest: int
    time_drawing: tuple[Drawing, ...]
    time: Table | None


@dataclass(frozen=True)
class Grouped:
    """Clusters and themes."""

    groupings: Table
    overlap: Table | None
    pairs: Table | None
    single_coded: int
    unmatched_themes: tuple[str, ...]
    unmatched_codes: tuple[str, ...]


@dataclass(frozen=True)
class New:
    """Saturation; there is no drawing where neither people nor model have a run."""

    drawing: Drawing | None
    summary: Table
    runs: tuple[Table, ...]


def prevalence(audit: Audit) -> Occurs:
    """What the section on prevalence shows."""
    found = {name_of(audit, code): one for code, one in audit.prevalence.items()}
    rows = [
        row(
            name,
            alone(one.naive, as_share=True),
            figure(one.human_only, as_share=True),
            figure(one.estimate, as_share=True),
            plain_number(one.tuning, "There is no corrected estimate."),
            plain_number(one.gain, "A variance is zero or unknown.", 1),
            count(one.audited),
            count(one.audited_positive),
        )
        for name, one in found.items()
    ]
    head = (
        "Code",
        "Model’s count",
        "People’s sample",
        "Corrected",
        "Weight λ",
        "Gain",
        "Audited",
        "of them with the code",
    )
    shown = table("prevalence", "Share of segments with the code, by three ways of counting.", head, rows)
    says = "Share of segments with each code: as the model counts, by people alone, and corrected. Corrected:"
    corrected = in_words({name: one.estimate for name, one in found.items()}, share=True)
    panel = Panel(
        axis="share of segments with the code",
        lanes=(NAIVE, ALONE, CORRECTED),
        rows=[[one.naive, one.human_only, one.estimate] for one in found.values()],
        span=(0.0, 0.1),
        shares=True,
    )
    return Occurs(interval_rows("fig-prevalence", says, corrected, [panel]), shown)


def groups(audit: Audit) -> Groups:
    """What the section on subgroups and time shows."""
    gaps = audit.subgroups.gaps
    kappa = [gap for gap in _once(gaps) if gap.measure == "kappa" and gap.gap.value is not None]
    shown = sorted(kappa, key=lambda g: (_order(g.p_adjusted), _order(g.p_value), -abs(g.gap.value or 0)))[:MOST_GAPS]
    return Groups(
        drawing=_gap_drawing(audit, shown, len(kappa)),
        shown=len(shown),
        widest=_widest(audit, shown) if shown else None,
        gaps=tuple(_gap_table(audit, measure) for measure in MEASURES if any(g.measure == measure for g in gaps)),
        suppressed=audit.subgroups.suppressed,
        smallest=audit.subgroups.smallest,
        time_drawing=_time_drawing(audit),
        time=_time(audit) if audit.time else None,
    )


def _once(gaps: Sequence[Gap]) -> list[Gap]:
    """Each gap once: where an attribute has two groups, the second one's is the first one's turned round."""
    named: dict[str, list[str]] = {}
    for gap in gaps:
        if gap.group not in named.setdefault(gap.attribute, []):
            named[gap.attribute].append(gap.group)
    return [gap for gap in gaps if len(named[gap.attribute]) != 2 or gap.group == named[gap.attribute][0]]


def _order(p: float | None) -> float:
    return 2.0 if p is None else p


def _of(audit: Audit, gap: Gap) -> str:
    return f"{name_of(audit, gap.code)}: {gap.attribute} {gap.group}"


def _gap_drawing(audit: Audit, shown: Sequence[Gap], total: int) -> tuple[Drawing, ...]:
    says = f"The {len(shown)} of {total} gaps in kappa with the smallest p, each group less all others."
    margin = demanded(audit, "subgroup_margin")
    panel = Panel(
        axis="kappa in the group less kappa elsewhere",
        lanes=(Lane("gap", INK, "D"),),
        rows=[[gap.gap] for gap in shown],
        at=(0.0,) if margin is None else (-margin, 0.0, margin),
        span=(-0.3, 0.3),
    )
    return interval_rows("fig-subgroups", says, in_words({_of(audit, gap): gap.gap for gap in shown}), [panel])


def _widest(audit: Audit, shown: Sequence[Gap]) -> Table:
    rows = [row(_of(audit, gap), figure(gap.gap), _p(gap)) for gap in shown]
    return table("widest", "The gaps in the figure.", ("Code and group", "Gap in kappa", "p after correction"), rows)


def _p(gap: Gap) -> Cell:
    why = "Too few resamples define the gap for a p value."
    if gap.p_adjusted is not None and gap.p_adjusted < 0.001:
        return Cell("under 0.001", kind="num")
    return plain_number(gap.p_adjusted, why, 3)


def _gap_table(audit: Audit, measure: str) -> Table:
    found: dict[str, list[Row]] = {}
    for gap in audit.subgroups.gaps:
        if gap.measure == measure:
            cells = (count(gap.participants), figure(gap.here), figure(gap.elsewhere), figure(gap.gap), _p(gap))
            found.setdefault(f"{gap.attribute}: {gap.group}", []).append(Row(name_of(audit, gap.code), cells))
    head = ("Code", "Participants", "In the group", "Elsewhere", "Gap", "p after correction")
    parts = tuple(Group(title, tuple(rows)) for title, rows in found.items())
    return Table(f"gaps-{measure.replace('_', '-')}", f"{MEASURES[measure]}, by group and code.", head, parts)


def _time_drawing(audit: Audit) -> tuple[Drawing, ...]:
    says = "Kappa of the model with what people settled on, by third of the interviews, all codes together."
    panel = Panel(axis="kappa", lanes=(Lane("kappa", BLUE),), rows=[[one.kappa] for one in audit.time])
    return interval_rows("fig-time", says, in_words({one.third.capitalize(): one.kappa for one in audit.time}), [panel])


def _time(audit: Audit) -> Table:
    rows = [row(one.third.capitalize(), count(one.units), figure(one.kappa)) for one in audit.time]
    return table("time", "Agreement by third of the interviews.", ("Third", "Segments", "Kappa"), rows)


GROUPINGS = {
    "ari": "Adjusted Rand index",
    "nmi": "Mutual information (NMI, V-measure)",
    "homogeneity": "Homogeneity",
    "completeness": "Completeness",
    "p1": "Harmonic purity (P1)",
    "purity": "Purity",
    "inverse_purity": "Inverse purity",
    "rand": "Rand index, not corrected for chance",
}


def themes(audit: Audit) -> Grouped | None:
    """What the section on clusters and themes shows; None where nothing could be compared."""
    found = audit.themes
    if found is None:
        return None
    return Grouped(
        groupings=_groupings(found.outliers_apart, found.outliers_left_out),
        overlap=_overlap(audit, found.matching) if found.matching.themes and found.matching.codes else None,
        pairs=_pairs(audit, found.matching) if found.matching.pairs else None,
        single_coded=found.single_coded,
        unmatched_themes=found.matching.unmatched_themes,
        unmatched_codes=tuple(name_of(audit, code) for code in found.matching.unmatched_codes),
    )


def _groupings(apart: Grouping, left_out: Grouping) -> Table:
    rows = [row(label, alone(getattr(apart, n)), alone(getattr(left_out, n))) for n, label in GROUPINGS.items()]
    rows.append(row("Segments", count(apart.n), count(left_out.n)))
    head = ("Figure", "Each outlier its own group", "Outliers left out")
    return table("groupings", "Themes against people’s codes; 1 is a perfect match.", head, rows)


def _overlap(audit: Audit, found: Matching) -> Table:
    numbers = [str(k) for k in range(1, len(found.codes) + 1)]
    key = "; ".join(f"{n} {name_of(audit, code)}" for n, code in zip(numbers, found.codes, strict=True))
    rows = [Row(theme, tuple(_shade(float(x)) for x in found.f1[k])) for k, theme in enumerate(found.themes)]
    caption = "How far each theme and each code hold the same segments (F1: 0 nothing shared, 1 the same segments)."
    return table("overlap", caption, ("Theme", *numbers), rows, kind="matrix", remark=f"Codes: {key}.")


def _shade(f1: float) -> Cell:
    return Cell(decimal(f1), kind="num", level=0 if f1 < 0.05 else 1 + min(3, int(f1 * 4)))


def _pairs(audit: Audit, found: Matching) -> Table:
    rows = [
        row(p.theme, words(name_of(audit, p.code)), count(p.shared), plain_number(p.f1, ""), _chance(p.p_value))
        for p in found.pairs
    ]
    head = ("Theme", "Code", "Shared segments", "F1", "p by chance")
    return table("pairs", "The best one-to-one pairing of themes with codes.", head, rows)


def _chance(p: float) -> Cell:
    return Cell("under 0.001", kind="num") if p < 0.001 else plain_number(p, "", 3)


def new_codes(audit: Audit) -> New:
    """What the section on saturation shows."""
    both = [("People’s codes", audit.saturation_people), ("The model’s codes", audit.saturation_model)]
    return New(
        drawing=_bands(both) if any(one.runs for _, one in both) else None,
        summary=_summary(both),
        runs=tuple(_runs(f"saturation-{k}", label, one) for k, (label, one) in enumerate(both, 1) if one.runs),
    )


def _bands(both: Sequence[tuple[str, Saturation]]) -> Drawing:
    says = "New codes in each run of interviews over the codes of the base. " + " ".join(
        f"{label}: {_reached(one)}." for label, one in both
    )
    return saturation_bands("fig-saturation", says, both, THRESHOLD)


def _reached(one: Saturation) -> str:
    if one.reason:
        return f"undefined, {one.reason}"
    return f"at or under the threshold at {one.reached}" if one.reached else "never at or under the threshold"


def _summary(both: Sequence[tuple[str, Saturation]]) -> Table:
    head = ("Whose codes", "Codes in the base", "Threshold reached at", "Reached in random orders")
    rows = [Row(label, _summed(one)) for label, one in both]
    return table("saturation", "Saturation at a threshold of 5% new codes.", head, rows)


def _summed(one: Saturation) -> tuple[Cell, ...]:
    if one.reason:
        return (gone(one.reason),) * 3
    orders = "No random orders were made."
    share = gone(orders) if one.share_reached is None else Cell(percent(one.share_reached), kind="num")
    return count(one.base_codes), words(one.reached or "not reached"), share


def _runs(key: str, label: str, one: Saturation) -> Table:
    rows = []
    for k, run in enumerate(one.runs):
        band = [Cell(points(float(x)), kind="num") for x in one.band[k]] if len(one.band) else []
        name = f"{run.interviews[0]} to {run.interviews[-1]}"
        rows.append(Row(name, (count(run.new), Cell(points(run.ratio), kind="num"), *band)))
    band_head = ("5th percentile", "Median", "95th percentile") if len(one.band) else ()
    head = ("Interviews", "New codes", "Share of the base’s", *band_head)
    return table(key, f"{label}, by run; percentiles are over random orders of the interviews.", head, rows)


def shown_estimate(found: Estimate) -> str:
    """An estimate in a sentence, with the reason where there is none."""
    return told(found) if found.value is not None else f"undefined ({found.reason})"
