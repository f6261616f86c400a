"""Write REFI-QDA projects (`.qdpx`) and codebooks (`.qdc`): the same content always gives the same bytes."""

from __future__ import annotations

import io
import re
import unicodedata
import zipfile
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TypeVar

from lxml import etree

from belonging_llm.errors import ExchangeError
from belonging_llm.exchange.composed import Composed
from belonging_llm.exchange.project import (
    Case,
    CodeSet,
    Mark,
    Memo,
    Passage,
    Project,
    ProjectCode,
    Source,
    Variable,
)
from belonging_llm.exchange.schemas import misfits

ORIGIN = "belonging-llm"
_T = TypeVar("_T")
_PROJECT, _CODEBOOK = "urn:QDA-XML:project:1.0", "urn:QDA-XML:codebook:1.0"
# What XML 1.0 has no way to write.
_UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# The oldest time that a zip container can hold: when a file was written says nothing about what is in it.
_NO_TIME = (1980, 1, 1, 0, 0, 0)


def project_bytes(project: Project) -> bytes:
    """A `.qdpx` file.

    Raises:
        ExchangeError: the result would not follow the schema.
    """
    root = _project(project)
    _check(root)
    members = {"project.qde": _document(root)}
    for source in project.sources:
        members[f"sources/{source.guid}.txt"] = Composed(source.text).text.encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(members, key=lambda n: (n != "project.qde", n)):
            entry = zipfile.ZipInfo(name, _NO_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            # Unix, plain file, readable: the same on every system.
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            archive.writestr(entry, members[name])
    return packed.getvalue()


def codebook_bytes(codes: Sequence[ProjectCode]) -> bytes:
    """A `.qdc` file.

    Raises:
        ExchangeError: the result would not follow the schema.
    """
    root = _root("CodeBook", _CODEBOOK, {"origin": ORIGIN})
    _codes(root, [code.model_copy(update={"memos": ()}) for code in codes])
    _check(root)
    return _document(root)


def _check(root: etree._Element) -> None:
    # Written and read again, so that line numbers mean something.
    wrong = misfits(etree.fromstring(_document(root)))
    if wrong:
        raise ExchangeError(f"the export would not follow the REFI-QDA schema in {len(wrong)} places, first {wrong[0]}")


def _document(root: etree._Element) -> bytes:
    return bytes(etree.tostring(root, xml_declaration=True, encoding="utf-8", pretty_print=True))


def _project(project: Project) -> etree._Element:
    root = _root(
        "Project",
        _PROJECT,
        {
            "name": project.name,
            "origin": ORIGIN,
            "creatingUserGUID": project.user,
            "creationDateTime": project.at,
        },
    )
    names = {variable.name: variable for variable in project.variables}
    _group(root, "Users", project.users, lambda to, u: _add(to, "User", {"guid": u.guid, "name": u.name}))
    if project.codes:
        _codes(_add(root, "CodeBook"), project.codes)
    _group(root, "Variables", project.variables, _variable)
    _group(root, "Cases", project.cases, partial(_case, names=names))
    _group(root, "Sources", project.sources, partial(_source, names=names))
    _group(root, "Notes", project.notes, _memo)
    _group(root, "Sets", project.sets, _set)
    _words(root, "Description", project.description)
    _refs(root, "NoteRef", project.memos)
    return root


def _root(tag: str, space: str, attributes: dict[str, str]) -> etree._Element:
    root = etree.Element(f"{{{space}}}{tag}", nsmap={None: space})  # type: ignore[dict-item]
    _set_all(root, attributes)
    return root


def _add(to: etree._Element, tag: str, attributes: dict[str, str] | None = None) -> etree._Element:
    child = etree.SubElement(to, f"{{{etree.QName(to).namespace}}}{tag}")
    _set_all(child, attributes or {})
    return child


def _set_all(element: etree._Element, attributes: dict[str, str]) -> None:
    """Set attributes; those without a value are left out."""
    for name, value in attributes.items():
        if value:
            element.set(name, clean(value))


def clean(text: str) -> str:
    """A text that XML can hold: NFC, LF line ends, no control characters (they become U+FFFD)."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return _UNWRITABLE.sub("\ufffd", unicodedata.normalize("NFC", plain))


def _group(root: etree._Element, tag: str, items: Sequence[_T], write: Callable[[etree._Element, _T], object]) -> None:
    """A group of things; the schema allows no empty one."""
    if items:
        group = _add(root, tag)
        for item in items:
            write(group, item)


def _words(to: etree._Element, tag: str, text: str) -> None:
    if text:
        _add(to, tag).text = clean(text)


def _refs(to: etree._Element, tag: str, targets: Iterable[str]) -> None:
    for target in targets:
        _add(to, tag, {"targetGUID": target})


def _codes(to: etree._Element, codes: Sequence[ProjectCode]) -> None:
    """Codes, each inside its parent; codes come parents first."""
    places: dict[str | None, etree._Element] = {None: _add(to, "Codes")}
    for code in codes:
        parent = places.get(code.parent, places[None])
        codable = "true" if code.codable else "false"
        node = _add(parent, "Code", {"guid": code.guid, "name": code.name, "isCodable": codable, "color": code.colour})
        _words(node, "Description", code.description)
        _refs(node, "NoteRef", code.memos)
        places[code.guid] = node


def _variable(to: etree._Element, variable: Variable) -> None:
    node = _add(to, "Variable", {"guid": variable.guid, "name": variable.name, "typeOfVariable": variable.kind})
    _words(node, "Description", variable.description)


def _values(to: etree._Element, values: dict[str, str], names: dict[str, Variable]) -> None:
    for name, value in sorted(values.items()):
        node = _add(to, "VariableValue")
        _add(node, "VariableRef", {"targetGUID": names[name].guid})
        _add(node, f"{names[name].kind}Value").text = clean(value)


def _case(to: etree._Element, case: Case, names: dict[str, Variable]) -> None:
    node = _add(to, "Case", {"guid": case.guid, "name": case.name})
    _words(node, "Description", case.description)
    _values(node, case.values, names)
    _refs(node, "SourceRef", case.sources)
    _refs(node, "SelectionRef", case.passages)


def _source(to: etree._Element, source: Source, names: dict[str, Variable]) -> None:
    fields = {
        "guid": source.guid,
        "name": source.name,
        "plainTextPath": f"internal://{source.guid}.txt",
        "creatingUser": source.user,
        "creationDateTime": source.at,
    }
    node = _add(to, "TextSource", fields)
    _words(node, "Description", source.description)
    composed = Composed(source.text)
    for passage in source.passages:
        if not passage.whole:
            _passage(node, passage, composed)
    for passage in source.passages:
        if passage.whole:
            _marks(node, passage.marks)
    _refs(node, "NoteRef", source.memos)
    _values(node, source.values, names)


def _passage(to: etree._Element, passage: Passage, composed: Composed) -> None:
    start, end = composed.span(passage.start, passage.end)
    fields = {
        "guid": passage.guid,
        "name": passage.name,
        "startPosition": str(start),
        "endPosition": str(end),
        "creatingUser": passage.user,
        "creationDateTime": passage.at,
    }
    node = _add(to, "PlainTextSelection", fields)
    _words(node, "Description", passage.description)
    _marks(node, passage.marks)
    _refs(node, "NoteRef", passage.memos)


def _marks(to: etree._Element, marks: Sequence[Mark]) -> None:
    for mark in marks:
        fields = {"guid": mark.guid, "creatingUser": mark.user, "creationDateTime": mark.at}
        node = _add(to, "Coding", fields)
        _refs(node, "CodeRef", [mark.code])
        _refs(node, "NoteRef", mark.memos)


def _memo(to: etree._Element, memo: Memo) -> None:
    fields = {"guid": memo.guid, "name": memo.name, "creatingUser": memo.user, "creationDateTime": memo.at}
    _words(_add(to, "Note", fields), "PlainTextContent", memo.text)


def _set(to: etree._Element, given: CodeSet) -> None:
    node = _add(to, "Set", {"guid": given.guid, "name": given.name})
    _words(node, "Description", given.description)
    _refs(node, "MemberCode", given.codes)
    _refs(node, "MemberSource", given.sources)
    _refs(node, "MemberNote", given.memos)
