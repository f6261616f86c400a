"""Whether a value is of the kind that a REFI-QDA variable says it has."""

from __future__ import annotations

import re

_FORMS = {
    "Text": re.compile(r"[\s\S]*"),
    "Boolean": re.compile(r"true|false|1|0"),
    "Integer": re.compile(r"[+-]?\d+"),
    "Float": re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)"),
    "Date": re.compile(r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"),
    "DateTime": re.compile(
        r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?"
    ),
}


def kind_of(kind: str, value: str) -> bool:
    """Whether a value can be written as this kind."""
    return _FORMS[kind].fullmatch(value) is not None
