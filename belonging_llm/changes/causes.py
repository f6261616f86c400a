"""What went into two runs and differs: the reasons why they may have found different things."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal[
    "model", "embedder", "prompt", "codebook", "lessons", "setting", "segments", "method", "program", "package"
]

IN_WORDS: Mapping[Kind, str] = {
    "model": "the language model",
    "embedder": "the embedder",
    "prompt": "the prompt",
    "codebook": "the codebook",
    "lessons": "people’s codings that it learned from",
    "setting": "the setting",
    "segments": "the segments",
    "method": "the way of coding",
    "program": "this program",
    "package": "the package",
}


@dataclass(frozen=True)
class Cause:
    """One input that differs.

    Attributes:
        kind: `lessons` are people's codings that the run learned from; `method` is how segments are coded; `program` is
            this program's version.
        name: Which prompt, setting or package; empty for the others.
        before: As the run's record has it (of prompts and codebooks the digest); empty where there was none.
    """

    kind: Kind
    name: str
    before: str
    after: str


def causes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Cause, ...]:
    """Every input that differs, what weighs most first.

    Args:
        before: What shaped a run, in full: `Runs.inputs`; `after` likewise.
    """
    return tuple(_found(before, after))


def _found(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Cause]:
    yield from _one("model", old.get("llm"), new.get("llm"))
    yield from _one("embedder", old.get("embedder"), new.get("embedder"))
    yield from _each("prompt", old.get("prompts"), new.get("prompts"))
    yield from _one("codebook", _digest(old, "codebook"), _digest(new, "codebook"))
    yield from _one("lessons", old.get("lessons"), new.get("lessons"))
    yield from _each("setting", old.get("settings"), new.get("settings"))
    yield from _one("segments", _digest(old, "segments"), _digest(new, "segments"))
    yield from _one("method", old.get("method"), new.get("method"))
    yield from _one("program", old.get("version"), new.get("version"))
    yield from _each("package", old.get("versions"), new.get("versions"))


def _digest(inputs: Mapping[str, Any], name: str) -> object:
    return (inputs.get(name) or {}).get("digest")


def _one(kind: Kind, old: object, new: object, name: str = "") -> Iterator[Cause]:
    if old != new:
        yield Cause(kind, name, _told(old), _told(new))


def _each(kind: Kind, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> Iterator[Cause]:
    old, new = old or {}, new or {}
    for name in sorted(old.keys() | new.keys()):
        yield from _one(kind, old.get(name), new.get(name), name)


def _told(value: object) -> str:
    return "" if value is None else str(value)
