"""Read REFI-QDA projects (`.qdpx`) and codebooks (`.qdc`), also where programs bend the standard."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from lxml import etree

from belonging_llm.archives import read_members
from belonging_llm.errors import ContainerError, ExchangeError
from belonging_llm.exchange.guids import Register, tidy
from belonging_llm.exchange.project import (
    Case,
    CodeSet,
    Found,
    LeftOut,
    Mark,
    Memo,
    Passage,
    Project,
    ProjectCode,
    Source,
    User,
    Variable,
)
from belonging_llm.exchange.schemas import misfits
from belonging_llm.exchange.source_texts import decode
from belonging_llm.provenance import file_digest
from belonging_llm.xml_input import parse_xml

KINDS = ("Text", "Boolean", "Integer", "Float", "Date", "DateTime")
_VALUES = ("TextValue", "BooleanValue", "IntegerValue", "FloatValue", "DateValue", "DateTimeValue")
_TIME = re.compile(r"-?\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?")
_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}|#[0-9A-Fa-f]{3}")
_NUMBER = re.compile(r"[+-]?\d{1,15}")
_DEEPEST = 100
_MOST_CODEBOOK = 16 << 20


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
    if _tag(root) != "Project":
        raise ExchangeError(f"{path}: its {inside[0]} holds <{_tag(root)}> where a REFI-QDA project has <Project>")
    return _Reader(path, members).project(root)


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
    if _tag(root) != "CodeBook":
        raise ExchangeError(f"{path}: holds <{_tag(root)}> where a REFI-QDA codebook has <CodeBook>")
    reader = _Reader(path, {})
    codes = tuple(reader.codes(root))
    for given in _all(root, "Sets", "Set"):
        reader.leave(f"set {_name(given)}", "sets of codes have no place in this program's codebooks")
    return path.stem, codes, tuple(reader.left_out)


def _is_project(name: str) -> bool:
    return name.lower().endswith(".qde") and not PurePosixPath(name).name.startswith(".")


class _Reader:
    """Reads one file, and keeps account of what it leaves out."""

    def __init__(self, path: Path, members: Mapping[str, bytes]) -> None:
        self._path = path
        self._members = {name.replace("\\", "/").lower(): raw for name, raw in members.items()}
        self._guids = Register(file_digest(path))
        self.left_out: list[LeftOut] = []
        self.notes: list[str] = []
        self._users: dict[str, str] = {}
        self._codes: dict[str, str] = {}
        self._memos: dict[str, str] = {}
        self._unresolved = 0

    def leave(self, what: str, why: str, codings: int = 0) -> None:
        """Note that something is left out."""
        self.left_out.append(LeftOut(what=what, why=why, codings=codings))

    def project(self, root: etree._Element) -> Found:
        """Everything that can be kept."""
        codings = _codings(root)
        users = tuple(self._read_users(root))
        notes = tuple(self._read_notes(root))
        codes = tuple(self.codes(root))
        variables = tuple(self._read_variables(root))
        kinds = {
            tidy(v.get("guid", "")): known.name
            for v, known in zip(_all(root, "Variables", "Variable"), variables, strict=True)
        }
        sources = tuple(self._read_sources(root, kinds))
        project = Project(
            name=root.get("name", "").strip() or self._path.stem,
            origin=root.get("origin", ""),
            description=_text(root, "Description"),
            user=self._user(root.get("creatingUserGUID", "")),
            at=_time(root, "creationDateTime"),
            users=(*users, *self._strangers(users)),
            codes=codes,
            variables=variables,
            cases=tuple(self._read_cases(root, kinds, sources)),
            sources=sources,
            notes=notes,
            sets=tuple(self._read_sets(root, sources)),
            memos=self._refs(root),
        )
        self._look_for_more(root)
        return Found(project=project, left_out=tuple(self.left_out), codings=codings, notes=tuple(self._remarks(root)))

    def _remarks(self, root: etree._Element) -> Iterator[str]:
        yield from self.notes
        if self._guids.made:
            yield f"{self._guids.made} GUIDs were missing or used twice and were made anew"
        if self._unresolved:
            yield f"{self._unresolved} references to notes lead nowhere and were left out"
        if wrong := misfits(root):
            yield f"it departs from the REFI-QDA schema in {len(wrong)} places, first in {wrong[0]}; read all the same"

    def _look_for_more(self, root: etree._Element) -> None:
        """Account for parts that have no place here."""
        known = {"Users", "CodeBook", "Variables", "Cases", "Sources", "Notes", "Sets", "Description", "NoteRef"}
        for part in _elements(root):
            if _tag(part) in {"Links", "Graphs"}:
                self.leave(f"{len(part)} {_tag(part).lower()}", "links and drawings have no place in a study")
            elif _tag(part) not in known:
                self.leave(f"<{_tag(part)}>", "it is no part of a REFI-QDA project", _codings(part))

    # Users

    def _read_users(self, root: etree._Element) -> Iterator[User]:
        names: set[str] = set()
        for number, given in enumerate(_all(root, "Users", "User"), 1):
            wanted = (given.get("name", "") or given.get("id", "")).strip() or f"user {number}"
            user = User(guid=self._guids.take(given.get("guid"), "user", number), name=_unlike(wanted, names))
            self._users.setdefault(tidy(given.get("guid", "")) or user.guid, user.guid)
            yield user

    def _user(self, *given: str) -> str:
        """The first of these users that is named; one who is not among the users becomes one."""
        for wanted in map(tidy, given):
            if wanted:
                return self._users.setdefault(wanted, wanted)
        return ""

    def _strangers(self, users: Sequence[User]) -> Iterator[User]:
        """Users who coded and are not listed."""
        listed = {user.guid for user in users}
        for number, stranger in enumerate(sorted(set(self._users.values()) - listed), 1):
            self.notes.append(f"a user who is not listed coded; they are called unlisted user {number}")
            yield User(guid=stranger, name=f"unlisted user {number}")

    # Codes

    def codes(self, root: etree._Element) -> Iterator[ProjectCode]:
        """Every code, parents before children."""
        holders = [root, *_children(root, "CodeBook")]
        tops = [code for holder in holders for codes in _children(holder, "Codes") for code in _children(codes, "Code")]
        waiting: list[tuple[etree._Element, str | None, int]] = [(code, None, 1) for code in reversed(tops)]
        number = 0
        while waiting:
            given, parent, depth = waiting.pop()
            if depth > _DEEPEST:
                raise ExchangeError(f"{self._path}: its codes stand more than {_DEEPEST} levels deep")
            number += 1
            code = self._code(given, parent, number)
            waiting += [(child, code.guid, depth + 1) for child in reversed(list(_children(given, "Code")))]
            yield code

    def _code(self, given: etree._Element, parent: str | None, number: int) -> ProjectCode:
        code = ProjectCode(
            guid=self._guids.take(given.get("guid"), "code", number),
            name=given.get("name", "").strip() or f"code {number}",
            parent=parent,
            # Only an explicit "false" makes a folder: programs leave the attribute out for codes.
            codable=given.get("isCodable", "true").strip().lower() not in {"false", "0"},
            description=_text(given, "Description"),
            colour=colour if _COLOUR.fullmatch(colour := given.get("color", "").strip()) else "",
            memos=self._refs(given),
        )
        self._codes.setdefault(tidy(given.get("guid", "")) or code.guid, code.guid)
        return code

    # Notes

    def _read_notes(self, root: etree._Element) -> Iterator[Memo]:
        for number, given in enumerate(_all(root, "Notes", "Note"), 1):
            name = given.get("name", "").strip() or f"note {number}"
            text, problem = self._words(given)
            if problem and not _text(given, "Description"):
                self.leave(f"note {name}", problem, _codings(given))
                continue
            if coded := _codings(given):
                self.leave(f"codings on the note {name}", "what is coded here are sources, not notes", coded)
            memo = Memo(
                guid=self._guids.take(given.get("guid"), "note", number),
                name=name,
                text="\n\n".join(filter(None, (_text(given, "Description"), _kept(text)))),
                user=self._user(given.get("creatingUser", "")),
                at=_time(given, "creationDateTime"),
            )
            self._memos.setdefault(tidy(given.get("guid", "")) or memo.guid, memo.guid)
            yield memo

    def _refs(self, holder: etree._Element, tag: str = "NoteRef") -> tuple[str, ...]:
        wanted = [tidy(ref.get("targetGUID", "")) for ref in _children(holder, tag)]
        self._unresolved += sum(one not in self._memos for one in wanted)
        return tuple(dict.fromkeys(self._memos[one] for one in wanted if one in self._memos))

    # Variables and cases

    def _read_variables(self, root: etree._Element) -> Iterator[Variable]:
        names: set[str] = set()
        for number, given in enumerate(_all(root, "Variables", "Variable"), 1):
            kind = given.get("typeOfVariable", "Text")
            yield Variable(
                guid=self._guids.take(given.get("guid"), "variable", number),
                name=_unlike(given.get("name", "").strip() or f"variable {number}", names),
                kind=kind if kind in KINDS else "Text",
                description=_text(given, "Description"),
            )

    def _values(self, holder: etree._Element, kinds: Mapping[str, str], what: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for given in _children(holder, "VariableValue"):
            ref = next(_children(given, "VariableRef"), None)
            name = kinds.get(tidy(ref.get("targetGUID", ""))) if ref is not None else None
            value = next((v.text or "" for v in _elements(given) if _tag(v) in _VALUES), "")
            if name is None:
                self.leave(f"a value of {what}", "the variable that it names is not there")
            elif value.strip():
                found[name] = value.strip()
        return found

    def _read_cases(self, root: etree._Element, kinds: Mapping[str, str], sources: Sequence[Source]) -> Iterator[Case]:
        texts = {s.guid for s in sources}
        stretches = {p.guid for s in sources for p in s.passages}
        names: set[str] = set()
        for number, given in enumerate(_all(root, "Cases", "Case"), 1):
            name = _unlike(given.get("name", "").strip() or f"case {number}", names)
            if coded := len(list(_children(given, "CodeRef"))):
                self.leave(f"{coded} codes on the case {name}", "codes belong to stretches of text here, not to cases")
            yield Case(
                guid=self._guids.take(given.get("guid"), "case", number),
                name=name,
                description=_text(given, "Description"),
                values=self._values(given, kinds, f"the case {name}"),
                sources=self._kept(given, "SourceRef", texts, f"the case {name}"),
                passages=self._kept(given, "SelectionRef", stretches, f"the case {name}"),
            )

    def _kept(self, holder: etree._Element, tag: str, known: set[str], what: str) -> tuple[str, ...]:
        """References to things that were kept; the others are accounted for together."""
        wanted = [tidy(ref.get("targetGUID", "")) for ref in _children(holder, tag)]
        lost = sum(one not in known for one in wanted)
        if lost:
            self.leave(f"{lost} references of {what}", "they lead to something that was left out or is not there")
        return tuple(dict.fromkeys(one for one in wanted if one in known))

    def _read_sets(self, root: etree._Element, sources: Sequence[Source]) -> Iterator[CodeSet]:
        texts = {s.guid for s in sources}
        for number, given in enumerate(_all(root, "Sets", "Set"), 1):
            name = given.get("name", "").strip() or f"set {number}"
            yield CodeSet(
                guid=self._guids.take(given.get("guid"), "set", number),
                name=name,
                description=_text(given, "Description"),
                codes=self._kept(given, "MemberCode", set(self._codes.values()), f"the set {name}"),
                sources=self._kept(given, "MemberSource", texts, f"the set {name}"),
                memos=self._refs(given, "MemberNote"),
            )

    # Sources

    def _read_sources(self, root: etree._Element, kinds: Mapping[str, str]) -> Iterator[Source]:
        names: set[str] = set()
        for number, given in enumerate((e for s in _children(root, "Sources") for e in _elements(s)), 1):
            tag = _tag(given)
            name = given.get("name", "").strip() or _stem(given) or f"source {number}"
            if (unique := _unlike(name, names)) != name:
                self.notes.append(f"several sources are called {name}; one is kept as {unique}")
            if tag == "TextSource":
                yield from self._text_source(given, unique, kinds, number)
            elif tag in {"PDFSource", "PictureSource"}:
                yield from self._drawn_source(given, unique, kinds, number)
            elif tag in {"AudioSource", "VideoSource"}:
                yield from self._recorded_source(given, unique, kinds, number)
            else:
                self.leave(f"<{tag}> {unique}", "it is no kind of source that REFI-QDA knows", _codings(given))

    def _text_source(self, given: etree._Element, name: str, kinds: Mapping[str, str], number: int) -> Iterator[Source]:
        text, problem = self._words(given)
        if problem:
            rich = given.get("richTextPath", "")
            more = f"; its styled text ({rich.rpartition('/')[2]}) is not read: import that file itself" if rich else ""
            self.leave(f"source {name}", problem + more, _codings(given))
            return
        yield self._source(given, name, text, kinds, number)

    def _drawn_source(
        self, given: etree._Element, name: str, kinds: Mapping[str, str], number: int
    ) -> Iterator[Source]:
        """A PDF or a picture: its text, where the file has it as text; regions cannot be kept."""
        what, inside = ("PDF", "Representation") if _tag(given) == "PDFSource" else ("picture", "TextDescription")
        inner = next(_children(given, inside), None)
        text, problem = ("", "the file does not have its text as text") if inner is None else self._words(inner)
        if inner is None or problem:
            self.leave(f"{what} {name}", problem, _codings(given))
            return
        for region in (e for e in _elements(given) if _tag(e) in {"PDFSelection", "PictureSelection"}):
            why = f"it is a region of a {what}, and only text can be kept"
            self.leave(f"stretch {_name(region)} of the {what} {name}", why, _codings(region))
        self.leave(f"the {what} {name} itself", "only its text is kept")
        yield self._source(inner, name, text, kinds, number, outer=given)

    def _recorded_source(
        self, given: etree._Element, name: str, kinds: Mapping[str, str], number: int
    ) -> Iterator[Source]:
        """A recording: its transcripts; stretches of time cannot be kept."""
        what = "recording"
        transcripts = list(_children(given, "Transcript"))
        for region in (e for e in _elements(given) if _tag(e) in {"AudioSelection", "VideoSelection"}):
            why = "it is a stretch of time, and only text can be kept"
            self.leave(f"stretch {_name(region)} of the {what} {name}", why, _codings(region))
        if whole := len(list(_children(given, "Coding"))):
            self.leave(f"codings of the {what} {name} as a whole", "only its transcripts can be kept", whole)
        self.leave(f"the {what} {name} itself", "only its transcripts can be kept" if transcripts else "it is no text")
        for turn, inner in enumerate(transcripts, 1):
            title = name if len(transcripts) == 1 else f"{name}, transcript {turn}"
            text, problem = self._words(inner)
            if problem:
                self.leave(f"transcript of {title}", problem, _codings(inner))
                continue
            yield self._source(inner, title, text, kinds, (number, turn))

    def _source(
        self,
        given: etree._Element,
        name: str,
        text: str,
        kinds: Mapping[str, str],
        number: object,
        outer: etree._Element | None = None,
    ) -> Source:
        holders = [given] if outer is None else [given, outer]
        passages = [p for holder in holders for p in self._whole(holder, name, number)]
        passages += list(self._stretches(given, name, number))
        values: dict[str, str] = {}
        for holder in holders:
            values |= self._values(holder, kinds, f"the source {name}")
        return Source(
            guid=self._guids.take(holders[-1].get("guid"), "source", number),
            name=name,
            text=text,
            description="\n\n".join(filter(None, (_text(holder, "Description") for holder in holders))),
            user=self._user(*(holder.get("creatingUser", "") for holder in holders)),
            at=_time(holders[-1], "creationDateTime"),
            passages=tuple(passages),
            values=values,
            memos=tuple(dict.fromkeys(m for holder in holders for m in self._refs(holder))),
        )

    def _whole(self, given: etree._Element, name: str, number: object) -> Iterator[Passage]:
        """Codings of a source as a whole, as one passage."""
        marks = self._marks(given, f"the source {name}", ("whole", number, _tag(given)), given.get("creatingUser", ""))
        if marks:
            yield Passage(guid=self._guids.make("whole", number, _tag(given)), start=0, end=0, whole=True, marks=marks)

    def _stretches(self, given: etree._Element, name: str, number: object) -> Iterator[Passage]:
        syncs = {tidy(s.get("guid", "")): s.get("position", "") for s in _children(given, "SyncPoint")}
        tags = {"PlainTextSelection", "TranscriptSelection"}
        for place, stretch in enumerate((e for e in _elements(given) if _tag(e) in tags), 1):
            start, end = _ends(stretch, syncs)
            if start is None or end is None:
                why = "the file does not say where it begins and ends"
                self.leave(f"stretch {_name(stretch)} of {name}", why, _codings(stretch))
                continue
            creator = stretch.get("creatingUser", "")
            yield Passage(
                guid=self._guids.take(stretch.get("guid"), "passage", number, place),
                start=start,
                end=end,
                name=stretch.get("name", ""),
                description=_text(stretch, "Description"),
                user=self._user(creator),
                at=_time(stretch, "creationDateTime"),
                marks=self._marks(stretch, f"a stretch of {name}", ("mark", number, place), creator),
                memos=self._refs(stretch),
            )

    def _marks(self, holder: etree._Element, what: str, place: tuple[object, ...], creator: str) -> tuple[Mark, ...]:
        found = []
        for number, given in enumerate(_children(holder, "Coding"), 1):
            ref = next(_children(given, "CodeRef"), None)
            code = self._codes.get(tidy(ref.get("targetGUID", ""))) if ref is not None else None
            if code is None:
                self.leave(f"a coding of {what}", "the code that it names is not in the codebook", 1)
                continue
            found.append(
                Mark(
                    guid=self._guids.take(given.get("guid"), *place, number),
                    code=code,
                    user=self._user(given.get("creatingUser", ""), creator),
                    at=_time(given, "creationDateTime"),
                    memos=self._refs(given),
                )
            )
        return tuple(found)

    # Words

    def _words(self, given: etree._Element) -> tuple[str, str]:
        """The text of a source or note as the file has it, and why there is none."""
        inline = next(_children(given, "PlainTextContent"), None)
        path = given.get("plainTextPath", "")
        if inline is not None and (inline.text or "").strip():
            return decode((inline.text or "").encode())
        if not path:
            return "", "the file has no words for it" if inline is None else "its text is empty"
        raw = self._member(path)
        if raw is None:
            external = path.startswith(("relative://", "absolute://"))
            where = "lies outside the project file" if external else "is not in the project file"
            return "", f"its text ({path.rpartition('/')[2]}) {where}"
        text, problem = decode(raw)
        if not problem and not text.strip("\ufeff").strip():
            problem = f"its text is empty ({len(raw)} {'byte' if len(raw) == 1 else 'bytes'})"
        return text, problem

    def _member(self, path: str) -> bytes | None:
        """The archive's member that a path means: programs write `Sources/`, `sources/`, or nothing before the name."""
        name = re.sub(r"^(?:internal|relative)://", "", path).replace("\\", "/").lstrip("/").lower()
        for candidate in (f"sources/{name}", name):
            if candidate in self._members:
                return self._members[candidate]
        nested = [raw for member, raw in self._members.items() if name and member.endswith(f"/{name}")]
        return nested[0] if len(nested) == 1 else None


