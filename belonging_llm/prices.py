"""What a model's replies cost: `data/prices.yaml`, and nothing for what runs on this machine."""

from __future__ import annotations

import datetime as dt
from fnmatch import fnmatchcase
from functools import cache

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from belonging_llm import resources
from belonging_llm.errors import InputError
from belonging_llm.llm import is_loopback

MILLION = 1_000_000


class Price(BaseModel):
    """What a vendor charges, in US dollars per million tokens.

    Attributes:
        models: Patterns (`*`, `?`) over ids of models, without a leading `langchain:`.
        input: For tokens that are sent.
        output: For tokens that come back.
        source: The vendor and the title of the page.
        date: When the price was last seen to stand; None for what has no vendor.
        batch: The share of the price that a question in a batch costs; 1 where no discount is known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    models: tuple[str, ...] = Field(min_length=1)
    input: float = Field(ge=0, allow_inf_nan=False)
    output: float = Field(ge=0, allow_inf_nan=False)
    source: str = Field(min_length=1)
    date: dt.date | None
    batch: float = Field(default=1.0, gt=0, le=1)

    @property
    def free(self) -> bool:
        """Whether replies cost nothing."""
        return self.input == self.output == 0


HERE = Price(models=("local:*",), input=0, output=0, source="runs here", date=None)


def price_of(model_id: str) -> Price | None:
    """What a model costs by its id; `HERE` for the embedded model and servers on this machine; None where unknown."""
    if model_id.startswith("local:") or is_loopback(model_id):
        return HERE
    name = model_id.removeprefix("langchain:")
    return next((p for p in table() if any(fnmatchcase(name, pattern) for pattern in p.models)), None)


def price_at(model_id: str, endpoint: str | None) -> Price | None:
    """What a model costs where it is reached; its text stays on this machine when `endpoint` is None or loopback."""
    return HERE if endpoint is None or is_loopback(endpoint) else price_of(model_id)


def cost(price: Price | None, prompt_tokens: int, completion_tokens: int, *, batch: bool = False) -> float | None:
    """US dollars for so many tokens, in a batch or not; None where the price is unknown."""
    if price is None:
        return None
    full = (prompt_tokens * price.input + completion_tokens * price.output) / MILLION
    return full * price.batch if batch else full


def dollars(amount: float) -> str:
    """An amount as people read it; small ones with four decimals."""
    return f"USD {amount:,.2f}" if amount >= 1 else f"USD {amount:.4f}"


@cache
def table() -> tuple[Price, ...]:
    """Every price on record.

    Raises:
        InputError: `data/prices.yaml` breaks its schema.
    """
    file = resources.path("data", "prices.yaml")
    try:
        return _TABLE.validate_python(yaml.safe_load(file.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise InputError(f"{file}: cannot be used as a table of prices: {error}") from error


_TABLE: TypeAdapter[tuple[Price, ...]] = TypeAdapter(tuple[Price, ...])
