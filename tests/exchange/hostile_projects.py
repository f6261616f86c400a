"""Damaged and hostile project files, generated: what strangers, broken disks and attackers hand in."""

from __future__ import annotations

import io
import random
import sqlite3
import stat
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from projects import (
    CODES,
    HOME,
    QUALCODER,
    TAGUETTE,
    TALK,
    USERS,
    coding,
    database,
    project,
    qdpx,
    simple,
    stretch,
    text_source,
)

MIB = 1 << 20
GOOD = simple(
    text_source(1, *(stretch(n, 100 + n, 108 + n, coding(n)) for n in range(1, 9)), path="internal://talk.txt")
)


def files(folder: Path, seed: int = 7) -> Iterator[Path]:
    """Every generated file, written into a folder."""
    chance = random.Random(seed)  # noqa: S311 - the same files every time
    good = qdpx(folder / "good.qdpx", GOOD, {"sources/talk.txt": TALK.encode()}).read_bytes()
    book = f'<CodeBook xmlns="urn:QDA-XML:codebook:1.0">{CODES[10:-11]}</CodeBook>'.encode()
    taguette = _taguette(folder / "good.sqlite3").read_bytes()
    qualcoder = _qualcoder(folder / "good.db").read_bytes()
    for stem, ending, data, times in [
        ("qdpx", ".qdpx", good, 70),
        ("qdc", ".qdc", book, 30),
        ("taguette", ".sqlite3", taguette, 40),
        ("qualcoder", ".db", qualcoder, 40),
    ]:
        for n in range(times):
            yield _put(folder / f"{stem}-{n:03}{ending}", _damaged(data, chance, n))
    for n in range(60):
        xml = _mangled(GOOD, chance, n)
        yield qdpx(folder / f"xml-{n:03}.qdpx", xml, {"sources/talk.txt": TALK.encode()})
    for name, make in HANDMADE.items():
        path = folder / name
        make(path)
        yield path


