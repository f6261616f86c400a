"""Frameworks and codebooks: the codes people look for, what two versions differ in, and how frameworks correspond."""

from __future__ import annotations

from belonging_llm.codebook.difference import CodeChange, Difference, FieldChange, Piece, differ
from belonging_llm.codebook.editing import fresh_id, merge, put, retire
from belonging_llm.codebook.framework import KINDS, Code, Framework, Source
from belonging_llm.codebook.reading import (
    RELATIONS,
    Correspondence,
    built_in,
    crosswalk,
    from_rows,
    load,
    read_yaml,
    to_yaml,
)

__all__ = [
    "KINDS",
    "RELATIONS",
    "Code",
    "CodeChange",
    "Correspondence",
    "Difference",
    "FieldChange",
    "Framework",
    "Piece",
    "Source",
    "built_in",
    "crosswalk",
    "differ",
    "fresh_id",
    "from_rows",
    "load",
    "merge",
    "put",
    "read_yaml",
    "retire",
    "to_yaml",
]
