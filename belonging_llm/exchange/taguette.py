"""Read Taguette databases: documents as HTML, highlights counted in UTF-8 bytes, coders from the log of commands."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from belonging_llm.errors import ExchangeError
from belonging_llm.exchange.guids import guid
from belonging_llm.exchange.html_text import HtmlText, words
from belonging_llm.exchange.project import Found, LeftOut, Mark, Passage, Project, ProjectCode, Source, User
from belonging_llm.exchange.sqlite_input import Database, number, open_database
from belonging_llm.exchange.sqlite_input import words as cell
from belonging_llm.provenance import file_digest

TABLES = {"projects", "documents", "tags", "highlights", "highlight_tags"}


@dataclass(frozen=True)
class _Content:
    """A project's rows, as the database has them."""

    project: dict[str, Any]
    documents: list[dict[str, Any]]
    tags: list[dict[str, Any]]
    highlights: dict[int, list[dict[str, Any]]]
    tagged: dict[int, list[int]]
    makers: dict[int, str]
    members: list[str]


def read_database(path: Path, wanted: str = "") -> Found:
    """Read one project of a Taguette database.

    Args:
        wanted: Its name or number; may be empty where there is only one.

    Raises:
        ContainerError: damaged, or too large.
        ExchangeError: there is no such project, or several and none was named.
    """
    with open_database(path) as database:
        content = _content(database, path, wanted)
    return _Reader(file_digest(path), content).found()


def _content(database: Database, path: Path, wanted: str) -> _Content:
    project = _project(list(database.rows("projects", "id", "name", "description", "created")), path, wanted)
    mine = project["id"]
    documents = [d for d in database.rows("documents", *_DOCUMENT) if d["project_id"] == mine]
    ids = {d["id"] for d in documents}
    highlights: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for highlight in database.rows("highlights", "id", "document_id", "start_offset", "end_offset", "snippet"):
        if highlight["document_id"] in ids:
            highlights[highlight["document_id"]].append(highlight)
    tagged: dict[int, list[int]] = defaultdict(list)
    for row in database.rows("highlight_tags", "highlight_id", "tag_id"):
        tagged[row["highlight_id"]].append(row["tag_id"])
    makers, members = _makers(database, mine), _members(database, mine)
    tags = [t for t in database.rows("tags", *_TAG) if t["project_id"] == mine]
    return _Content(project, documents, tags, highlights, tagged, makers, members)


_DOCUMENT = ("id", "name", "description", "filename", "created", "project_id", "contents")
_TAG = ("id", "project_id", "path", "description", "parent_id")


def _project(projects: list[dict[str, Any]], path: Path, wanted: str) -> dict[str, Any]:
    found = [p for p in projects if not wanted or wanted in (cell(p["name"]), str(p["id"]))]
    if len(found) == 1:
        return found[0]
    names = ", ".join(f"{p['id']} ({cell(p['name'])})" for p in projects) or "none"
    why = "holds no such project" if wanted else f"holds {len(projects)} projects"
    raise ExchangeError(f"{path}: {why}; it has {names}. Name one with --project")


def _makers(database: Database, project: int) -> dict[int, str]:
    """Who made, or last changed, each highlight."""
    found: dict[int, str] = {}
    for row in database.rows("commands", "user_login", "project_id", "payload"):
        if row["project_id"] != project:
            continue
        try:
            payload = json.loads(cell(row["payload"]))
        except (ValueError, RecursionError):
            continue
        if isinstance(payload, dict) and payload.get("type") == "highlight_add":
            made = payload.get("highlight_id")
            if isinstance(made, int):
                found[made] = cell(row["user_login"])
    return found


def _members(database: Database, project: int) -> list[str]:
    rows = database.rows("project_members", "project_id", "user_login")
    return sorted(cell(row["user_login"]) for row in rows if row["project_id"] == project)


