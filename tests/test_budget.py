"""A budget by hand: what is charged, what is added up, and when nothing more may begin."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from belonging_llm import study
from belonging_llm.asking import Departure, LedgerEntry
from belonging_llm.budget import Budget, Limit, Spending, Tokens, bill, billed
from belonging_llm.errors import BudgetReached, Incomplete, InputError
from belonging_llm.llm import ChatReply, ChatRequest
from belonging_llm.prices import HERE, Price
from belonging_llm.store import Store

# One dollar for a token in, two for a token out.
DEAR = Price(models=("dear:*",), input=1e6, output=2e6, source="made up", date=None)
MINI = "openai:gpt-4.1-mini"


def request(**more: object) -> ChatRequest:
    return ChatRequest.model_validate({"system": "s", "user": "u", "reply_schema": {}, "max_tokens": 7} | more)


def reply(prompt: int | None = None, completion: int | None = None) -> ChatReply:
    return ChatReply(text="{}", finish_reason="stop", prompt_tokens=prompt, completion_tokens=completion)


def test_counted_tokens_are_charged_as_counted() -> None:
    assert billed(request(), reply(10, 5)) == Tokens(10, 5)


def test_what_the_endpoint_did_not_count_is_charged_at_the_most_it_can_be() -> None:
    sent = len(request(user="äöü").model_dump_json().encode())
    assert billed(request(user="äöü"), reply()) == Tokens(sent, 7, counted=False)
    assert billed(request(), reply(10)) == Tokens(10, 7, counted=False)


def test_what_is_yet_to_come_is_charged_at_the_most_it_can_be() -> None:
    sent = len(request().model_dump_json().encode())
    assert billed(request(), None, batch=True) == Tokens(sent, 7, counted=False, batch=True)


def test_replies_of_batches_cost_their_share_of_the_price() -> None:
    price = DEAR.model_copy(update={"batch": 0.25})
    spent = Spending("dear:1").plus(Tokens(10, 5)).plus(Tokens(8, 4, batch=True))
    # 10 × 1 + 5 × 2 = 20 in full, and a quarter of 8 × 1 + 4 × 2 = 16.
    assert spent.at(price) == 24.0
    assert spent.at(DEAR) == 36.0, "no discount is known"
    assert spent.at(None) is None
    assert (spent.replies, spent.prompt_tokens, spent.completion_tokens) == (2, 18, 9)


def test_how_many_fit_by_hand() -> None:
    # Each 10 × 1 + 5 × 2 = 20; 30 are spent and 100 allowed: three more make 90.
    budget = Budget(Limit(usd=100.0), DEAR, Spending("dear:1", replies=1, prompt_tokens=30))
    assert budget.fits([Tokens(10, 5)] * 9) == 3
    assert budget.fits([Tokens(10, 5)] * 2) == 2
    assert budget.fits([Tokens(10, 5), Tokens(100, 0), Tokens(1, 0)]) == 1, "none is left out to let a later one in"
    assert Budget(Limit(usd=20.0), DEAR).fits([Tokens(10, 5)]) == 1, "to the cent"
    assert Budget(Limit(calls=4), DEAR, Spending("dear:1", replies=1)).fits([Tokens(1, 1)] * 9) == 3
    assert Budget().fits([Tokens(10, 5)] * 9) == 9
    assert Budget(Limit(usd=0.0), HERE).fits([Tokens(10, 5)] * 9) == 9, "what costs nothing always fits"


def test_replies_that_came_together_are_counted() -> None:
    budget = Budget(Limit(usd=40.0), DEAR)
    budget.count([Tokens(10, 5), Tokens(10, 5)])
    assert budget.usd == 40.0
    with pytest.raises(BudgetReached):
        budget.begin()


def test_money_by_hand() -> None:
    budget = Budget(Limit(usd=31.0), DEAR)
    # 10 × 1 + 5 × 2 = 20, which leaves room; 40 does not.
    for spent in (20.0, 40.0):
        budget.begin()
        budget.end(Tokens(10, 5))
        assert budget.usd == spent
    with pytest.raises(
        BudgetReached, match=r"budget of USD 31\.00 is reached \(USD 40\.00 spent in 2 calls\).*--budget"
    ):
        budget.begin()


def test_a_budget_that_is_spent_to_the_cent_is_reached() -> None:
    budget = Budget(Limit(usd=20.0), DEAR, Spending("dear:1", False, 1, 10, 5))
    with pytest.raises(BudgetReached):
        budget.begin()


def test_calls_in_flight_count_so_that_there_are_never_more() -> None:
    budget = Budget(Limit(calls=2))
    budget.begin()
    budget.begin()
    with pytest.raises(BudgetReached, match="limit of 2 calls"):
        budget.begin()
    budget.end()
    budget.begin()
    budget.end(Tokens(1, 1))
    budget.end(Tokens(1, 1))
    with pytest.raises(BudgetReached):
        budget.begin()


def test_a_call_without_a_reply_costs_nothing() -> None:
    budget = Budget(Limit(usd=1.0, calls=1), DEAR)
    for _ in range(3):
        budget.begin()
        budget.end()
    assert (budget.usd, budget.spent.replies) == (0, 0)


def test_money_does_not_limit_what_costs_nothing() -> None:
    budget = Budget(Limit(usd=0.0), HERE)
    budget.begin()


def test_money_without_a_price_is_refused() -> None:
    with pytest.raises(InputError, match=r"x:new: unknown price.*--calls"):
        Budget(Limit(usd=1.0), None, Spending("x:new"))
    assert Budget(Limit(calls=1), None).usd is None


def test_reaching_a_budget_is_an_incomplete_run() -> None:
    assert issubclass(BudgetReached, Incomplete)
    assert BudgetReached.exit_code == 3


@pytest.mark.parametrize(
    ("spendings", "usd", "said"),
    [
        ([], 0, "nothing"),
        ([Spending("local:x", True, 3, 10, 5)], 0, "nothing (runs here)"),
        # 1,000,000 × 0.40 + 500,000 × 1.60, per million.
        ([Spending(MINI, False, 3, 1_000_000, 500_000)], 1.2, "USD 1.20"),
        ([Spending(MINI, False, 3, 1_000_000, 500_000, uncounted=1)], 1.2, "at most USD 1.20"),
        ([Spending("x:new", False, 1, 10, 5)], None, "unknown price (x:new)"),
        ([Spending(MINI, False, 1, 0, 500_000), Spending("x:new", False, 1, 1, 1)], None, "USD 0.8000 and unknown price (x:new)"),
        ([Spending("x:new", False, 0)], 0, "nothing"),
    ],
)  # fmt: skip
def test_bills_say_what_is_known(spendings: list[Spending], usd: float | None, said: str) -> None:
    found = bill(spendings)
    assert found.usd == (usd if usd is None else pytest.approx(usd))
    assert str(found) == said


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = study.create(tmp_path / "study")
    yield made.store
    made.store.close()


def put(store: Store, model: str, run: str, given: ChatReply, endpoint: str | None = None, attempt: int = 1) -> None:
    entry = LedgerEntry(
        key=f"{model}{run}", attempt=attempt, run_id=run, model=model, prompt="p", prompt_digest="d", reply=given,
        seconds=0.0, at="2026-01-01",
    )  # fmt: skip
    if endpoint:
        store.ledger.leaving(request(), Departure(endpoint, model, run))
    store.ledger.record(entry, request())


def test_the_ledger_adds_up_every_attempt_by_model_and_run(store: Store) -> None:
    put(store, MINI, "run-1", reply(10, 5), "openai")
    put(store, MINI, "run-1", reply(20, 6), "openai", attempt=2)
    put(store, MINI, "run-2", reply(), "openai")
    put(store, "local:x", "run-1", reply(1, 1))
    sent = len(request().model_dump_json().encode())
    assert store.ledger.spending("run-1") == [Spending("local:x", True, 1, 1, 1), Spending(MINI, False, 2, 30, 11)]
    assert store.ledger.spending()[1] == Spending(MINI, False, 3, 30 + sent, 18, uncounted=1)
    assert store.ledger.spending("run-3") == []


def test_the_ledger_knows_what_ran_here(store: Store) -> None:
    """A model's id does not always say where it is; the egress log does."""
    put(store, "langchain:ollama:llama3", "run", reply(1, 1), "http://127.0.0.1:11434")
    put(store, "langchain:mistralai:large", "run", reply(1, 1), "langchain:mistralai")
    assert {s.model: s.usd for s in store.ledger.spending()} == {
        "langchain:ollama:llama3": 0,
        "langchain:mistralai:large": None,
    }


def test_a_reply_with_odd_characters_is_added_up_too(store: Store) -> None:
    odd = ChatReply.model_construct(text="\ud800\0", finish_reason="stop", prompt_tokens=3, completion_tokens=4)
    put(store, MINI, "run", odd, "openai")
    assert store.ledger.spending("run") == [Spending(MINI, False, 1, 3, 4)]


def test_what_other_models_took_counts_towards_the_same_limit() -> None:
    elsewhere = bill([Spending("local:a", True, 3, 9, 9), Spending(MINI, False, 2, 1_000_000, 0)])
    assert elsewhere.known_usd > 0
    budget = Budget(Limit(usd=100.0, calls=6), DEAR, Spending("dear:1", False, 1, 10, 5), elsewhere)
    assert budget.usd == pytest.approx(20.0 + elsewhere.known_usd)
    assert budget.replies == 6
    with pytest.raises(BudgetReached, match="limit of 6 calls"):
        budget.begin()
    tight = Budget(Limit(usd=20.0 + elsewhere.known_usd), DEAR, Spending("dear:1", False, 1, 10, 5), elsewhere)
    with pytest.raises(BudgetReached, match="in 6 calls"):
        tight.begin()
