"""What a simulation finds: rates with intervals, and the ranges that were wanted of them."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from scipy import stats

from belonging_llm.evaluation import Watch

WATCH = Watch()
LOOK = 0.05


@dataclass(frozen=True)
class Rate:
    """How often something came about.

    Attributes:
        wanted: Lowest and highest share that will do, decided before the simulation was run.
    """

    name: str
    hits: int
    of: int
    wanted: tuple[float, float] | None = None

    @property
    def holds(self) -> bool | None:
        """Whether the share is in the wanted range; None where nothing was wanted."""
        return None if self.wanted is None else self.wanted[0] <= self.hits / self.of <= self.wanted[1]

    def as_json(self) -> dict[str, object]:
        """With the share and its interval."""
        inside = stats.binomtest(self.hits, self.of).proportion_ci()
        shares = {"rate": self.hits / self.of, "low": float(inside.low), "high": float(inside.high)}
        return asdict(self) | {k: round(v, 4) for k, v in shares.items()} | {"holds": self.holds}


@dataclass(frozen=True)
class Simulation:
    """A design and what came of it."""

    name: str
    design: str
    rates: tuple[Rate, ...]
    facts: Mapping[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """As it is accepted."""
        facts = {name: round(value, 4) for name, value in self.facts.items()}
        return {"name": self.name, "design": self.design, "rates": [r.as_json() for r in self.rates], "facts": facts}


def design(simulate: Callable[..., Simulation]) -> str:
    """What a simulation's docstring says."""
    return " ".join((inspect.getdoc(simulate) or "").split())


def table(done: Simulation) -> str:
    """For a terminal."""
    lines = [f"\n{done.name}: {done.design}"]
    for one in done.rates:
        given = one.as_json()
        judged = "" if one.wanted is None else f"  wanted {one.wanted[0]:g} to {one.wanted[1]:g}: {one.holds}"
        lines.append(f"  {one.name:70} {given['rate']:.3f}  ({given['low']:.3f} to {given['high']:.3f}){judged}")
    return "\n".join([*lines, *(f"  {name}: {value:.3f}" for name, value in done.facts.items())])


def as_json(done: Iterable[Mapping[str, Any]]) -> str:
    """The figures of all simulations, as they are accepted."""
    content = {"level": WATCH.level, "simulations": list(done)}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"
