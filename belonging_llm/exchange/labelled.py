"""Texts with labelled parts: people read them in any program, and this one finds its own fields in them again."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence


def write(lead: str, fields: Mapping[str, str], labels: Sequence[str]) -> str:
    """A text that begins with `lead`, then `Label: value` for every field that is not empty, in the labels' order.

    A value's further lines are indented by two spaces, so that none of them looks like a label.
    """
    parts = [lead] if lead else []
    lines = [f"{label}: {_indented(fields[label])}" for label in labels if fields.get(label)]
    return "\n\n".join([*parts, "\n".join(lines)]) if lines else lead


def read(text: str, labels: Sequence[str]) -> tuple[str, dict[str, str]]:
    """The lead and the fields of such a text; a text without these labels is all lead."""
    known = "|".join(map(re.escape, labels))
    block = re.search(rf"(?:\A|\n\n)(?=(?:{known}): )", text)
    if block is None:
        return text, {}
    fields: dict[str, str] = {}
    current = ""
    for line in text[block.end() :].split("\n"):
        label = re.match(rf"({known}): (.*)", line, re.DOTALL)
        if label and label[1] not in fields:
            current = label[1]
            fields[current] = label[2]
        elif line.startswith("  ") and current:
            fields[current] += "\n" + line[2:]
        else:
            # Somebody wrote on below the fields, or these are words that only look like one.
            return text, {}
    return text[: block.start()], fields


def _indented(value: str) -> str:
    return value.replace("\n", "\n  ")
