"""What a suite may ask a language model, and where the replies are kept."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from belonging_llm.adapters import factory
from belonging_llm.asking import Asker
from belonging_llm.budget import Budget, Limit, Spending
from belonging_llm.forecast import Forecast, forecast, in_all
from belonging_llm.llm import ChatModel
from belonging_llm.pacing import CONCURRENCY
from belonging_llm.prices import HERE, price_at
from belonging_llm.prompts import load
from belonging_llm.store import Store
from belonging_llm.suites.suite import Data, Suite

RUN = "suite"
PROMPTS = ("code_segment.v1", "choose_code.v1")


def _nobody(model: ChatModel, budget: Budget) -> None:
    """Agree to everything."""


@dataclass(frozen=True)
class Means:
    """Leave, limits and a place for replies.

    Attributes:
        replies: A database that keeps what was answered, so that nothing is asked twice; None keeps nothing of a
            model that runs here, and what one elsewhere answers in `beside`.
        agree: Asked before the first call of a model elsewhere; raises where nobody agrees.
        budget: The most US dollars that may be spent, with what the kept replies cost; `calls` the most calls.
    """

    replies: Path | None = None
    beside: Path | None = None
    agree: Callable[[ChatModel, Budget], None] = _nobody
    allow_remote: bool = False
    concurrency: int = CONCURRENCY
    budget: float | None = None
    calls: int | None = None


@contextmanager
def asking(llm: str, means: Means) -> Iterator[Asker | None]:
    """Who asks the model that a spec names; None for `none`.

    Raises:
        InputError, ModelError: the model or a limit cannot be used, or nobody agrees.
    """
    model = factory.chat_model(llm, allow_remote=means.allow_remote, concurrency=means.concurrency)
    if model is None:
        yield None
        return
    price = price_at(model.id, model.endpoint)
    kept = means.replies or (means.beside if price != HERE else None)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{kept or Path(folder) / 'replies.sqlite'}")
        try:
            spent = {s.model: s for s in store.ledger.spending(RUN)}.get(model.id, Spending(model.id))
            budget = Budget(Limit(means.budget, means.calls), price, spent)
            if price != HERE:
                means.agree(model, budget)
            yield Asker(model, store.ledger, RUN, budget=budget)
        finally:
            store.close()


def most(suite: Suite, data: Data) -> Forecast:
    """The most that a suite asks: every condition on every split anew, segments to calibrate on included."""
    prompts = {name: load(name) for name in PROMPTS}
    extra = suite.calibrate / max(len(data.segments), 1)
    shares = [min(1.0, share + extra) for share in suite.ask if share] or [0.0]
    once = [forecast(data.segments, data.framework, prompts, share=share, clustered=True) for share in shares]
    return in_all(once * suite.splits * len(suite.teach))
