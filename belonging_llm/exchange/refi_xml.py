"""Walk the XML of REFI-QDA files."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

_TIME = re.compile(r"-?\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?")


def elements(holder: etree._Element) -> Iterator[etree._Element]:
    """Child elements; comments and instructions are none."""
    return (child for child in holder if isinstance(child.tag, str))


def tag_of(element: etree._Element) -> str:
    """An element's name without its namespace: programs differ in what they put there."""
    return str(element.tag).rpartition("}")[2]


def children(holder: etree._Element, tag: str) -> Iterator[etree._Element]:
    """Child elements of one name."""
    return (child for child in elements(holder) if tag_of(child) == tag)


def grouped(root: etree._Element, group: str, tag: str) -> list[etree._Element]:
    """Elements of one name inside a group, such as every User in Users."""
    return [one for holder in children(root, group) for one in children(holder, tag)]


def codings_in(holder: etree._Element) -> int:
    """How many codings an element holds, at any depth."""
    return sum(tag_of(e) == "Coding" for e in holder.iter() if isinstance(e.tag, str))


def text_of(holder: etree._Element, tag: str) -> str:
    """The words of a child element; empty when there is none."""
    found = next(children(holder, tag), None)
    return plain("".join(map(str, found.itertext()))) if found is not None else ""


def plain(text: str) -> str:
    """A text with LF line ends and without byte-order mark."""
    return text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")


def time_of(holder: etree._Element, attribute: str) -> str:
    """A moment as the file gives it; empty when it is none."""
    given = holder.get(attribute, "").strip()
    return given if _TIME.fullmatch(given) else ""


def name_of(holder: etree._Element) -> str:
    """What to call an element in a report."""
    return holder.get("name", "").strip() or holder.get("guid", "").strip() or "without a name"
