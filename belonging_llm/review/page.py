"""A page: a route with the roles that may ask for it; there is no route without."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from belonging_llm.store import Role

if TYPE_CHECKING:
    from starlette.responses import Response

    from belonging_llm.review.visit import Visit


class Anyone(Enum):
    """Those who have not signed in, too."""

    ANYONE = "anyone"


ANYONE = Anyone.ANYONE
CODERS = frozenset({Role.CODER})
ADJUDICATORS = frozenset({Role.ADJUDICATOR, Role.ADMIN})
ADMINS = frozenset({Role.ADMIN})
EVERYBODY = frozenset(Role)


@dataclass(frozen=True)
class Page:
    """One route.

    Attributes:
        name: Names it in the access log and in templates (`url("name")`).
        path: With parameters in braces: `/code/{segment}`.
        answer: A plain function; it runs in a thread, so it may wait for the database.
        roles: Who may ask for it; `ANYONE` includes those who have not signed in.
        menu: What the menu calls it; empty keeps it out of the menu.
        examples: Addresses that tests ask for, with ids of the tests' study in braces (`{segment}`, `{transcript}`,
            `{run}`, `{theme}`, `{code}`, `{reviewer}`); the path itself when empty.
        form: What tests send along where the method is POST.
    """

    name: str
    path: str
    answer: Callable[[Visit], Response]
    roles: frozenset[Role] | Anyone
    method: str = "GET"
    menu: str = ""
    examples: tuple[str, ...] = ()
    form: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.roles is not ANYONE and not self.roles:
            raise ValueError(f"{self.name}: names nobody who may ask for it")
        if self.method not in {"GET", "POST"}:
            raise ValueError(f"{self.name}: {self.method} is neither GET nor POST")
        if "{" in self.path and not self.examples:
            raise ValueError(f"{self.name}: has a parameter and no example for the tests")

    def admits(self, role: Role | None) -> bool:
        """Whether somebody of this role (None: not signed in) may ask for it."""
        return self.roles is ANYONE or (role is not None and role in self.roles)
