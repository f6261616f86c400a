"""Does the model say the same again, and does its confidence mean anything?"""

from __future__ import annotations

from dataclasses import dataclass

from belonging_llm.auditing.record import Audit
from belonging_llm.evaluation import Estimate, RiskCoverage
from belonging_llm.report.audit.figures import Drawing, Lane, Panel, interval_rows, reliability, risk_curve
from belonging_llm.report.audit.figures.canvas import BLUE
from belonging_llm.report.audit.sections.agreement import DEMANDED, demanded, in_words
from belonging_llm.report.audit.sections.names import name_of
from belonging_llm.report.audit.tables import Cell, Table, alone, count, figure, plain_number, row, share, table, words
from belonging_llm.report.audit.words import decimal, joined, moment, percent, points

STEPS = (0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
EMPTY_BIN = "No judgement has a confidence in this range."
NO_STEP = "No threshold keeps so few judgements: too many have the same confidence."


@dataclass(frozen=True)
class Again:
    """Repeated runs and sentinels; None parts where nothing was repeated.

    Attributes:
        hint: How to read the line in the drawing.
    """

    runs: Table | None
    drawing: tuple[Drawing, ...]
    hint: str
    table: Table | None
    drift: Table | None


@dataclass(frozen=True)
class Sure:
    """Confidence; None parts where no judgement carries one."""

    reliability: Drawing | None
    bins: Table | None
    by_code: Table
    risk: Drawing | None
    steps: Table | None
    workload: Table | None
    brier: str
    ece: str
    area: str
    abstained: str


def again(audit: Audit) -> Again:
    """What the section on stability shows."""
    found = audit.repeats
    return Again(
        runs=_runs(audit) if found.runs else None,
        drawing=_same(audit),
        hint=("" if demanded(audit, "stability_floor") is None else f"{DEMANDED} ") + "No interval is made here.",
        table=_stability(audit) if found.by_code else None,
        drift=_drift(audit) if audit.drift else None,
    )


def _runs(audit: Audit) -> Table:
    rows = [
        row(run.run_id, words(moment(run.finished_at)), words(run.model), words(joined(run.differs_in, "nothing")))
        for run in audit.repeats.runs
    ]
    head = ("Run", "Finished", "Model", "Differs from the judged run in")
    return table("runs", "The runs that are compared.", head, rows)


def _same(audit: Audit) -> tuple[Drawing, ...]:
    shares = {
        name_of(audit, code): Estimate(one.same) if one.same is not None else one.flip_rate
        for code, one in audit.repeats.by_code.items()
    }
    floor = demanded(audit, "stability_floor")
    panel = Panel(
        axis="judgements that came out the same again",
        lanes=(Lane("same again", BLUE),),
        rows=[[one] for one in shares.values()],
        at=(floor,) if floor is not None else (),
        span=(0.8, 1.0),
        shares=True,
    )
    says = "Share of repeated judgements that came out the same, by code."
    return interval_rows("fig-stability", says, in_words(shares, share=True), [panel])


def _stability(audit: Audit) -> Table:
    rows = [
        row(
            name_of(audit, code),
            count(one.runs),
            count(one.units),
            Cell(points(one.same), kind="num") if one.same is not None else alone(one.flip_rate),
            alone(one.flip_rate, as_share=True),
            alone(one.alpha),
        )
        for code, one in audit.repeats.by_code.items()
    ]
    head = ("Code", "Runs", "Segments", "Same again", "Flip rate", "Alpha over runs")
    return table("stability", "Repeated judgements, by code.", head, rows)


def _drift(audit: Audit) -> Table:
    rows = [
        row(
            one.run_id,
            words(moment(one.finished_at)),
            words(one.model),
            count(one.n),
            figure(one.right, as_share=True),
            figure(one.kappa),
            figure(one.flipped, as_share=True),
        )
        for one in audit.drift
    ]
    head = ("Run", "Finished", "Model", "Segments", "Right", "Kappa", "Changed since the first run")
    caption = (
        "Sentinels: the same segments, coded again in every run. All codes together; no table by code is recorded."
    )
    return table("drift", caption, head, rows)


def sure(audit: Audit) -> Sure:
    """What the section on confidence shows."""
    found = audit.confidence
    told = any(b.n for b in found.overall.bins)
    kept = bool(len(found.risk.coverage))
    return Sure(
        reliability=_reliability(audit) if told else None,
        bins=_bins(audit) if told else None,
        by_code=_by_code(audit),
        risk=_risk(audit) if kept else None,
        steps=_steps(found.risk) if kept else None,
        workload=_workload(audit) if found.workload else None,
        brier=_said(found.overall.brier),
        ece=_said(found.overall.ece),
        area=_said(found.risk.area),
        abstained="undefined (there are no judgements)" if found.abstained is None else percent(found.abstained),
    )


def _said(found: Estimate) -> str:
    return decimal(found.value, 3) if found.value is not None else f"undefined ({found.reason})"


def _reliability(audit: Audit) -> Drawing:
    overall = audit.confidence.overall
    shown = "; ".join(
        f"stated {decimal(b.confidence)}, right {percent(b.right)} of {b.n:,}"
        for b in overall.bins
        if b.confidence is not None and b.right is not None
    )
    says = f"Share right by stated confidence; on the dashed line confidence would mean what it says. {shown}."
    return reliability("fig-reliability", says, overall)


def _bins(audit: Audit) -> Table:
    rows = [
        row(
            f"{b.low:g} to {b.high:g}",
            count(b.n),
            plain_number(b.confidence, EMPTY_BIN),
            share(b.right, EMPTY_BIN),
        )
        for b in audit.confidence.overall.bins
    ]
    head = ("Confidence", "Judgements", "Mean confidence", "Right")
    return table("bins", "Share right by stated confidence, all codes together.", head, rows)


def _by_code(audit: Audit) -> Table:
    rows = [
        row(name_of(audit, code), count(sum(b.n for b in one.bins)), alone(one.brier), alone(one.ece))
        for code, one in audit.confidence.by_code.items()
    ]
    head = ("Code", "Judgements", "Brier score", "Calibration error")
    return table("by-code", "Calibration by code; for both figures, smaller is better.", head, rows)


def _risk(audit: Audit) -> Drawing:
    found = audit.confidence.risk
    says = (
        "Share wrong among the judgements that are left to the model, most confident first. "
        f"Of all judgements {percent(float(found.risk[-1]))} are wrong; "
        f"the area under the curve is {_said(found.area)}."
    )
    return risk_curve("fig-risk", says, found)


def _steps(found: RiskCoverage) -> Table:
    rows = [row(percent(step), *_at(found, step)) for step in STEPS]
    head = ("At most this share left to the model", "Share in fact", "Wrong among them")
    return table("steps", "Points of the curve, where a threshold can cut.", head, rows)


def _at(found: RiskCoverage, step: float) -> tuple[Cell, Cell]:
    """The last cut at or below a share."""
    cuts = [k for k, whole in enumerate(found.whole) if whole and found.coverage[k] <= step + 1e-12]
    if not cuts:
        return share(None, NO_STEP), share(None, NO_STEP)
    k = cuts[-1]
    return Cell(points(float(found.coverage[k])), kind="num"), Cell(points(float(found.risk[k])), kind="num")


def _workload(audit: Audit) -> Table:
    rows = [
        row(f"at most {percent(risk)} wrong", Cell(percent(kept), kind="num"), Cell(percent(1 - kept), kind="num"))
        for risk, kept in audit.confidence.workload
    ]
    head = ("Risk that you accept", "Left to the model", "Left to people")
    return table("workload", "What remains for people, by the risk accepted, all codes together.", head, rows)
