"""A codebook: the codes people look for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

from belonging_llm.provenance import digest

KINDS = ("construct", "facet", "core", "determinant", "foundation", "mechanism", "code")


class Source(BaseModel):
    """Where a framework comes from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    citation: str


class Code(BaseModel):
    """One code of a codebook.

    Attributes:
        kind: One of `KINDS`; a *determinant* enables or constrains, the others are experienced or absent.
        assignable: False for headings, which organise and are never applied to a segment.
        include: When to use it.
        exclude: When not to, naming the neighbour to use instead.
        examples: Sentences where it is experienced (a determinant: enables).
        absent_examples: Sentences where it is absent (a determinant: constrains).
        absorbs: Ids of codes that were merged into it: what people said of them counts as said of this one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    name: str
    kind: str = "code"
    parent: str | None = None
    assignable: bool = True
    definition: str = ""
    include: str = ""
    exclude: str = ""
    examples: tuple[str, ...] = ()
    absent_examples: tuple[str, ...] = ()
    absorbs: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _known_kind(self) -> Self:
        if self.kind not in KINDS:
            raise ValueError(f"code {self.id}: kind {self.kind!r} is not one of {', '.join(KINDS)}")
        return self


class Framework(BaseModel):
    """A codebook with its name and sources."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    version: int = 1
    name: str
    description: str = ""
    sources: tuple[Source, ...] = ()
    codes: tuple[Code, ...]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        repeated = [code for code, n in Counter(code.id for code in self.codes).items() if n > 1]
        if repeated:
            raise ValueError(f"code ids occur more than once: {', '.join(repeated)}")
        orphans = [c.id for c in self.codes if c.parent and c.parent not in {code.id for code in self.codes}]
        if orphans:
            raise ValueError(f"codes whose parent is not in the codebook: {', '.join(orphans)}")
        if circular := _below_themselves(self.codes):
            raise ValueError(f"codes that stand below themselves: {', '.join(circular)}")
        if not self.assignable:
            raise ValueError("no code may be assigned")
        gone = Counter(one for code in self.codes for one in code.absorbs)
        there = {code.id for code in self.codes}
        if wrong := sorted(one for one, n in gone.items() if n > 1 or one in there):
            raise ValueError(f"merged codes that are in the codebook, or merged into several: {', '.join(wrong)}")
        if headings := [code.id for code in self.codes if code.absorbs and not code.assignable]:
            raise ValueError(f"headings that codes were merged into: {', '.join(headings)}")
        return self

    @cached_property
    def assignable(self) -> tuple[Code, ...]:
        """The codes that segments can receive, in the codebook's order."""
        return tuple(code for code in self.codes if code.assignable)

    @cached_property
    def tree(self) -> tuple[tuple[int, Code], ...]:
        """Every code with how deep it stands, each behind the one above it; siblings in the codebook's order."""
        below: dict[str | None, list[Code]] = {}
        for code in self.codes:
            below.setdefault(code.parent or None, []).append(code)
        waiting, found = [(0, code) for code in reversed(below.get(None, []))], list[tuple[int, Code]]()
        while waiting:
            depth, code = waiting.pop()
            found.append((depth, code))
            waiting += [(depth + 1, child) for child in reversed(below.get(code.id, []))]
        return tuple(found)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the whole content; without merged codes it is what it was before codes could be merged."""
        content = self.model_dump(mode="json")
        for code in content["codes"]:
            if not code["absorbs"]:
                del code["absorbs"]
        return digest(content)

    @cached_property
    def absorbed(self) -> Mapping[str, str]:
        """For every code that was merged into another, that other."""
        return {one: code.id for code in self.codes for one in code.absorbs}

    def reordered(self, order: Sequence[str]) -> Framework:
        """The same codebook with its assignable codes in another order; headings come first.

        Args:
            order: Ids of all assignable codes.
        """
        headings = tuple(code for code in self.codes if not code.assignable)
        given = {name: getattr(self, name) for name in Framework.model_fields if name != "codes"}
        return Framework(codes=(*headings, *(self.code(one) for one in order)), **given)

    def code(self, code_id: str) -> Code:
        """The code with this id; KeyError when there is none."""
        return {code.id: code for code in self.codes}[code_id]


def _below_themselves(codes: Sequence[Code]) -> list[str]:
    above = {code.id: code.parent for code in codes}
    found = []
    for start in above:
        at, steps = above[start], 0
        while at and at != start and steps < len(above):
            at, steps = above.get(at), steps + 1
        if at == start:
            found.append(start)
    return found
