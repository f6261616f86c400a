"""Read codebooks from files, and the table that says how frameworks correspond."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from belonging_llm import resources
from belonging_llm.codebook.framework import Code, Framework
from belonging_llm.errors import CodebookError

_HEADING = ("false", "no", "0")
RELATIONS = ("same", "broader", "narrower", "related")


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
        # Read from the open file, mistakes are told with its name.
        with path.open(encoding="utf-8") as stream:
            return Framework.model_validate(yaml.safe_load(stream))
    except ValidationError as error:
        raise CodebookError(f"{path}: {_first(error)}") from error
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise CodebookError(f"{path}: cannot be read as YAML: {error}") from error


def to_yaml(framework: Framework) -> str:
    """A codebook as a file that `read_yaml` reads back; what is empty is left out."""
    content = framework.model_dump(mode="json", exclude_defaults=True) | {"version": framework.version}
    order = [name for name in Framework.model_fields if name in content]
    return yaml.safe_dump({n: content[n] for n in order}, sort_keys=False, allow_unicode=True, width=110)


def from_rows(rows: Sequence[dict[str, str]], *, name: str, place: str) -> Framework:
    """A codebook table's rows (`code, name, definition` [`include, exclude, examples, parent, kind`, …]).

    Also read are `absent_examples`, `absorbs` (ids of codes merged into it) and `assignable` (false for headings).
    Examples and ids are separated by line ends or ` | `.

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
        assignable=row.get("assignable", "").strip().lower() not in _HEADING,
        examples=_lines(row.get("examples", "")),
        absent_examples=_lines(row.get("absent_examples", "")),
        absorbs=_lines(row.get("absorbs", "")),
    )


def _lines(cell: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in cell.replace(" | ", "\n").split("\n") if line.strip())


def _first(error: ValidationError) -> str:
    problem = error.errors(include_url=False)[0]
    place = ".".join(map(str, problem["loc"]))
    return f"{place + ': ' if place else ''}{problem['msg'].removeprefix('Value error, ')}"
