"""Frameworks and codebooks: the codes people look for, and how frameworks correspond."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Self

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from belonging_llm import resources
from belonging_llm.errors import CodebookError
from belonging_llm.provenance import digest

KINDS = ("construct", "facet", "core", "determinant", "foundation", "mechanism", "code")
RELATIONS = ("same", "broader", "narrower", "related")


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
        if not self.assignable:
            raise ValueError("no code may be assigned")
        return self

    @cached_property
    def assignable(self) -> tuple[Code, ...]:
        """The codes that segments can receive, in the codebook's order."""
        return tuple(code for code in self.codes if code.assignable)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the whole content."""
        return digest(self.model_dump(mode="json"))

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


class Correspondence(BaseModel):
    """One row of the crosswalk: `from` is RELATION than (or to) `to`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    from_framework: str
    from_code: str
    to_framework: str
    to_code: str
    relation: str
    note: str = ""


def built_in() -> list[str]:
    """Ids of the frameworks that come with the package, sorted."""
    return sorted(file.stem for file in resources.path("data", "frameworks").glob("*.yaml"))


def load(name: str) -> Framework:
    """A built-in framework by id, or a YAML file by path.

    Raises:
        CodebookError: unknown, unreadable, or against the schema.
    """
    if name in built_in():
        return read_yaml(resources.path("data", "frameworks", f"{name}.yaml"))
    path = Path(name)
    if path.suffix.lower() in {".yaml", ".yml"}:
        return read_yaml(path)
    raise CodebookError(
        f"{name}: neither a built-in framework ({', '.join(built_in())}) nor a .yaml file; "
        "codebook tables are brought in with `belonging import`"
    )


def read_yaml(path: Path) -> Framework:
    """Read a framework file.

    Raises:
        CodebookError: unreadable, not YAML, or against the schema; names the file and the field.
    """
    try:
        return Framework.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        raise CodebookError(f"{path}: {_first(error)}") from error
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise CodebookError(f"{path}: cannot be read as YAML: {error}") from error


def from_rows(rows: Sequence[dict[str, str]], *, name: str, place: str) -> Framework:
    """A codebook table's rows (`code, name, definition` [`include, exclude, examples, parent, kind`]).

    Examples are separated by line ends or ` | `.

    Raises:
        CodebookError: a row breaks the schema; names file and row.
    """
    codes = []
    for number, row in enumerate(rows, 2):
        if not (row.get("code") or "").strip():
            raise CodebookError(f"{place}, row {number}: the column code is missing or empty; every code needs an id")
        try:
            codes.append(_code(row))
        except ValidationError as error:
            raise CodebookError(f"{place}, row {number}: {_first(error)}") from error
    try:
        return Framework(id=name, name=name, codes=tuple(codes))
    except ValidationError as error:
        raise CodebookError(f"{place}: {_first(error)}") from error


def crosswalk() -> list[Correspondence]:
    """The table that says which codes of the built-in frameworks correspond."""
    path = resources.path("data", "frameworks", "crosswalk.csv")
    with path.open(encoding="utf-8", newline="") as stream:
        return [Correspondence.model_validate(row) for row in csv.DictReader(stream)]


def _code(row: dict[str, str]) -> Code:
    row = {name: value or "" for name, value in row.items()}
    return Code(
        id=row["code"].strip(),
        name=row.get("name") or row["code"],
        kind=row.get("kind") or "code",
        parent=row.get("parent") or None,
        definition=row.get("definition", ""),
        include=row.get("include", ""),
        exclude=row.get("exclude", ""),
        examples=tuple(e.strip() for e in row.get("examples", "").replace(" | ", "\n").split("\n") if e.strip()),
    )


def _first(error: ValidationError) -> str:
    problem = error.errors(include_url=False)[0]
    place = ".".join(map(str, problem["loc"]))
    return f"{place + ': ' if place else ''}{problem['msg'].removeprefix('Value error, ')}"
