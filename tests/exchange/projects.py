"""Project files for these tests, written by hand: what the program itself writes would prove nothing about reading."""

from __future__ import annotations

import json
import sqlite3
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from belonging_llm.exchange import Wish
from belonging_llm.importing import Imported, import_paths
from belonging_llm.study import Study

TALK = (
    "Interviewer: How was the first term?\n\n"
    "P01: I felt at home in the forum every night, because somebody always answered me there.\n\n"
    "P01: My group met online, and we laughed a lot together before every single deadline came.\n"
)


def ident(number: int, kind: str = "0") -> str:
    """A GUID that is easy to read."""
    return f"{int(kind, 16):08X}-0000-0000-0000-{number:012X}"


ANN, BOB = ident(1, "a"), ident(2, "a")
HOME, GROUP, FOLDER = ident(1, "c"), ident(2, "c"), ident(3, "c")
USERS = f'<Users><User guid="{ANN}" name="Ann"/><User guid="{BOB}" name="Bob"/></Users>'
CODES = (
    f'<CodeBook><Codes><Code guid="{FOLDER}" name="Belonging" isCodable="false">'
    f'<Code guid="{HOME}" name="home" isCodable="true" color="#CC3311"><Description>Feels at home.</Description></Code>'
    f'<Code guid="{GROUP}" name="group" isCodable="true"/></Code></Codes></CodeBook>'
)


def coding(number: int, code: str = HOME, user: str = ANN, inner: str = "") -> str:
    return f'<Coding guid="{ident(number, "d")}" creatingUser="{user}"><CodeRef targetGUID="{code}"/>{inner}</Coding>'


def stretch(number: int, start: int, end: int, *inner: str) -> str:
    where = f'startPosition="{start}" endPosition="{end}"'
    return f'<PlainTextSelection guid="{ident(number, "b")}" name="s{number}" {where}>{"".join(inner)}</PlainTextSelection>'


def text_source(number: int, *inner: str, name: str = "talk", path: str | None = None, text: str | None = None) -> str:
    content = "" if text is None else f"<PlainTextContent>{escape(text)}</PlainTextContent>"
    where = "" if path is None else f" plainTextPath={quoteattr(path)}"
    return (
        f'<TextSource guid="{ident(number, "e")}" name={quoteattr(name)}{where}>{content}{"".join(inner)}</TextSource>'
    )


def project(*parts: str, name: str = "project", origin: str = "") -> str:
    made = f" origin={quoteattr(origin)}" if origin else ""
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<Project xmlns="urn:QDA-XML:project:1.0" name={quoteattr(name)}{made}>{"".join(parts)}</Project>'
    )


def simple(*sources: str, **more: str) -> str:
    """A project with two coders, two codes in a folder, and these sources."""
    return project(USERS, CODES, f"<Sources>{''.join(sources)}</Sources>", *more.values())


def qdpx(path: Path, xml: str, files: Mapping[str, bytes] | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("project.qde", xml)
        for name, data in (files or {}).items():
            archive.writestr(name, data)
    return path


def one_text(
    path: Path, text: str, spans: Sequence[tuple[int, int]], *, raw: bytes | None = None, origin: str = ""
) -> Path:
    """A project with one text, each stretch coded once; offsets as given."""
    inner = [stretch(n, a, b, coding(n)) for n, (a, b) in enumerate(spans, 1)]
    source = text_source(1, *inner, path="internal://talk.txt")
    xml = project(USERS, CODES, f"<Sources>{source}</Sources>", origin=origin)
    return qdpx(path, xml, {"sources/talk.txt": text.encode() if raw is None else raw})


def bring(study: Study, *paths: Path, **wish: str) -> list[Imported]:
    return import_paths(study, list(paths), None, Wish(**wish))


def database(path: Path, tables: Mapping[str, Sequence[str]], rows: Mapping[str, Iterable[Sequence[object]]]) -> Path:
    """An SQLite database with these columns and rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path)
    for table, columns in tables.items():
        connection.execute(f"CREATE TABLE {table} ({', '.join(columns)})")
        marks = ", ".join("?" * len(columns))
        connection.executemany(f"INSERT INTO {table} VALUES ({marks})", list(rows.get(table, [])))
    connection.commit()
    connection.close()
    return path


TAGUETTE = {
    "projects": ("id", "name", "description", "created"),
    "documents": ("id", "name", "description", "filename", "created", "project_id", "contents"),
    "tags": ("id", "project_id", "path", "description"),
    "highlights": ("id", "document_id", "start_offset", "end_offset", "snippet"),
    "highlight_tags": ("highlight_id", "tag_id"),
    "commands": ("id", "user_login", "project_id", "payload"),
    "project_members": ("project_id", "user_login"),
}


def added(highlight: int, login: str) -> tuple[object, ...]:
    return (highlight, login, 1, json.dumps({"type": "highlight_add", "highlight_id": highlight}))


QUALCODER = {
    "project": ("databaseversion", "date", "memo", "about"),
    "source": ("id", "name", "fulltext", "mediapath", "memo", "owner", "date"),
    "code_text": ("cid", "fid", "seltext", "pos0", "pos1", "owner", "date", "memo"),
    "code_name": ("cid", "name", "memo", "catid", "owner", "date", "color"),
    "code_cat": ("catid", "name", "owner", "date", "memo", "supercatid"),
    "code_image": ("imid", "id", "cid"),
    "code_av": ("avid", "id", "cid"),
    "annotation": ("anid", "fid", "pos0", "pos1", "memo", "owner", "date"),
    "journal": ("jid", "name", "jentry", "date", "owner"),
    "cases": ("caseid", "name", "memo"),
    "case_text": ("caseid", "fid", "pos0", "pos1"),
    "attribute_type": ("name", "memo", "caseOrFile", "valuetype"),
    "attribute": ("name", "attr_type", "value", "id"),
}
