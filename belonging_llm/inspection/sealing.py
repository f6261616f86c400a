"""Whose segments are not shown beside people's codings: those of the test split, until somebody opened it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

from belonging_llm.auditing.splits import Part
from belonging_llm.study import Study


@dataclass(frozen=True)
class Seal:
    """What must not be looked at.

    Attributes:
        opened: The test split was opened before, and that is logged.
        parts: The part of each participant that has one.
        undivided: Participants whom people have coded and who are in no part yet: they may come to be test.
    """

    opened: bool
    parts: dict[str, Part]
    undivided: frozenset[str]

    @cached_property
    def hidden(self) -> frozenset[str]:
        """Participants whose segments are not shown beside the model's word."""
        return self.undivided if self.opened else self.undivided | self.of(Part.TEST)

    def of(self, part: Part) -> frozenset[str]:
        """Participants of one part."""
        return frozenset(who for who, where in self.parts.items() if where is part)


def seal(study: Study, coded: Collection[str]) -> Seal:
    """The seal as it stands; nobody is put into a part by looking.

    Args:
        coded: Participants of whom people have judged a segment.
    """
    locked = {who: Part(part) for who, part in study.store.audits.parts().items()}
    loose = frozenset(coded) - locked.keys() if study.settings.hold_out else frozenset()
    return Seal(bool(study.store.audits.unsealings()), locked, frozenset(loose))
