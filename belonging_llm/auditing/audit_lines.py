"""An audit, and the plan of one, as lines that people read on a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from belonging_llm.auditing.agreement_lines import remarks, shown
from belonging_llm.auditing.plan import Plan
from belonging_llm.auditing.record import Audit


def audit_lines(found: Audit) -> Iterator[str]:
    """Standing first, then one line a code; no pooled figure."""
    yield f"{found.study}, {found.split} split, {found.flow.audited} segments; judged: {found.provenance.judged}"
    yield f"standing: {found.standing.kind}"
    for reason in found.standing.reasons:
        yield f"  {reason}"
    beside = {a.code: a for a in found.against}
    for v in found.verdicts:
        yield f"{v.code}: {v.verdict}  ({v.positives} segments have it)"
        one = beside[v.code]
        yield f"  kappa among people {shown(one.among_humans)}, with the model {shown(one.with_model)}"
        left = f"abstained or failed on {one.left_open} of {found.flow.audited}"
        yield f"    the model assigned {one.assigned}, {left}"
        draws = found.ceiling.resampling.draws
        for whose, kappa in (("among people", one.among_humans), ("with the model", one.with_model)):
            yield from (f"    {whose}: {remark}" for remark in remarks(kappa, draws))
        for c in v.criteria:
            if not c.met:
                yield f"  {'not met' if c.met is False else 'not known'}: {c.name}: {c.found}"
    for warning in found.warnings:
        yield f"note: {warning}"


def plan_lines(made: Plan, sheet: Path) -> Iterator[str]:
    """What was drawn, what each code will get from it, and where the sheet lies."""
    drawn = [u for u in made.units if u.drawn]
    yield f"plan {made.number}: {len(drawn)} of {len(made.units)} segments from {len(made.participants)} participants"
    for stratum, size in sorted(Counter(u.stratum for u in made.units).items()):
        yield f"  {stratum}: {sum(u.drawn for u in drawn if u.stratum == stratum)} of {size}"
    yield (
        f"for kappa {made.wish.kappa:g} known to ±{made.wish.half_width:g}, going by the shares that the model "
        "assigned (people often find a code more frequent; fewer segments do then):"
    )
    for need in made.needs:
        enough = f"{need.clustered} segments" if need.clustered else "more participants, however many segments"
        yield (
            f"  {need.code}: needs {enough} (share {need.prevalence:.1%}, intraclass correlation "
            f"{need.intraclass:.2f}); this sample {_gives(need.half_width)}"
        )
    yield f"coding sheet: {sheet}"


def _gives(half_width: float) -> str:
    """Kappa lies between -1 and 1: an interval as wide as that says nothing."""
    return f"gives ±{half_width:.2f}" if half_width < 1 else "says nothing of it"


def plan_json(made: Plan, sheet: Path) -> dict[str, Any]:
    """Plain data."""
    return {
        "plan": made.number,
        "wish": asdict(made.wish),
        "participants": list(made.participants),
        "needs": [asdict(need) for need in made.needs],
        "segments": [u.model_dump() for u in made.units if u.drawn],
        "sheet": str(sheet),
    }
