"""Parse XML that nobody vouches for: no document type, no entities of its own, no network, bounded size and depth."""

from __future__ import annotations

import codecs
import re

from lxml import etree

from belonging_llm.errors import ContainerError

MOST_BYTES = 16 << 20
# Elements and attributes cost a parser some hundred bytes each, however short they are written.
MOST_MARKS = 600_000

_ENCODINGS = {"utf-8", "utf8", "utf-16", "utf-16le", "utf-16be", "us-ascii", "ascii", "iso-8859-1", "windows-1252"}
_DECLARATION = re.compile(r"""<\?xml[ \t\r\n][^>]{0,200}?\?>""")
_DECLARED = re.compile(r"""\sencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")


def parse_xml(raw: bytes, place: str, *, most_bytes: int = MOST_BYTES, most_marks: int = MOST_MARKS) -> etree._Element:
    """The root element of an XML document; comments and processing instructions are left out.

    Args:
        place: What errors call the document: the file, and the member where it is in a container.
        most_bytes: Largest document.
        most_marks: Most tags and attributes together.

    Raises:
        ContainerError: not well-formed, over a limit, or with a document type (the way to entity bombs and to
            reading other files).
    """
    if len(raw) > most_bytes:
        raise ContainerError(f"{place}: holds {len(raw)} bytes of XML, more than the {most_bytes} that are read")
    clean = _utf8(raw, place)
    if clean.count(b"<") + clean.count(b"=") > most_marks:
        raise ContainerError(f"{place}: holds more than {most_marks} tags and attributes, too many to read")
    _refuse_doctype(clean, place)
    try:
        root = etree.fromstring(clean, _parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        raise ContainerError(f"{place}: its XML is damaged: {error}") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise ContainerError(f"{place}: its XML declares a document type (entities), which is not read")
    return root


def refuse_doctype(raw: bytes, place: str) -> None:
    """Look at XML that another parser is going to read.

    Raises:
        ContainerError: it declares a document type.
    """
    _refuse_doctype(_utf8(raw, place), place)


def local_name(element: etree._Element) -> str:
    """An element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def attribute(element: etree._Element, name: str) -> str:
    """An attribute by its name without a namespace; empty when there is none."""
    return next((str(value) for key, value in element.items() if str(key).rpartition("}")[2] == name), "")


def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        strip_cdata=True,
    )


def _utf8(raw: bytes, place: str) -> bytes:
    """The document as UTF-8 without mark and declaration, so that what is searched is what is parsed."""
    encoding = _encoding(raw, place)
    if encoding == "utf-8":
        body = raw.removeprefix(codecs.BOM_UTF8)
        head = body[:256].decode("latin-1")
        declaration = _DECLARATION.match(head)
        return body[declaration.end() :] if declaration else body
    try:
        text = raw.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise ContainerError(f"{place}: its XML is not the {encoding} that it says it is") from error
    declaration = _DECLARATION.match(text)
    try:
        return (text[declaration.end() :] if declaration else text).encode()
    except UnicodeEncodeError as error:
        raise ContainerError(f"{place}: its XML holds halves of characters") from error


def _encoding(raw: bytes, place: str) -> str:
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    for mark, encoding in ((b"<\0", "utf-16-le"), (b"\0<", "utf-16-be")):
        if raw.startswith(mark):
            return encoding
    declaration = _DECLARATION.match(raw[:260].removeprefix(codecs.BOM_UTF8).decode("latin-1"))
    declared = _DECLARED.search(declaration.group()) if declaration else None
    name = declared[1].lower() if declared else "utf-8"
    if name not in _ENCODINGS or (raw.startswith(codecs.BOM_UTF8) and not name.startswith("utf")):
        raise ContainerError(f"{place}: its XML says that it is encoded as {name}, which is not read")
    if name.startswith("utf"):
        # UTF-16 would have shown itself by its first bytes: the declaration is wrong, the bytes are not.
        return "utf-8"
    return "cp1252" if name == "windows-1252" else "latin-1" if name == "iso-8859-1" else "utf-8"


def _refuse_doctype(clean: bytes, place: str) -> None:
    if _has_doctype(clean):
        raise ContainerError(f"{place}: its XML declares a document type (entities), which is not read")


def _has_doctype(clean: bytes) -> bool:
    """Whether a document type stands before the root element."""
    at = 0
    while True:
        rest = clean[at : at + 64].lstrip()
        at += len(clean[at : at + 64]) - len(rest)
        if not rest:
            if at >= len(clean):
                return False
            continue
        closing = b"-->" if rest.startswith(b"<!--") else b"?>" if rest.startswith(b"<?") else None
        if closing is None:
            return rest[:9].upper() == b"<!DOCTYPE"
        end = clean.find(closing, at + 2)
        if end < 0:
            return False
        at = end + len(closing)
