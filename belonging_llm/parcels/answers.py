"""Read the two files that come back with a batch, in whatever state they are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from belonging_llm.errors import ModelUnavailable
from belonging_llm.llm import ChatReply
from belonging_llm.parcels.parcel import Fate, Post

# Errors of one line that another try may mend; any other 4xx is the endpoint's last word on it.
_PASSING = (408, 409, 425, 429)
_BY_CODE = {"batch_expired": Fate.EXPIRED, "batch_cancelled": Fate.CANCELLED}


@dataclass(frozen=True)
class Stray:
    """A line that stands for no question's fate, kept as it came.

    Attributes:
        source: `output` or `error`, the file it stood in.
        number: Its place there, from 1.
        why: `malformed`, `unknown` (nobody asked under this key) or `duplicate`.
    """

    source: str
    number: int
    why: str
    content: bytes


@dataclass
class Found:
    """What the files hold.

    Attributes:
        replies: By key; usable or not is for the asking layer to say.
        fates: Of questions without a reply.
    """

    replies: dict[str, ChatReply] = field(default_factory=dict)
    fates: dict[str, Fate] = field(default_factory=dict)
    strays: list[Stray] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Whether not one line speaks of a question that was asked."""
        return not self.replies and not self.fates


class _Response(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    status_code: int
    body: Any = None


class _Error(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    code: str | int | None = None


class _Line(BaseModel):
    """One line of either file; endpoints add fields of their own."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    custom_id: str
    response: _Response | None = None
    error: _Error | None = None


def read(output: bytes, error: bytes, asked: Set[str], post: Post) -> Found:
    """What came back, by the keys that were asked.

    Lines come in any order, and in either file: some endpoints put errors among the output. A key that
    occurs again is a duplicate: the first reply stands, and a reply stands before an error.
    """
    found = Found()
    for source, content in (("output", output), ("error", error)):
        for number, raw in _lines(content):
            line = _parsed(raw)
            if line is None or line.custom_id not in asked:
                why = "malformed" if line is None else "unknown"
                found.strays.append(Stray(source, number, why, raw))
            elif not _take(found, line, post):
                found.strays.append(Stray(source, number, "duplicate", raw))
    return found


def _lines(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Numbered lines; only the line feed ends one, since replies may hold every other separator."""
    for number, raw in enumerate(content.split(b"\n"), 1):
        if raw.strip():
            yield number, raw


def _parsed(raw: bytes) -> _Line | None:
    try:
        return _Line.model_validate(json.loads(raw.decode()))
    except (ValueError, RecursionError, ValidationError):
        return None


def _take(found: Found, line: _Line, post: Post) -> bool:
    """Note what a line says; False when its question has been spoken for."""
    key, told = line.custom_id, _told(line, post)
    if key in found.replies:
        return False
    if isinstance(told, ChatReply):
        found.replies[key] = told
        found.fates.pop(key, None)
        return True
    new = key not in found.fates
    found.fates.setdefault(key, told)
    return new


def _told(line: _Line, post: Post) -> ChatReply | Fate:
    response = line.response
    if response is None:
        return _BY_CODE.get(str(line.error.code) if line.error else "", Fate.FAILED)
    if response.status_code == 200 and isinstance(response.body, dict):
        try:
            return post.reply(response.body)
        except ModelUnavailable:
            return Fate.FAILED
    refused = 400 <= response.status_code < 500 and response.status_code not in _PASSING
    return Fate.REFUSED if refused else Fate.FAILED
