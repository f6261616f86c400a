"""Read QualCoder projects: a folder with `data.qda`, an SQLite database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from belonging_llm.errors import ExchangeError
from belonging_llm.exchange.guids import guid
from belonging_llm.exchange.project import (
    Case,
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
from belonging_llm.exchange.source_texts import MOST_BYTES
from belonging_llm.exchange.sqlite_input import Database, number, open_database
from belonging_llm.exchange.sqlite_input import words as cell
from belonging_llm.provenance import file_digest

TABLES = {"project", "source", "code_text", "code_name", "code_cat"}
_ELSEWHERE = {
    "code_image": ("areas of pictures", "only text can be kept"),
    "code_av": ("stretches of recordings", "only text can be kept"),
}
_KINDS = {"character": "Text", "numeric": "Float"}
Row = dict[str, Any]


def database(folder: Path) -> Path:
    """The database in a project's folder.

    Raises:
        ExchangeError: there is none.
    """
    file = folder / "data.qda"
    if not file.is_file():
        raise ExchangeError(f"{folder}: holds no data.qda, so it is no QualCoder project")
    return file


def read_database(path: Path) -> Found:
    """Read a QualCoder database.

    Raises:
        ContainerError: damaged, or too large.
    """
    with open_database(path) as found:
        return _Reader(found, file_digest(path), path.parent.stem if path.name == "data.qda" else path.stem).found()


class _Reader:
    """Turns rows into a project, and keeps account of what it leaves out."""

    def __init__(self, database: Database, scope: str, name: str) -> None:
        self._database = database
        self._scope = scope
        self._name = name
        self._left_out: list[LeftOut] = []
        self._notes: list[Memo] = []
        self._users: dict[str, str] = {}
        self._codings = 0
        rows = database.rows("code_text", "cid", "fid", "seltext", "pos0", "pos1", "owner", "date", "memo")
        self._marked: dict[Any, list[Row]] = defaultdict(list)
        for row in rows:
            self._codings += 1
            self._marked[row["fid"]].append(row)

    def found(self) -> Found:
        """The project."""
        codes = tuple(self._codes())
        variables = {v.name: v for v in self._variables()}
        sources = tuple(self._sources({code.guid for code in codes}))
        cases = tuple(self._cases({s.guid for s in sources}, set(variables)))
        about = next(iter(self._database.rows("project", "memo", "about")), {})
        self._journals()
        self._elsewhere()
        project = Project(
            name=self._name,
            origin=cell(about.get("about")) or "QualCoder",
            description=cell(about.get("memo")),
            users=tuple(User(guid=ident, name=name) for name, ident in sorted(self._users.items())),
            codes=codes,
            variables=tuple(variables.values()),
            cases=cases,
            sources=sources,
            notes=tuple(self._notes),
            memos=tuple(m.guid for m in self._notes if m.name.startswith("Journal: ")),
        )
        return Found(project=project, left_out=tuple(self._left_out), codings=self._codings)

    def _guid(self, *parts: object) -> str:
        return guid("qualcoder", self._scope, *parts)

    def _user(self, owner: object) -> str:
        name = cell(owner).strip()
        return self._users.setdefault(name, guid("qualcoder", "user", name)) if name else ""

    def _leave(self, what: str, why: str, codings: int = 0) -> None:
        self._left_out.append(LeftOut(what=what, why=why, codings=codings))

    def _codes(self) -> Iterator[ProjectCode]:
        """Categories as folders, those above others first, then codes."""
        folders = {row["catid"]: row for row in self._database.rows("code_cat", "catid", "name", "memo", "supercatid")}
        waiting = dict(folders)
        while waiting:
            free = [row for row in waiting.values() if row["supercatid"] not in waiting]
            # Categories in a ring stand at the top.
            for row in free or list(waiting.values()):
                del waiting[row["catid"]]
                above = row["supercatid"] if free and row["supercatid"] in folders else None
                yield ProjectCode(
                    guid=self._guid("category", row["catid"]),
                    name=cell(row["name"]).strip() or f"category {row['catid']}",
                    parent=self._guid("category", above) if above is not None else None,
                    codable=False,
                    description=cell(row["memo"]),
                )
        for row in self._database.rows("code_name", "cid", "name", "memo", "catid", "color"):
            colour = cell(row["color"])
            yield ProjectCode(
                guid=self._guid("code", row["cid"]),
                name=cell(row["name"]).strip() or f"code {row['cid']}",
                parent=self._guid("category", row["catid"]) if row["catid"] in folders else None,
                description=cell(row["memo"]),
                colour=colour if len(colour) == 7 and colour.startswith("#") else "",
            )

    def _sources(self, codes: set[str]) -> Iterator[Source]:
        annotated: dict[Any, list[Row]] = defaultdict(list)
        for row in self._database.rows("annotation", "anid", "fid", "pos0", "pos1", "memo", "owner", "date"):
            annotated[row["fid"]].append(row)
        values = self._values("file")
        for row in self._database.rows("source", "id", "name", "fulltext", "mediapath", "memo", "owner", "date"):
            ident, name = row["id"], cell(row["name"]).strip() or f"file {row['id']}"
            text = cell(row["fulltext"])
            marked = self._marked.pop(ident, [])
            why = self._problem(text, cell(row["mediapath"]))
            if why:
                self._leave(f"file {name}", why, len(marked))
                continue
            passages = [*self._passages(marked, name, codes), *self._annotations(annotated[ident])]
            yield Source(
                guid=self._guid("source", ident),
                name=name,
                text=text,
                description=cell(row["memo"]),
                user=self._user(row["owner"]),
                passages=tuple(passages),
                values=values.get(ident, {}),
            )
        for ident, lost in self._marked.items():
            self._leave(f"codings of file {ident}", "the file is not in the project", len(lost))

    def _problem(self, text: str, media: str) -> str:
        if not text.strip():
            return "it is a picture, recording or document without text" if media else "its text is empty"
        if "\0" in text:
            return "its text holds NUL characters"
        return "its text is longer than what is read" if len(text.encode("utf-8", "replace")) > MOST_BYTES else ""

    def _passages(self, marked: list[Row], name: str, codes: set[str]) -> Iterator[Passage]:
        """Stretches with their codings; codings of one stretch by one person share a passage."""
        together: dict[tuple[int, int, str], list[Row]] = defaultdict(list)
        for row in marked:
            start, end = number(row["pos0"]), number(row["pos1"])
            if start is None or end is None or self._guid("code", row["cid"]) not in codes:
                known = self._guid("code", row["cid"]) in codes
                why = "it has no place in the text" if known else "the code that it names is not in the project"
                self._leave(f"a coding of {name}", why, 1)
            else:
                together[start, end, cell(row["owner"])].append(row)
        for (start, end, owner), rows in together.items():
            marks = tuple(self._mark(row, start, end, place) for place, row in enumerate(rows))
            yield Passage(
                guid=self._guid("passage", rows[0]["fid"], start, end, owner),
                start=start,
                end=end,
                user=self._user(owner),
                marks=marks,
                quoted=cell(rows[0]["seltext"]),
            )

    def _mark(self, row: Row, start: int, end: int, place: int) -> Mark:
        key = (row["fid"], row["cid"], start, end, cell(row["owner"]), place)
        memo = cell(row["memo"]).strip()
        note = self._note("coding memo", memo, row["owner"], "coding", *key) if memo else ""
        return Mark(
            guid=self._guid("coding", *key),
            code=self._guid("code", row["cid"]),
            user=self._user(row["owner"]),
            memos=(note,) if note else (),
        )

    def _annotations(self, rows: list[Row]) -> Iterator[Passage]:
        for row in rows:
            start, end = number(row["pos0"]), number(row["pos1"])
            if start is None or end is None:
                self._leave(f"annotation {row['anid']}", "it has no place in the text")
                continue
            yield Passage(
                guid=self._guid("annotation", row["anid"]),
                start=start,
                end=end,
                description=cell(row["memo"]),
                user=self._user(row["owner"]),
            )

    def _note(self, name: str, text: str, owner: object, *key: object) -> str:
        memo = Memo(guid=self._guid("memo", *key), name=name, text=text, user=self._user(owner))
        self._notes.append(memo)
        return memo.guid

    def _journals(self) -> None:
        for row in self._database.rows("journal", "jid", "name", "jentry", "owner"):
            title = cell(row["name"]).strip() or str(row["jid"])
            if not cell(row["jentry"]).strip():
                self._leave(f"journal entry {title}", "it is empty")
                continue
            self._note(f"Journal: {title}", cell(row["jentry"]), row["owner"], "journal", row["jid"])

    def _variables(self) -> Iterator[Variable]:
        for row in self._database.rows("attribute_type", "name", "memo", "valuetype"):
            yield Variable(
                guid=self._guid("variable", cell(row["name"])),
                name=cell(row["name"]),
                kind=_KINDS.get(cell(row["valuetype"]), "Text"),
                description=cell(row["memo"]),
            )

    def _values(self, kind: str) -> dict[Any, dict[str, str]]:
        found: dict[Any, dict[str, str]] = defaultdict(dict)
        for row in self._database.rows("attribute", "name", "attr_type", "value", "id"):
            if cell(row["attr_type"]) == kind and cell(row["value"]).strip():
                found[row["id"]][cell(row["name"])] = cell(row["value"]).strip()
        return found

    def _cases(self, sources: set[str], known: set[str]) -> Iterator[Case]:
        values = self._values("case")
        places: dict[Any, list[Mapping[str, Any]]] = defaultdict(list)
        for row in self._database.rows("case_text", "caseid", "fid", "pos0", "pos1"):
            places[row["caseid"]].append(row)
        for row in self._database.rows("cases", "caseid", "name", "memo"):
            ident = row["caseid"]
            own = list(dict.fromkeys(self._guid("source", place["fid"]) for place in places[ident]))
            lost = sum(one not in sources for one in own)
            name = cell(row["name"]).strip() or f"case {ident}"
            if lost:
                self._leave(f"{lost} files of the case {name}", "they were left out or are not there")
            yield Case(
                guid=self._guid("case", ident),
                name=name,
                description=cell(row["memo"]),
                values={k: v for k, v in values.get(ident, {}).items() if k in known},
                sources=tuple(one for one in own if one in sources),
            )

    def _elsewhere(self) -> None:
        """Account for codings of pictures and recordings."""
        for table, (what, why) in _ELSEWHERE.items():
            lost = sum(1 for _ in self._database.rows(table, "cid"))
            self._codings += lost
            if lost:
                self._leave(f"codings of {what}", why, lost)