def _elements(holder: etree._Element) -> Iterator[etree._Element]:
    return (child for child in holder if isinstance(child.tag, str))


def _tag(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _children(holder: etree._Element, tag: str) -> Iterator[etree._Element]:
    return (child for child in _elements(holder) if _tag(child) == tag)


def _all(root: etree._Element, group: str, tag: str) -> list[etree._Element]:
    return [one for holder in _children(root, group) for one in _children(holder, tag)]


def _codings(holder: etree._Element) -> int:
    return sum(_tag(e) == "Coding" for e in holder.iter() if isinstance(e.tag, str))


def _text(holder: etree._Element, tag: str) -> str:
    found = next(_children(holder, tag), None)
    return _kept("".join(map(str, found.itertext()))) if found is not None else ""


def _kept(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")


def _time(holder: etree._Element, attribute: str) -> str:
    given = holder.get(attribute, "").strip()
    return given if _TIME.fullmatch(given) else ""


def _ends(stretch: etree._Element, syncs: Mapping[str, str]) -> tuple[int | None, int | None]:
    """Where a stretch begins and ends, as the file counts; None where it does not say."""
    if _tag(stretch) == "PlainTextSelection":
        given = [stretch.get("startPosition", ""), stretch.get("endPosition", "")]
    else:
        given = [syncs.get(tidy(stretch.get(side, "")), "") for side in ("fromSyncPoint", "toSyncPoint")]
    start, end = (int(one) if _NUMBER.fullmatch(one.strip()) else None for one in given)
    return start, end


def _name(holder: etree._Element) -> str:
    return holder.get("name", "").strip() or holder.get("guid", "").strip() or "without a name"


def _stem(given: etree._Element) -> str:
    path = given.get("plainTextPath", "") or given.get("path", "") or given.get("richTextPath", "")
    return PurePosixPath(path.replace("\\", "/")).stem


def _unlike(name: str, taken: set[str]) -> str:
    """A name that nobody has yet."""
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name} ({number})"
    taken.add(found)
    return found
