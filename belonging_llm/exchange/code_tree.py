"""Codebooks as trees of codes with GUIDs, and back: what this program knows more of stands in the description."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from belonging_llm.codebook import KINDS, Code, Framework, Source
from belonging_llm.errors import CodebookError
from belonging_llm.exchange import labelled
from belonging_llm.exchange.guids import guid
from belonging_llm.exchange.project import ProjectCode

_WHEN, _NOT, _EXAMPLES, _ABSENT = "When to use", "When not to use", "Examples", "Examples of absence"
_KIND, _ID = "Kind", "Id"
LABELS = (_WHEN, _NOT, _EXAMPLES, _ABSENT, _KIND, _ID)
_BOOK = ("Codebook", "Codebook id", "Codebook version", "Codebook description", "Codebook sources")


@dataclass(frozen=True)
class Look:
    """What a code's file said of it that a codebook has no place for."""

    guid: str
    colour: str = ""
    memos: tuple[str, ...] = ()


def to_tree(framework: Framework, looks: Mapping[str, Look]) -> tuple[ProjectCode, ...]:
    """The codes of a codebook, parents before children; a code seen in a file keeps its GUID and colour."""
    look = seen(framework, looks)
    named = _ids([(c.id, c.name, c.parent) for c in _parents_first(framework)])
    return tuple(
        ProjectCode(
            guid=look[c.id].guid,
            name=c.name,
            parent=look[c.parent].guid if c.parent else None,
            codable=c.assignable,
            description=_described(c, named[c.id]),
            colour=look[c.id].colour,
            memos=look[c.id].memos,
        )
        for c in _parents_first(framework)
    )


def seen(framework: Framework, looks: Mapping[str, Look]) -> dict[str, Look]:
    """How each code of a codebook looks, by id: as in the file it came with, else with a GUID of its own."""
    return {c.id: looks.get(c.id, Look(guid("code", framework.id, c.id))) for c in framework.codes}


def ids_of(codes: Sequence[ProjectCode]) -> dict[str, str]:
    """Ids for codes, by GUID: the one that a description names, else the name, with those above it where needed."""
    ids = _ids([(c.guid, c.name, c.parent) for c in codes])
    wanted = {c.guid: labelled.read(c.description, LABELS)[1].get(_ID, ids[c.guid]) for c in codes}
    # A description that was copied with its code must not give two codes one id.
    times = Counter(wanted.values())
    return {g: w if times[w] == 1 else ids[g] for g, w in wanted.items()}


def from_tree(codes: Sequence[ProjectCode], *, name: str, about: str = "", place: str) -> Framework:
    """A codebook of these codes, called as `ids_of` calls them.

    Args:
        about: The project's description, which may say which codebook it was.

    Raises:
        CodebookError: no code may be given to text.
    """
    ids = ids_of(codes)
    said = {c.guid: labelled.read(c.description, LABELS) for c in codes}
    _, book = labelled.read(about, _BOOK)
    try:
        framework = Framework(
            id=book.get("Codebook id") or slug(name),
            version=int(book.get("Codebook version") or 1),
            name=book.get("Codebook") or name,
            description=book.get("Codebook description", ""),
            sources=tuple(Source(citation=line) for line in book.get("Codebook sources", "").split("\n") if line),
            codes=tuple(_code(c, ids, *said[c.guid]) for c in codes),
        )
    except (ValidationError, ValueError) as error:
        reason = error.errors(include_url=False)[0]["msg"] if isinstance(error, ValidationError) else error
        raise CodebookError(f"{place}: its codes make no codebook: {reason}") from error
    return framework


def describe(framework: Framework) -> str:
    """Which codebook it is, as part of a project's description."""
    fields = {
        "Codebook": framework.name,
        "Codebook id": framework.id,
        "Codebook version": str(framework.version),
        "Codebook description": framework.description,
        "Codebook sources": "\n".join(source.citation for source in framework.sources),
    }
    return labelled.write("", fields, _BOOK)


def lead(description: str) -> str:
    """A project's description without the part that says which codebook it has."""
    return labelled.read(description, _BOOK)[0]


def slug(name: str) -> str:
    """A name as an id: lower case, words joined by hyphens."""
    return re.sub(r"\W+", "-", name.casefold()).strip("-") or "codebook"


def _parents_first(framework: Framework) -> list[Code]:
    """The codebook's order, but for children that stand before their parents."""
    placed: dict[str | None, list[Code]] = {}
    for code in framework.codes:
        placed.setdefault(code.parent, []).append(code)
    order: list[Code] = []
    waiting = list(reversed(placed.get(None, [])))
    while waiting:
        code = waiting.pop()
        order.append(code)
        waiting += reversed(placed.get(code.id, []))
    # Codes in a ring of parents have no top: they come as they stand.
    return order + [code for code in framework.codes if code not in order]


def _ids(codes: Sequence[tuple[str, str, str | None]]) -> dict[str, str]:
    """An id for each (key, name, parent's key): its name, with the names above it where that is not enough."""
    names = {key: name.strip() or "unnamed" for key, name, _ in codes}
    above = {key: parent for key, _, parent in codes}
    ids = dict(names)
    for _ in range(len(codes)):
        times = Counter(ids.values())
        longer = {key: _longer(ids[key], key, names, above) for key in ids if times[ids[key]] > 1}
        if not any(longer[key] != ids[key] for key in longer):
            break
        ids |= longer
    return _numbered(ids)


def _longer(current: str, key: str, names: Mapping[str, str], above: Mapping[str, str | None]) -> str:
    """The id with one more of the names above it."""
    chain, at = [names[key]], above[key]
    while at is not None and at in names and len(chain) <= current.count("\x1f") + 1:
        chain.append(names[at])
        at = above[at]
    return "\x1f".join(reversed(chain))


def _numbered(ids: Mapping[str, str]) -> dict[str, str]:
    seen: Counter[str] = Counter()
    found = {}
    taken = {value.replace("\x1f", "/") for value in ids.values()}
    for key, value in ids.items():
        plain = value.replace("\x1f", "/")
        seen[plain] += 1
        number = seen[plain]
        while number > 1 and f"{plain} ({number})" in taken:
            number += 1
        found[key] = plain if number == 1 else f"{plain} ({number})"
        taken.add(found[key])
    return found


def _described(code: Code, derived: str) -> str:
    fields = {
        _WHEN: code.include,
        _NOT: code.exclude,
        _EXAMPLES: _one_a_line(code.examples),
        _ABSENT: _one_a_line(code.absent_examples),
        _KIND: code.kind if code.kind != "code" else "",
        _ID: code.id if code.id != derived else "",
    }
    return labelled.write(code.definition, fields, LABELS)


def _one_a_line(examples: Sequence[str]) -> str:
    return "\n".join(" ".join(example.split("\n")) for example in examples)


def _code(code: ProjectCode, ids: Mapping[str, str], definition: str, fields: Mapping[str, str]) -> Code:
    kind = fields.get(_KIND, "code")
    return Code(
        id=ids[code.guid],
        name=code.name,
        kind=kind if kind in KINDS else "code",
        parent=ids[code.parent] if code.parent else None,
        assignable=code.codable,
        definition=definition,
        include=fields.get(_WHEN, ""),
        exclude=fields.get(_NOT, ""),
        examples=tuple(filter(None, fields.get(_EXAMPLES, "").split("\n"))),
        absent_examples=tuple(filter(None, fields.get(_ABSENT, "").split("\n"))),
    )
