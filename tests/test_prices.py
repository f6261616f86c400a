"""What replies cost: by the table, nothing on this machine, and unknown where nobody has looked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from belonging_llm import prices, resources
from belonging_llm.errors import InputError
from belonging_llm.prices import HERE, Price, cost, dollars, price_at, price_of


@pytest.fixture
def price_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "data").mkdir()
    monkeypatch.setattr(resources, "path", lambda *parts: tmp_path.joinpath(*parts))
    prices.table.cache_clear()
    yield tmp_path / "data" / "prices.yaml"
    prices.table.cache_clear()


def test_every_price_on_record_says_who_said_so_and_when() -> None:
    assert len(prices.table()) >= 5
    for price in prices.table():
        assert 0 < price.input < price.output < 100
        assert price.date is not None
        assert dt.date(2026, 1, 1) <= price.date
        assert price.source
        assert "http" not in price.source


def test_batches_cost_a_half_where_a_discount_is_on_record() -> None:
    known = {price.models[0].split(":")[0]: price.batch for price in prices.table()}
    assert known == {"openai": 0.5, "anthropic": 1.0}
    mini = price_of("openai:gpt-4.1-mini")
    # 1 million in at 0.40 and 1 million out at 1.60.
    assert cost(mini, 1_000_000, 1_000_000) == pytest.approx(2.0)
    assert cost(mini, 1_000_000, 1_000_000, batch=True) == pytest.approx(1.0)
    assert cost(None, 1, 1, batch=True) is None


def test_no_model_has_two_prices() -> None:
    patterns = [pattern for price in prices.table() for pattern in price.models]
    assert len(patterns) == len(set(patterns))
    for price in prices.table():
        assert price_of(price.models[0]) == price


@pytest.mark.parametrize(
    ("model", "paid"),
    [
        ("openai:gpt-4.1-mini", (0.4, 1.6)),
        ("openai:gpt-4.1-mini-2025-04-14", (0.4, 1.6)),
        ("openai:gpt-4.1", (2.0, 8.0)),
        ("langchain:openai:gpt-4o-mini", (0.15, 0.6)),
        ("langchain:anthropic:claude-haiku-4-5-20251001", (1.0, 5.0)),
    ],
)
def test_a_known_model_has_its_price(model: str, paid: tuple[float, float]) -> None:
    price = price_of(model)
    assert price is not None
    assert (price.input, price.output) == paid


@pytest.mark.parametrize(
    "model",
    [
        "openai:gpt-4.1-mini-audio",
        "openai:gpt-4o-2024-05-13",
        "openai:GPT-4o",
        "openai:gpt-99",
        "https://models.example/v1#gpt-4o",
        "http://127.0.0.1.example.org/v1#m",
        "http://localhost@192.0.2.7/v1#m",
        "langchain:ollama:llama3",
        "fake:1",
        "",
    ],
)
def test_what_nobody_looked_up_is_unknown_and_never_guessed(model: str) -> None:
    assert price_of(model) is None
    assert cost(price_of(model), 1000, 1000) is None


@pytest.mark.parametrize(
    "model", ["local:tiny@0123", "http://127.0.0.1:8000/v1#m", "http://[::1]:1/v1#m", "http://localhost/v1#m"]
)
def test_what_runs_here_costs_nothing(model: str) -> None:
    assert price_of(model) == HERE
    assert cost(HERE, 10**9, 10**9) == 0


def test_where_a_model_is_reached_decides() -> None:
    """A LangChain provider may be a server on this machine, which its id does not say."""
    assert price_at("langchain:ollama:llama3", "http://127.0.0.1:11434") == HERE
    assert price_at("fake:1", None) == HERE
    assert price_at("langchain:ollama:llama3", "http://192.0.2.7:11434") is None


def test_cost_by_hand() -> None:
    # 120,000 tokens at 0.40 and 30,000 at 1.60 a million: 0.048 + 0.048.
    assert cost(price_of("openai:gpt-4.1-mini"), 120_000, 30_000) == pytest.approx(0.096)


@pytest.mark.parametrize(("amount", "said"), [(0, "USD 0.0000"), (0.01234, "USD 0.0123"), (1234.5, "USD 1,234.50")])
def test_amounts_are_said(amount: float, said: str) -> None:
    assert dollars(amount) == said


@pytest.mark.parametrize(
    "text",
    [
        "- models: [m]\n  input: -1\n  output: 1\n  source: s\n  date: 2026-01-01\n",
        "- models: [m]\n  input: .nan\n  output: 1\n  source: s\n  date: 2026-01-01\n",
        "- models: []\n  input: 1\n  output: 1\n  source: s\n  date: 2026-01-01\n",
        "- models: [m]\n  input: 1\n  output: 1\n  source: s\n",
        "- models: [m]\n  input: 1\n  output: 1\n  source: s\n  date: 2026-01-01\n  cached: 1\n",
        "models: m\n",
        "- [\n",
    ],
)
def test_a_malformed_table_is_named(price_file: Path, text: str) -> None:
    price_file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"prices\.yaml"):
        price_of("m")


def test_the_first_pattern_that_fits_counts(price_file: Path) -> None:
    price_file.write_text(
        "- {models: ['x:small-*'], input: 1, output: 2, source: s, date: 2026-01-01}\n"
        "- {models: ['x:*'], input: 3, output: 4, source: s, date: 2026-01-01}\n",
        encoding="utf-8",
    )
    assert [p.input for m in ("x:small-2", "x:large") if (p := price_of(m))] == [1, 3]


def test_prices_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        HERE.input = 1.0  # type: ignore[misc]
    assert isinstance(HERE, Price)
