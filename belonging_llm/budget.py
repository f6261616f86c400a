"""What a run may spend and what it has spent: counted from replies in the ledger, checked before every call."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from belonging_llm.errors import BudgetReached, InputError
from belonging_llm.llm import ChatReply, ChatRequest
from belonging_llm.prices import HERE, Price, cost, dollars, price_of

UNKNOWN = "unknown price"


@dataclass(frozen=True)
class Tokens:
    """How much one reply is charged for.

    Attributes:
        counted: The endpoint counted them; else they are the most that they can have been.
        batch: The reply came in a batch, which may cost less.
    """

    prompt: int
    completion: int
    counted: bool = True
    batch: bool = False


def billed(request: ChatRequest, reply: ChatReply | None, *, batch: bool = False) -> Tokens:
    """Tokens of one reply in the ledger; the most that there can be of one that is yet to come (None).

    Not every endpoint counts. No token is shorter than a byte, and no reply longer than it was allowed to be.
    """
    prompt, completion = (reply.prompt_tokens, reply.completion_tokens) if reply else (None, None)
    return Tokens(
        prompt=len(request.model_dump_json().encode()) if prompt is None else prompt,
        completion=request.max_tokens if completion is None else completion,
        counted=prompt is not None and completion is not None,
        batch=batch,
    )


@dataclass(frozen=True)
class Spending:
    """What the ledger holds of one model's replies.

    Attributes:
        here: No text went to it outside this machine.
        uncounted: Replies whose tokens are an upper bound.
        batch_prompt_tokens: Those of `prompt_tokens` that went in batches; likewise `batch_completion_tokens`.
    """

    model: str
    here: bool = False
    replies: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    uncounted: int = 0
    batch_prompt_tokens: int = 0
    batch_completion_tokens: int = 0

    def plus(self, tokens: Tokens) -> Spending:
        """With one more reply."""
        return Spending(
            self.model,
            self.here,
            self.replies + 1,
            self.prompt_tokens + tokens.prompt,
            self.completion_tokens + tokens.completion,
            self.uncounted + (not tokens.counted),
            self.batch_prompt_tokens + tokens.batch * tokens.prompt,
            self.batch_completion_tokens + tokens.batch * tokens.completion,
        )

    @property
    def usd(self) -> float | None:
        """What it cost; None where the price is unknown."""
        return self.at(HERE if self.here else price_of(self.model))

    def at(self, price: Price | None) -> float | None:
        """What it costs at a price; None where that is unknown."""
        sent, back = self.batch_prompt_tokens, self.batch_completion_tokens
        alone = cost(price, self.prompt_tokens - sent, self.completion_tokens - back)
        together = cost(price, sent, back, batch=True)
        return None if alone is None or together is None else alone + together


@dataclass(frozen=True)
class Cost:
    """Money spent on any number of models.

    Attributes:
        usd: None when a model's price is unknown.
        known_usd: What the models with a known price cost.
        unpriced: Models with replies in the ledger and no known price.
        at_most: Some endpoint did not count tokens: the figure is an upper bound.
        replies: How many there were, free ones included.
    """

    usd: float | None
    known_usd: float
    unpriced: tuple[str, ...]
    at_most: bool
    replies: int

    def __str__(self) -> str:
        known = ("at most " if self.at_most else "") + dollars(self.known_usd) if self.known_usd else ""
        unknown = f"{UNKNOWN} ({', '.join(self.unpriced)})" if self.unpriced else ""
        return " and ".join(filter(None, (known, unknown))) or ("nothing (runs here)" if self.replies else "nothing")


def bill(spendings: Sequence[Spending]) -> Cost:
    """What it cost in all."""
    paid = {s.model: s for s in spendings if s.replies}
    unpriced = tuple(sorted(model for model, s in paid.items() if s.usd is None))
    known = sum(s.usd or 0 for s in paid.values())
    at_most = any(s.uncounted and s.usd for s in paid.values())
    replies = sum(s.replies for s in paid.values())
    return Cost(None if unpriced else known, known, unpriced, at_most, replies)


@dataclass(frozen=True)
class Limit:
    """The most that a run may spend.

    Attributes:
        usd: None for any amount of money.
        calls: Replies that were paid for or could have been; None for any number.
    """

    usd: float | None = None
    calls: int | None = None


@dataclass
class Budget:
    """A limit and what was spent of it, for everyone who asks on behalf of one run; safe between threads.

    No call begins once the limit is reached. Calls are counted as they begin, so they are never more than allowed;
    what a call costs is known when its reply is there, so money can be overspent by the calls in flight.

    Attributes:
        price: None where unknown.
        spent: What the ledger already holds of the run.
        elsewhere: What the run has spent on other models, under the same limit.
    """

    limit: Limit = field(default_factory=Limit)
    price: Price | None = None
    spent: Spending = field(default_factory=lambda: Spending(""))
    elsewhere: Cost = field(default_factory=lambda: bill(()))
    _in_flight: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Refuse what cannot be kept.

        Raises:
            InputError: money is limited and the price unknown.
        """
        if self.limit.usd is not None and self.price is None:
            raise InputError(
                f"{self.spent.model}: {UNKNOWN}, so that --budget cannot be kept; limit calls with --calls"
            )

    @property
    def usd(self) -> float | None:
        """Money spent so far; None where the price is unknown."""
        own = self.spent.at(self.price)
        return None if own is None else own + self.elsewhere.known_usd

    @property
    def replies(self) -> int:
        """Replies so far, of all models."""
        return self.spent.replies + self.elsewhere.replies

    def begin(self) -> None:
        """Take leave for one call; every one must `end`.

        Raises:
            BudgetReached: there is nothing left to spend.
        """
        with self._lock:
            self._check()
            self._in_flight += 1

    def end(self, tokens: Tokens | None = None) -> None:
        """A call is over: with what its reply in the ledger is charged for, or None where no reply came."""
        with self._lock:
            self._in_flight -= 1
            if tokens is not None:
                self.spent = self.spent.plus(tokens)

    def count(self, replies: Sequence[Tokens]) -> None:
        """Replies came that nobody took leave for one by one."""
        with self._lock:
            for tokens in replies:
                self.spent = self.spent.plus(tokens)

    def fits(self, amounts: Sequence[Tokens]) -> int:
        """How many of these, from the first on, can be paid for whatever comes back.

        For questions that are sent together: once they are, nothing can stop them.
        """
        with self._lock:
            spent = self.spent
        for number, tokens in enumerate(amounts):
            spent = spent.plus(tokens)
            if self._passed(spent):
                return number
        return len(amounts)

    def _passed(self, spent: Spending) -> bool:
        """Whether so much is more than may be spent."""
        usd, replies = spent.at(self.price), spent.replies + self.elsewhere.replies
        dear = self.limit.usd is not None and usd is not None and usd + self.elsewhere.known_usd > self.limit.usd
        return dear or (self.limit.calls is not None and replies > self.limit.calls)

    def _check(self) -> None:
        calls, usd, spent = self.limit.calls, self.limit.usd, self.usd
        if calls is not None and self.replies + self._in_flight >= calls:
            raise BudgetReached(f"the limit of {calls} calls is reached; {_ON.format('--calls')}")
        if usd is not None and spent is not None and self.price and not self.price.free and spent >= usd:
            said = f"{dollars(spent)} spent in {self.replies} calls"
            raise BudgetReached(f"the budget of {dollars(usd)} is reached ({said}); {_ON.format('--budget')}")


_ON = "what is done is kept: rerun with a higher {} to continue"
