"""Limits for work that is spread: what is left is handed out in allowances, each to be spent by one piece of work.

Whoever hands out reads what the run has spent from its ledger, and has as many pieces at work as there are hands for
them. When all have come back, what is left is handed out anew. So calls are never more than allowed, and money is
overspent by the calls in flight, over all who work, as it is where one process counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

from belonging_llm.analysis.bench import workbench
from belonging_llm.analysis.job import Job
from belonging_llm.budget import Budget, Limit, Spending


@dataclass(frozen=True)
class Allowance:
    """What one piece of work may spend; plain data.

    Attributes:
        token: It can be drawn on once: a piece that is done again, since who had it died, is given another.
        usd: None for any amount of money; `calls` None for any number.
    """

    token: str
    usd: float | None = None
    calls: int | None = None


def allowances(job: Job, run_id: str, pieces: int) -> list[Allowance]:
    """What is left of a run's limits, for as many pieces as that is enough for, `pieces` at most.

    Raises:
        BudgetReached: nothing is left.
    """
    budget = workbench(job).budget(run_id)
    budget.begin()
    budget.end()
    counted = budget.limit.usd is not None and budget.price is not None and not budget.price.free
    usd = (budget.limit.usd or 0.0) - (budget.usd or 0.0) if counted else None
    calls = None if budget.limit.calls is None else budget.limit.calls - budget.replies
    pieces = pieces if calls is None else min(pieces, calls)
    return [
        Allowance(
            token=uuid4().hex,
            usd=None if usd is None else usd / pieces,
            calls=None if calls is None else calls // pieces + (number < calls % pieces),
        )
        for number in range(pieces)
    ]


def draw_on(job: Job, run_id: str, allowance: Allowance) -> bool:
    """Let this process spend an allowance on a run, and no more; False when it was drawn on before."""
    bench = workbench(job)
    asker = bench.asker(run_id)
    if asker is None:
        return True
    if not bench.store.runs.begin_once(run_id, allowance.token):
        return False
    limit = Limit(allowance.usd, allowance.calls)
    asker.budget = Budget(limit, bench.budget(run_id).price, Spending(asker.model.id))
    return True