def _put(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def _damaged(data: bytes, chance: random.Random, n: int) -> bytes:
    """Bits flipped, an end cut off, a piece blanked, repeated, or replaced by noise."""
    out = bytearray(data)
    at = chance.randrange(len(out))
    size = chance.randrange(1, max(2, len(out) // 4))
    kind = n % 5
    if kind == 0:
        for _ in range(1 + n % 7):
            out[chance.randrange(len(out))] ^= 1 << chance.randrange(8)
    elif kind == 1:
        del out[at:]
    elif kind == 2:
        out[at : at + size] = bytes(len(out[at : at + size]))
    elif kind == 3:
        out[at:at] = out[at : at + size]
    else:
        out[at : at + size] = chance.randbytes(size)
    return bytes(out)


def _mangled(xml: str, chance: random.Random, n: int) -> str:
    """A document that is still nearly one: a piece gone, moved, or a number or name that is none."""
    at = chance.randrange(60, len(xml))
    size = chance.randrange(1, 200)
    odd = ["-5", "99999999999999999999", "NaN", "1e9", "", "\u202e", "&#0;", "&lt;script&gt;", "'\"", "\ufffe"]
    return [
        lambda: xml[:at] + xml[at + size :],
        lambda: xml[:at] + xml[at : at + size] * 3 + xml[at + size :],
        lambda: xml.replace("startPosition", "endPosition", 1 + n % 3),
        lambda: xml.replace(str(101 + n % 8), odd[n % len(odd)]),
        lambda: xml.replace(HOME, odd[n % len(odd)]),
        lambda: xml.replace("TextSource", ["PDFSource", "AudioSource", "Code", "Project"][n % 4]),
    ][n % 6]()


def _taguette(path: Path) -> Path:
    rows = {
        "projects": [(1, "a", "", "")],
        "documents": [(1, "talk", "", "", "", 1, f"<p>{TALK}</p>")],
        "tags": [(1, 1, "home", "")],
        "highlights": [(n, 1, 40 + n, 60 + n, "") for n in range(9)],
        "highlight_tags": [(n, 1) for n in range(9)],
        "project_members": [(1, "ann")],
    }
    return database(path, TAGUETTE, rows)


def _qualcoder(path: Path) -> Path:
    rows = {
        "source": [(1, "talk", TALK, None, "", "ann", "")],
        "code_text": [(1, 1, "", 40 + n, 60 + n, "ann", "", "") for n in range(9)],
        "code_name": [(1, "home", "", None, "ann", "", "")],
    }
    return database(path, QUALCODER, rows)


def _archive(path: Path, fill: Callable[[zipfile.ZipFile], None]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        fill(archive)


def _bomb(path: Path) -> None:
    def fill(archive: zipfile.ZipFile) -> None:
        archive.writestr("project.qde", GOOD)
        # A thousand bytes unpacked for each one packed.
        archive.writestr("sources/talk.txt", b"home " * (6 * MIB))

    _archive(path, fill)


def _bomb_in_xml(path: Path) -> None:
    _archive(path, lambda archive: archive.writestr("project.qde", GOOD + " " * (30 * MIB)))


def _long_line(path: Path) -> None:
    """100 MB without a line end, written piece by piece."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("project.qde", GOOD)
        with archive.open("sources/talk.txt", "w") as member:
            for n in range(100):
                member.write(random.Random(n).randbytes(MIB // 16).hex().encode() * 8)  # noqa: S311


def _slip(name: str) -> Callable[[Path], None]:
    def fill(archive: zipfile.ZipFile) -> None:
        archive.writestr("project.qde", GOOD)
        archive.writestr(name, TALK)

    return lambda path: _archive(path, fill)


def _symlink(path: Path) -> None:
    def fill(archive: zipfile.ZipFile) -> None:
        archive.writestr("project.qde", GOOD)
        entry = zipfile.ZipInfo("sources/talk.txt")
        entry.create_system, entry.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")

    _archive(path, fill)


def _encrypted(path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("project.qde", GOOD)
    data = bytearray(packed.getvalue())
    # The flag that says "encrypted", in the entry and in the list of entries.
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(bytes(data))


def _xml(text: str) -> Callable[[Path], None]:
    return lambda path: (
        _archive(path, lambda archive: archive.writestr("project.qde", text))
        if (path.suffix == ".qdpx")
        else path.write_text(text)
    )


def _with_doctype(inside: str, used: str) -> str:
    return f"<!DOCTYPE Project [{inside}]>{project(USERS, f'<Description>{used}</Description>').partition('?>')[2]}"


_LAUGHS = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
_MANY = "".join(stretch(n, n % 100, n % 100 + 5, coding(n)) for n in range(1, 10_000))


def _many_notes() -> str:
    return project(USERS, "<Notes>" + "<Note/>" * 150_000 + "</Notes>")


def _view(path: Path) -> None:
    """Tables that are views which never end."""
    connection = sqlite3.connect(path)
    for table in TAGUETTE:
        connection.execute(
            f"CREATE VIEW {table} AS WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n) SELECT * FROM n"
        )
    connection.commit()
    connection.close()


def _generated(path: Path) -> None:
    """A column that is computed anew for each row, at great length."""
    _taguette(path)
    connection = sqlite3.connect(path)
    connection.execute("DROP TABLE documents")
    connection.execute(
        "CREATE TABLE documents (id, name, description, filename, created, project_id, "
        "contents AS (hex(zeroblob(400000000))) STORED)".replace("STORED", "VIRTUAL")
    )
    connection.execute("INSERT INTO documents VALUES (1, 'talk', '', '', '', 1)")
    connection.commit()
    connection.close()


def _huge_cell(path: Path) -> None:
    _taguette(path)
    connection = sqlite3.connect(path)
    connection.execute("UPDATE documents SET contents = ?", ("<p>home</p>" * MIB,))
    connection.commit()
    connection.close()


def _many_rows(path: Path) -> None:
    _taguette(path)
    connection = sqlite3.connect(path)
    connection.executemany("INSERT INTO highlight_tags VALUES (?, 1)", ((n % 9,) for n in range(600_000)))
    connection.commit()
    connection.close()


def _deep(path: Path) -> None:
    rows = {"source": [(1, "t", "<b>" * 200_000, None, "", "", "")]}
    database(path, QUALCODER, rows)


def _deep_html(path: Path) -> None:
    _taguette(path)
    connection = sqlite3.connect(path)
    connection.execute("UPDATE documents SET contents = ?", ("<p>home" + "<b>" * 300_000,))
    connection.commit()
    connection.close()


HANDMADE: dict[str, Callable[[Path], object]] = {
    "bomb.qdpx": _bomb,
    "bomb-in-xml.qdpx": _bomb_in_xml,
    "long-line.qdpx": _long_line,
    "slip-up.qdpx": _slip("../talk.txt"),
    "slip-root.qdpx": _slip("/etc/talk.txt"),
    "slip-drive.qdpx": _slip("C:\\talk.txt"),
    "symlink.qdpx": _symlink,
    "encrypted.qdpx": _encrypted,
    "xxe.qdpx": _xml(_with_doctype('<!ENTITY x SYSTEM "file:///etc/passwd">', "&x;")),
    "xxe-net.qdpx": _xml(_with_doctype('<!ENTITY x SYSTEM "http://127.0.0.1:9/x">', "&x;")),
    "xxe-parameter.qdpx": _xml(_with_doctype('<!ENTITY % x SYSTEM "http://127.0.0.1:9/x">%x;', "")),
    "laughs.qdpx": _xml(_with_doctype(f'<!ENTITY a0 "ha">{_LAUGHS}', "&a9;")),
    "laughs.qdc": _xml(_with_doctype(f'<!ENTITY a0 "ha">{_LAUGHS}', "&a9;")),
    "xxe.qdc": _xml(_with_doctype('<!ENTITY x SYSTEM "file:///etc/passwd">', "&x;")),
    "deep.qdpx": _xml(project("<Sources>" + "<TextSource>" * 5_000 + "</TextSource>" * 5_000 + "</Sources>")),
    "deep-codes.qdc": _xml("<CodeBook><Codes>" + '<Code name="a">' * 5_000 + "</Code>" * 5_000 + "</Codes></CodeBook>"),
    "many.qdpx": _xml(simple(text_source(1, _MANY, text=TALK))),
    "many-sources.qdpx": lambda path: qdpx(
        path, simple(*(text_source(n, path="a.txt") for n in range(20_000))), {"a.txt": b"home " * 200_000}
    ),
    "many-strangers.qdpx": _xml(project("<a/>" * 250_000)),
    "many-notes.qdpx": _xml(_many_notes()),
    "two-projects.qdpx": lambda path: _archive(
        path, lambda archive: [archive.writestr(f"{n}.qde", GOOD) for n in "ab"] and None
    ),
    "no-project.qdpx": lambda path: _archive(path, lambda archive: archive.writestr("a.txt", "a")),
    "a-table.qdpx": lambda path: path.write_text("a,b\n1,2\n"),
    "a-picture.qdc": lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100)),
    "a-database.qdpx": lambda path: path.write_bytes(b"SQLite format 3\0" + bytes(100)),
    "a-zip.sqlite3": lambda path: _archive(path, lambda archive: archive.writestr("project.qde", GOOD)),
    "empty.qdpx": lambda path: path.write_bytes(b""),
    "empty.qdc": lambda path: path.write_bytes(b""),
    "empty.sqlite3": lambda path: path.write_bytes(b""),
    "head-only.db": lambda path: path.write_bytes(b"SQLite format 3\0"),
    "big.qdc": lambda path: path.write_bytes(b"<CodeBook>" + b" " * (100 * MIB)),
    "views.sqlite3": _view,
    "generated.sqlite3": _generated,
    "huge-cell.sqlite3": _huge_cell,
    "many-rows.sqlite3": _many_rows,
    "deep-html.sqlite3": _deep_html,
    "deep.db": _deep,
}
