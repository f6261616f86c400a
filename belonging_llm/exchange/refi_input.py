"""Read REFI-QDA projects (`.qdpx`) and codebooks (`.qdc`), also where programs bend the standard."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from lxml import etree

from belonging_llm.archives import read_members
from belonging_llm.errors import ContainerError, ExchangeError
from belonging_llm.exchange.guids import tidy
from belonging_llm.exchange.project import Case, CodeSet, Found, LeftOut, Memo, Project, ProjectCode, Source, User
from belonging_llm.exchange.refi_ledger import Ledger, Names
from belonging_llm.exchange.refi_sources import Sources
from belonging_llm.exchange.refi_values import values_of, variables_of
from belonging_llm.exchange.refi_words import Words
from belonging_llm.exchange.refi_xml import (
    children,
    codings_in,
    elements,
    grouped,
    name_of,
    plain,
    tag_of,
    text_of,
    time_of,
)
from belonging_llm.exchange.schemas import misfits
from belonging_llm.provenance import file_digest
from belonging_llm.xml_input import parse_xml

_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}|#[0-9A-Fa-f]{3}")
_DEEPEST = 100
_MOST_CODEBOOK = 16 << 20
_KNOWN = {"Users", "CodeBook", "Variables", "Cases", "Sources", "Notes", "Sets", "Description", "NoteRef"}


def read_project(path: Path) -> Found:
    """Read a `.qdpx` file.

    Raises:
        ContainerError: the container or its XML is damaged, too large or unsafe.
        ExchangeError: no project in it, or not one that can be read.
    """
    inside = [name for name in read_members(path, wanted=_is_project) if _is_project(name)]
    if len(inside) != 1:
        raise ExchangeError(f"{path}: holds {len(inside)} .qde files where a REFI-QDA project has exactly one")
    members = read_members(path, wanted=lambda name: name == inside[0] or name.lower().endswith(".txt"))
    root = parse_xml(members.pop(inside[0]), f"{path}: {inside[0]}")
    if tag_of(root) != "Project":
        raise ExchangeError(f"{path}: its {inside[0]} holds <{tag_of(root)}> where a REFI-QDA project has <Project>")
    return _Reader(path).project(root, Words(members))


def read_codebook(path: Path) -> tuple[str, tuple[ProjectCode, ...], tuple[LeftOut, ...]]:
    """Name, codes and what was left out of a `.qdc` file.

    Raises:
        ContainerError: too large, or its XML is damaged or unsafe.
        ExchangeError: it is no codebook.
    """
    try:
        with path.open("rb") as stream:
            raw = stream.read(_MOST_CODEBOOK + 1)
    except OSError as error:
        raise ContainerError(f"{path}: cannot be read ({error.strerror}); check its name and rights") from error
    root = parse_xml(raw, str(path), most_bytes=_MOST_CODEBOOK)
    if tag_of(root) != "CodeBook":
        raise ExchangeError(f"{path}: holds <{tag_of(root)}> where a REFI-QDA codebook has <CodeBook>")
    reader = _Reader(path)
    codes = tuple(reader.codes(root))
    for given in grouped(root, "Sets", "Set"):
        reader.ledger.leave(f"set {name_of(given)}", "sets of codes have no place in this program's codebooks")
    return path.stem, codes, reader.ledger.left_out()


def _is_project(name: str) -> bool:
    return name.lower().endswith(".qde") and not PurePosixPath(name).name.startswith(".")


class _Reader:
    """Reads one file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.ledger = Ledger(file_digest(path))

    def project(self, root: etree._Element, words: Words) -> Found:
        """Everything that can be kept."""
        ledger = self.ledger
        users = tuple(self._users(root))
        notes = tuple(self._notes(root, words))
        codes = tuple(self.codes(root))
        variables = list(variables_of(ledger, root))
        names = {given: variable.name for given, variable in variables}
        sources = tuple(Sources(ledger, words, names).read(root))
        cases = tuple(self._cases(root, names, sources))
        sets = tuple(self._sets(root, sources))
        self._look_for_more(root)
        project = Project(
            name=root.get("name", "").strip() or self._path.stem,
            origin=root.get("origin", ""),
            description=text_of(root, "Description"),
            user=ledger.user(root.get("creatingUserGUID", "")),
            at=time_of(root, "creationDateTime"),
            users=(*users, *ledger.strangers(users)),
            codes=codes,
            variables=tuple(variable for _, variable in variables),
            cases=cases,
            sources=sources,
            notes=notes,
            sets=sets,
            memos=ledger.refs(root),
        )
        codings = codings_in(root)
        if astray := codings - project.codings - sum(one.codings for one in ledger.left_out()):
            ledger.leave("codings in odd places", "they stand where REFI-QDA has no codings", astray)
        remarks = (*ledger.remarks(), *_departures(root))
        return Found(project=project, left_out=ledger.left_out(), codings=codings, notes=remarks)

    def _look_for_more(self, root: etree._Element) -> None:
        """Account for parts that have no place here."""
        strange: Counter[str] = Counter()
        lost: Counter[str] = Counter()
        for part in elements(root):
            if tag_of(part) in {"Links", "Graphs"}:
                why = "links and drawings have no place in a study"
                self.ledger.leave(f"{len(part)} {tag_of(part).lower()}", why)
            elif tag_of(part) not in _KNOWN:
                strange[tag_of(part)] += 1
                lost[tag_of(part)] += codings_in(part)
        for tag, times in strange.items():
            what = f"<{tag}>" if times == 1 else f"{times} times <{tag}>"
            self.ledger.leave(what, "it is no part of a REFI-QDA project", lost[tag])

    def _users(self, root: etree._Element) -> Iterator[User]:
        names = Names()
        for number, given in enumerate(grouped(root, "Users", "User"), 1):
            wanted = (given.get("name", "") or given.get("id", "")).strip() or f"user {number}"
            user = User(guid=self.ledger.guids.take(given.get("guid"), "user", number), name=names.take(wanted))
            self.ledger.know_user(given.get("guid", ""), user.guid)
            yield user

    def codes(self, root: etree._Element) -> Iterator[ProjectCode]:
        """Every code, parents before children."""
        holders = [root, *children(root, "CodeBook")]
        tops = [code for holder in holders for codes in children(holder, "Codes") for code in children(codes, "Code")]
        waiting: list[tuple[etree._Element, str | None, int]] = [(code, None, 1) for code in reversed(tops)]
        number = 0
        while waiting:
            given, parent, depth = waiting.pop()
            if depth > _DEEPEST:
                raise ExchangeError(f"{self._path}: its codes stand more than {_DEEPEST} levels deep")
            number += 1
            code = self._code(given, parent, number)
            waiting += [(child, code.guid, depth + 1) for child in reversed(list(children(given, "Code")))]
            yield code

    def _code(self, given: etree._Element, parent: str | None, number: int) -> ProjectCode:
        code = ProjectCode(
            guid=self.ledger.guids.take(given.get("guid"), "code", number),
            name=given.get("name", "").strip() or f"code {number}",
            parent=parent,
            # Only an explicit "false" makes a folder: programs leave the attribute out for codes.
            codable=given.get("isCodable", "true").strip().lower() not in {"false", "0"},
            description=text_of(given, "Description"),
            colour=colour if _COLOUR.fullmatch(colour := given.get("color", "").strip()) else "",
            memos=self.ledger.refs(given),
        )
        self.ledger.codes.setdefault(tidy(given.get("guid", "")) or code.guid, code.guid)
        return code

    def _notes(self, root: etree._Element, words: Words) -> Iterator[Memo]:
        for number, given in enumerate(grouped(root, "Notes", "Note"), 1):
            name = given.get("name", "").strip() or f"note {number}"
            text, problem = words.of(given)
            described = text_of(given, "Description")
            if problem and not described:
                self.ledger.leave(f"note {name}", problem, codings_in(given))
                continue
            if coded := codings_in(given):
                self.ledger.leave(f"codings on the note {name}", "what is coded here are sources, not notes", coded)
            memo = Memo(
                guid=self.ledger.guids.take(given.get("guid"), "note", number),
                name=name,
                text="\n\n".join(filter(None, (described, plain(text)))),
                user=self.ledger.user(given.get("creatingUser", "")),
                at=time_of(given, "creationDateTime"),
            )
            self.ledger.memos.setdefault(tidy(given.get("guid", "")) or memo.guid, memo.guid)
            yield memo

    def _cases(self, root: etree._Element, variables: Mapping[str, str], sources: Sequence[Source]) -> Iterator[Case]:
        texts = {s.guid for s in sources}
        stretches = {p.guid for s in sources for p in s.passages}
        names = Names()
        for number, given in enumerate(grouped(root, "Cases", "Case"), 1):
            name = names.take(given.get("name", "").strip() or f"case {number}")
            what = f"the case {name}"
            if coded := len(list(children(given, "CodeRef"))):
                why = "codes belong to stretches of text here, not to cases"
                self.ledger.leave(f"{coded} codes on {what}", why)
            yield Case(
                guid=self.ledger.guids.take(given.get("guid"), "case", number),
                name=name,
                description=text_of(given, "Description"),
                values=values_of(self.ledger, given, variables, what),
                sources=self._there(given, "SourceRef", texts, what),
                passages=self._there(given, "SelectionRef", stretches, what),
            )

    def _sets(self, root: etree._Element, sources: Sequence[Source]) -> Iterator[CodeSet]:
        texts, codes = {s.guid for s in sources}, set(self.ledger.codes.values())
        for number, given in enumerate(grouped(root, "Sets", "Set"), 1):
            name = given.get("name", "").strip() or f"set {number}"
            yield CodeSet(
                guid=self.ledger.guids.take(given.get("guid"), "set", number),
                name=name,
                description=text_of(given, "Description"),
                codes=self._there(given, "MemberCode", codes, f"the set {name}"),
                sources=self._there(given, "MemberSource", texts, f"the set {name}"),
                memos=self.ledger.refs(given, "MemberNote"),
            )

    def _there(self, holder: etree._Element, tag: str, known: Collection[str], what: str) -> tuple[str, ...]:
        """References to things that were kept; the others are accounted for together."""
        wanted = [tidy(ref.get("targetGUID", "")) for ref in children(holder, tag)]
        lost = sum(one not in known for one in wanted)
        if lost:
            why = "they lead to something that was left out or is not there"
            self.ledger.leave(f"{lost} references of {what}", why)
        return tuple(dict.fromkeys(one for one in wanted if one in known))


def _departures(root: etree._Element) -> Iterator[str]:
    if wrong := misfits(root):
        yield f"it departs from the REFI-QDA schema in {len(wrong)} places, first in {wrong[0]}; read all the same"
