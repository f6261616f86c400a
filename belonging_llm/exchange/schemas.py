"""The REFI-QDA schemas, and what departs from them."""

from __future__ import annotations

import re
from functools import cache

from lxml import etree

from belonging_llm import resources

_FILES = {"Project": "Project.xsd", "CodeBook": "Codebook.xsd"}


def misfits(root: etree._Element) -> list[str]:
    """Where a document departs from the schema for its root, as `line N, <Element>`; never with its words."""
    name = str(root.tag).rpartition("}")[2]
    schema = _schema(_FILES[name])
    if schema.validate(root):
        return []
    return [f"line {error.line}, {_element(error)}" for error in schema.error_log]  # type: ignore[attr-defined]


@cache
def _schema(name: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(resources.path("data", "refi", name))))


def _element(error: etree._LogEntry) -> str:
    # The rest of the message may quote the document.
    named = re.match(r"Element '(?:\{[^}]*\})?([\w.-]+)'", error.message)
    return f"<{named[1] if named else 'document'}>"