class _Reader:
    """Turns rows into a project, and keeps account of what it leaves out."""

    def __init__(self, digest: str, content: _Content) -> None:
        self._content = content
        self._scope = (digest, content.project["id"])
        self._left_out: list[LeftOut] = []
        self._notes: list[str] = []
        self._codes = {tag["id"]: guid("taguette", *self._scope, "tag", tag["id"]) for tag in content.tags}
        self._sole = content.members[0] if len(content.members) == 1 else ""
        self._unsigned = 0

    def found(self) -> Found:
        """The project."""
        content = self._content
        sources = tuple(self._sources())
        coders = sorted({*content.makers.values(), *content.members})
        project = Project(
            name=cell(content.project["name"]) or "Taguette",
            origin="Taguette",
            description=cell(content.project["description"]),
            users=tuple(User(guid=self._user(name), name=name) for name in coders if name),
            codes=tuple(self._tags()),
            sources=sources,
        )
        if self._unsigned:
            self._notes.append(f"{self._unsigned} highlights have no maker in the log; their coder is not known")
        codings = sum(len(content.tagged.get(h["id"], ())) for hs in content.highlights.values() for h in hs)
        return Found(project=project, left_out=tuple(self._left_out), codings=codings, notes=tuple(self._notes))

    def _tags(self) -> Iterator[ProjectCode]:
        """Tags, those above others first."""
        waiting = {tag["id"]: tag for tag in self._content.tags}
        while waiting:
            free = [t for t in waiting.values() if t["parent_id"] not in waiting or t["parent_id"] == t["id"]]
            # Tags in a ring stand at the top.
            for tag in free or list(waiting.values()):
                above = None if not free or tag["parent_id"] == tag["id"] else tag["parent_id"]
                del waiting[tag["id"]]
                yield ProjectCode(
                    guid=self._codes[tag["id"]],
                    name=cell(tag["path"]).strip() or f"tag {tag['id']}",
                    parent=self._codes.get(above) if above is not None else None,
                    description=cell(tag["description"]),
                )

    def _sources(self) -> Iterator[Source]:
        names: set[str] = set()
        for document in self._content.documents:
            name = cell(document["name"]).strip() or f"document {document['id']}"
            while name in names:
                name += f" ({document['id']})"
            names.add(name)
            html = HtmlText(cell(document["contents"]))
            highlights = self._content.highlights.get(document["id"], [])
            if not html.text.strip() or "\0" in html.text:
                lost = sum(len(self._content.tagged.get(h["id"], ())) for h in highlights)
                why = "its text holds NUL characters" if html.text.strip() else "its text is empty"
                self._left_out.append(LeftOut(what=f"document {name}", why=why, codings=lost))
                continue
            yield Source(
                guid=guid("taguette", *self._scope, "document", document["id"]),
                name=name,
                text=html.text,
                description=cell(document["description"]),
                passages=tuple(self._passages(highlights, html, name)),
            )

    def _passages(self, highlights: Sequence[Mapping[str, Any]], html: HtmlText, name: str) -> Iterator[Passage]:
        for highlight in highlights:
            tags = self._content.tagged.get(highlight["id"], [])
            start, end = number(highlight["start_offset"]), number(highlight["end_offset"])
            span = html.span(start, end) if start is not None and end is not None else None
            if span is None:
                why = f"it lies outside the text, which counts {html.end} bytes"
                what = f"highlight {highlight['id']} of {name}"
                self._left_out.append(LeftOut(what=what, why=why, codings=len(tags)))
                continue
            coder = self._content.makers.get(highlight["id"], self._sole)
            self._unsigned += not coder
            user = self._user(coder) if coder else ""
            yield Passage(
                guid=guid("taguette", *self._scope, "highlight", highlight["id"]),
                start=span[0],
                end=span[1],
                user=user,
                marks=tuple(self._marks(highlight["id"], tags, user, name)),
                quoted=words(cell(highlight["snippet"])),
            )

    def _marks(self, highlight: int, tags: list[int], user: str, name: str) -> Iterator[Mark]:
        for tag in sorted(tags):
            if tag not in self._codes:
                why = "the tag that it names is not in the project"
                self._left_out.append(LeftOut(what=f"a tag of highlight {highlight} of {name}", why=why, codings=1))
                continue
            yield Mark(
                guid=guid("taguette", *self._scope, "highlight", highlight, tag), code=self._codes[tag], user=user
            )

    def _user(self, name: str) -> str:
        return guid("taguette", "user", name)
