"""Put the steadiness of a run to the test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from belonging_llm.study import Study
from belonging_llm.usecases.offering import Offer
from belonging_llm.workers import working

if TYPE_CHECKING:
    from belonging_llm.auditing.record import Steadiness
    from belonging_llm.budget import Cost
    from belonging_llm.codes import StabilityPlan
    from belonging_llm.stability import Bench
    from belonging_llm.store import StabilityTest


@dataclass(frozen=True)
class Steady:
    """How a test of stability ended.

    Attributes:
        unchanged: It was finished before with the same plan; nothing was asked.
        calls: Model calls that this command paid for; `cost` is what the whole test cost so far.
    """

    found: Steadiness
    complete: bool
    unchanged: bool
    calls: int
    cost: Cost

    def as_json(self) -> dict[str, Any]:
        """Plain data; an undefined figure is null with its reason."""
        from belonging_llm.report.audit import plain

        found: dict[str, Any] = plain(self)
        return found


def stability(
    folder: Path, llm: str | None, embedder: str | None, *, agree: Callable[[Offer], None], **wished: Any
) -> Steady:
    """Code a sample of the last run again under variations, and say how far its outcomes hold.

    Args:
        agree: Asked for each model elsewhere, before any model is asked; raises where nobody agrees.
        wished: Fields of `stability.Wish`, and `budget` and `calls` for the whole test.

    Raises:
        StudyError: there is no run to put to the test.
        BudgetReached: the test has spent what it may.
        Incomplete: somebody withdraws.
    """
    from belonging_llm import stability as test
    from belonging_llm.analysis import Job
    from belonging_llm.auditing.steadiness import steadiness
    from belonging_llm.budget import bill
    from belonging_llm.evaluation import Resampling

    study = Study(folder)
    limits = {name: wished.pop(name, None) for name in ("budget", "calls")}
    job = Job(str(study.folder), llm or study.settings.llm, embedder or study.settings.embedder, **limits)
    with working(study):
        begun = test.prepare(
            test.Wish(job, **wished), lambda bench, plan, begun: _offer_again(bench, plan, begun, agree)
        )
        done = begun.test if begun.finished else test.recode(begun)
    how = Resampling(draws=study.settings.audit.draws, seed=study.settings.seed)
    return Steady(
        found=steadiness(study, done, how),
        complete=done.status == "complete",
        unchanged=begun.finished,
        calls=begun.bench.calls,
        cost=bill(study.store.ledger.spending(done.id)),
    )


def _offer_again(
    bench: Bench, plan: StabilityPlan, interrupted: StabilityTest | None, agree: Callable[[Offer], None]
) -> None:
    """Have somebody agree to every model that does not run here."""
    from belonging_llm.forecast import forecast
    from belonging_llm.prices import HERE

    sample = [s for s in bench.work.segments if s.id in set(plan.sample.segments)]
    for spec, model in bench.models.items():
        budget = bench.budget(interrupted.id if interrupted else None, spec)
        if model.endpoint is None or budget.price == HERE:
            continue
        asked = sample * sum(v.spec == spec for v in plan.variations)
        most = forecast(asked, bench.work.framework, bench.prompts, share=1.0, clustered=True)
        agree(Offer(model.id, model.endpoint, most, budget))
