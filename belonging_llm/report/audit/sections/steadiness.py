"""A sample coded again with one thing varied at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace

from belonging_llm.auditing.record import Audit, CodeFlips, KindFlips, Steadiness
from belonging_llm.auditing.steadiness import CHANGES
from belonging_llm.auditing.steadiness_lines import what_differs
from belonging_llm.codes import Kind, Variation
from belonging_llm.evaluation import Estimate, Flips, Interval
from belonging_llm.report.audit.figures import Drawing, Lane, Panel, interval_rows
from belonging_llm.report.audit.figures.canvas import BLUE, GREEN, INK, PURPLE, VERMILLION
from belonging_llm.report.audit.sections.agreement import DEMANDED, demanded
from belonging_llm.report.audit.sections.names import name_of
from belonging_llm.report.audit.tables import Cell, Group, Row, Table, count, figure, gone, row, table, words
from belonging_llm.report.audit.words import counted, of_total, percent, sentence, told

LANES = {
    Kind.AGAIN: Lane("again", INK, "o"),
    Kind.SEED: Lane("seed", BLUE, "s"),
    Kind.ORDER: Lane("order", PURPLE, "D"),
    Kind.WORDING: Lane("wording", VERMILLION, "^"),
    Kind.MODEL: Lane("other model", GREEN, "v"),
}
NOT_VARIED = Estimate(None, "not varied")


@dataclass(frozen=True)
class Steady:
    """The part of the section; `remarks` are sentences."""

    sample: tuple[str, ...]
    drawing: tuple[Drawing, ...]
    hint: str
    outcomes: Table
    decided: Table
    varied: Table
    remarks: tuple[str, ...]


def present(audit: Audit) -> Steady | None:
    """What is shown; None when no sample of the judged run was coded again."""
    found = audit.steadiness
    if found is None:
        return None
    return Steady(
        sample=tuple(map(sentence, _sample(found))),
        drawing=_drawing(audit, found),
        hint="" if demanded(audit, "stability_floor") is None else DEMANDED,
        outcomes=_table(audit, found, "outcomes"),
        decided=_table(audit, found, "decided"),
        varied=_varied(found),
        remarks=tuple(map(sentence, _remarks(found))),
    )


def _sample(found: Steadiness) -> list[str]:
    sample = found.sample
    lines = [
        f"{counted(found.segments, 'segment')} of {counted(found.participants, 'participant')} "
        f"{'was' if found.segments == 1 else 'were'} coded again, drawn with seed {sample.seed} from the "
        f"{sample.asked:,} that the run asked its model about; every one of those had a chance of "
        f"{percent(sample.inclusion)}",
        f"The run asked about {of_total(sample.asked, sample.everything)} segments outside the test split. The others "
        "could not flip, since nothing of theirs was varied: over all segments, flips are as much rarer",
    ]
    if sample.left_out:
        lines.append(
            f"The test split stays sealed: {counted(sample.left_out, 'segment')} of it that the run asked about "
            f"{'was' if sample.left_out == 1 else 'were'} not coded again, whichever part this page is about"
        )
    if found.segments < sample.wanted:
        lines.append(f"{sample.wanted:,} segments had been wanted")
    if found.tests > 1:
        lines.append(f"This run was tested {found.tests:,} times, each with another draw or plan; the newest is shown")
    return lines


def _drawing(audit: Audit, found: Steadiness) -> tuple[Drawing, ...]:
    """The share of outcomes that held, a mark for each kind."""
    kinds = [kind for kind in found.kinds if kind.codes]
    codes = list(dict.fromkeys(code for kind in kinds for code in kind.codes))
    rows = {name_of(audit, code): [_held(kind, code) for kind in kinds] for code in codes}
    if not rows:
        return ()
    floor = demanded(audit, "stability_floor")
    panel = Panel(
        axis="outcomes that held",
        lanes=tuple(LANES[kind.kind] for kind in kinds),
        rows=list(rows.values()),
        at=(floor,) if floor is not None else (),
        span=(0.7, 1.0),
        shares=True,
    )
    says = "Share of outcomes that held when one thing was varied, by code."
    in_words = {
        name: ", ".join(f"{kind.kind} {told(one, share=True)}" for kind, one in zip(kinds, held, strict=True))
        for name, held in rows.items()
    }
    return interval_rows("fig-steadiness", says, in_words, [panel])


def _held(kind: KindFlips, code: str) -> Estimate:
    """1 − flip rate."""
    rate = kind.codes[code].outcomes.rate if code in kind.codes else NOT_VARIED
    if rate.value is None:
        return rate
    ends = rate.interval
    turned = Interval(1 - ends.high, 1 - ends.low, ends.level, ends.method, ends.degenerate) if ends else None
    return replace(rate, value=1 - rate.value, interval=turned)


def _table(audit: Audit, found: Steadiness, which: str) -> Table:
    parts = [
        Group(
            f"{kind.kind.capitalize()}: {CHANGES[kind.kind]}",
            tuple(Row(name_of(audit, code), _cells(_of(one, which))) for code, one in kind.codes.items()),
        )
        for kind in found.kinds
    ]
    head = ("Code", "Pairs", "Flips", "Among variations", "Alpha")
    caption = {
        "outcomes": "With three outcomes: assigned, not assigned, left to people. Failed ones count nowhere.",
        "decided": "Where both times it was decided: assigned against not assigned.",
    }
    return Table(f"steadiness-{which}", caption[which], head, tuple(parts))


def _of(one: CodeFlips, which: str) -> Flips:
    return one.outcomes if which == "outcomes" else one.decided


def _cells(one: Flips) -> tuple[Cell, ...]:
    return (
        count(one.pairs),
        figure(one.rate, as_share=True),
        figure(one.among, as_share=True),
        figure(one.alpha),
    )


def _varied(found: Steadiness) -> Table:
    rows = [row(v.name, words(_what(v)), words(v.model), words(v.prompt_digest[:12])) for v in _all(found)]
    rows += [row(str(kind), gone(why, "not varied"), words(""), words("")) for kind, why in found.not_varied.items()]
    caption = "What was varied exactly; everything else stayed as in the run."
    return table("steadiness-varied", caption, ("Variation", "What differs", "Model", "Prompt’s sha256"), rows)


def _all(found: Steadiness) -> list[Variation]:
    return [v for kind in found.kinds for v in kind.variations]


def _what(one: Variation) -> str:
    return what_differs(one).removeprefix(f"{one.name}: ")


def _remarks(found: Steadiness) -> list[str]:
    lines = []
    failed = {str(kind.kind): kind.failed for kind in found.kinds if kind.failed}
    if failed:
        told_ = ", ".join(f"{n:,} under {name}" for name, n in failed.items())
        lines.append(f"Pairs of segment and code that failed and are compared with nothing: {told_}")
    if any(kind.kind is Kind.MODEL for kind in found.kinds):
        lines.append(
            "Another model is another coder: its flips are not this model’s instability, and no verdict rests on them"
        )
    return lines
