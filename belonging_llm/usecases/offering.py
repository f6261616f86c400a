"""Have somebody agree before a model elsewhere is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from belonging_llm.analysis import Workbench
    from belonging_llm.budget import Budget
    from belonging_llm.forecast import Forecast
    from belonging_llm.store import Run


@dataclass(frozen=True)
class Offer:
    """What a run on a model elsewhere, or one that costs money, may ask and cost; somebody has to agree to it.

    Attributes:
        endpoint: Where interview text would go.
        budget: The limit, the price, and what an interrupted run has spent before it is continued.
        batch: Questions about segments go out in batches.
        unread: Files in an inbox that come on top: they are read when somebody has agreed.
    """

    model: str
    endpoint: str
    forecast: Forecast
    budget: Budget
    batch: bool = False
    unread: int = 0


def put_offer(
    bench: Workbench,
    interrupted: Run | None,
    agree: Callable[[Offer], None],
    *,
    themed: bool = True,
    coded: bool = True,
    batch: bool = False,
    unread: int = 0,
) -> None:
    """Have somebody agree, unless the model runs here.

    Args:
        themed: The model is asked about themes; likewise `coded` about segments.
        batch: Questions about segments go out together.
        unread: Files that come on top.
    """
    from belonging_llm.forecast import forecast
    from belonging_llm.prices import HERE

    budget = bench.budget(interrupted.id if interrupted else None)
    if bench.model is None or bench.model.endpoint is None or budget.price == HERE:
        return
    clustered = not themed or bool(interrupted and bench.store.findings.themes(interrupted.id))
    share = bench.settings.ask_share if coded else 0.0
    most = forecast(bench.segments, bench.framework, bench.prompts, share=share, clustered=clustered, **bench.manner)
    agree(Offer(bench.model.id, bench.model.endpoint, most, budget, batch, unread))
