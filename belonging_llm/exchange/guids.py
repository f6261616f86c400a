"""Names that programs for qualitative analysis give to things: GUIDs, the same for the same thing."""

from __future__ import annotations

import re
from uuid import NAMESPACE_URL, UUID, uuid5

_OURS = uuid5(NAMESPACE_URL, "urn:belonging-llm:exchange")
_GUID = re.compile(r"\{?([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\}?")


def guid(*parts: object) -> str:
    """The GUID of whatever these parts name; the same parts always have the same one."""
    # The unit separator keeps ("ab", "c") apart from ("a", "bc").
    return str(uuid5(_OURS, "\x1f".join(map(str, parts)))).upper()


def tidy(given: str) -> str:
    """A GUID as it is kept: upper case, without braces; empty when it is none."""
    found = _GUID.fullmatch(given.strip())
    return str(UUID(found[1])).upper() if found else ""


class Register:
    """Hands out each GUID once: one that is missing, malformed or taken gets another.

    Attributes:
        made: How many had to be made up.
    """

    def __init__(self, scope: str) -> None:
        """Begin a file; `scope` keeps made-up GUIDs of different files apart."""
        self._scope = scope
        self._taken: set[str] = set()
        self.made = 0

    def take(self, given: str | None, *place: object) -> str:
        """The GUID to use for a thing that the file calls `given` and that stands at `place`."""
        wanted = tidy(given or "")
        if not wanted or wanted in self._taken:
            self.made += 1
            return self.make(*place)
        self._taken.add(wanted)
        return wanted

    def make(self, *place: object) -> str:
        """A GUID for a thing that the file gives none, by where it stands."""
        found = guid(self._scope, *place)
        while found in self._taken:
            found = guid(found)
        self._taken.add(found)
        return found
