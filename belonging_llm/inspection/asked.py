"""The call behind a coding: the prompt as it was sent, and the reply as it came."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from belonging_llm.asking import LedgerEntry
from belonging_llm.codes import Coding
from belonging_llm.codes.examples import MARK
from belonging_llm.codes.judge import SHOWN
from belonging_llm.llm import ChatRequest
from belonging_llm.prompts import quoted
from belonging_llm.store import Run
from belonging_llm.study import Study

NOT_ASKED = "The model was not asked about this segment: the outcome rests on the evidence named above alone."
GONE = (
    "The call is not in the ledger any more: a withdrawal or the forgetting of originals took it, since it showed "
    "words that had to go."
)
NEEDLE = 200
_EXAMPLE = re.compile(rf'"{re.escape(MARK)}(?:[^"\\]|\\.)*"')
# What JSON writes as it stands.
_PLAIN = re.compile(r'[^"\\\x00-\x1f\x7f]+')
_OPTION = re.compile(r"(?m)^([A-Z])\. ([^:\n]*)")


@dataclass(frozen=True)
class Likelihood:
    """How likely the model found one letter; `log_probability` is natural.

    Attributes:
        code: What the prompt says that the letter stands for, as far as its name.
    """

    letter: str
    code: str
    log_probability: float


@dataclass(frozen=True)
class Attempt:
    """One reply: the text as it came, before anybody trusted it."""

    number: int
    text: str
    finish_reason: str
    at: str
    seconds: float


@dataclass(frozen=True)
class Call:
    """What was asked, and every reply to it.

    Attributes:
        segments: How many segments shared the call.
        earlier: It was made for an earlier run, whose reply was used again.
        likelihoods: Where the model weighed letters, by code; empty for models that answer in words.
    """

    model: str
    prompt: str
    system: str
    user: str
    attempts: tuple[Attempt, ...]
    segments: int
    earlier: bool
    likelihoods: tuple[Likelihood, ...]


@dataclass(frozen=True)
class Behind:
    """What stands behind a coding.

    Attributes:
        reason: Why there is no call; empty where there is one.
        others: Further calls with the same prompt that showed the segment, for other runs; not shown.
    """

    call: Call | None
    reason: str = ""
    others: int = 0


def behind(study: Study, run: Run, coding: Coding, text: str) -> Behind:
    """The call that a coding of a run rests on.

    The ledger keeps calls by what was asked, not by segment: it is searched for the segment's words. Where several
    calls showed them, the run's own counts, else the last one before the run ended.

    Args:
        text: The segment's words.
    """
    made = coding.provenance
    if not made.asked:
        return Behind(None, NOT_ASKED)
    shown = text[:SHOWN]
    needle = max(_PLAIN.findall(shown), key=len, default="")[:NEEDLE]
    kept = study.store.asked.showing(needle, prompt_digest=made.prompt_digest, model=made.model)
    tests = {test.id for test in study.store.stability.tests()}
    kept = [(entry, asked) for entry, asked in kept if entry.run_id not in tests and _asks(asked, shown, coding.code)]
    if not kept:
        return Behind(None, GONE)
    key = _chosen([entry for entry, _ in kept], run)
    replies = [(entry, asked) for entry, asked in kept if entry.key == key]
    return Behind(_call(replies, run), others=len({entry.key for entry, _ in kept}) - 1)


def _asks(request: ChatRequest, shown: str, code: str) -> bool:
    """Whether a request asks about these words and this code, rather than showing them as an example."""
    rest = _EXAMPLE.sub("", request.user)
    if quoted(shown) not in rest and shown not in rest:
        return False
    return bool(request.options) or code in set(_names(request.reply_schema))


def _names(schema: Any) -> Iterator[str]:
    """Names of properties, inner ones too."""
    for name, inner in schema.get("properties", {}).items():
        yield name
        yield from _names(inner)


def _chosen(entries: Sequence[LedgerEntry], run: Run) -> str:
    own = [entry for entry in entries if entry.run_id == run.id]
    before = [entry for entry in entries if entry.at <= (run.finished_at or entry.at)]
    return (own or before or list(entries))[-1].key


def _call(replies: Sequence[tuple[LedgerEntry, ChatRequest]], run: Run) -> Call:
    (entry, request), *_ = replies
    attempts = tuple(
        Attempt(one.attempt, one.reply.text, one.reply.finish_reason, one.at, one.seconds) for one, _ in replies
    )
    return Call(
        model=entry.model,
        prompt=entry.prompt,
        system=request.system,
        user=request.user,
        attempts=attempts,
        segments=_sharing(request),
        earlier=entry.run_id != run.id,
        likelihoods=tuple(_likelihoods(replies[-1][0].reply.text, request)),
    )


def _sharing(request: ChatRequest) -> int:
    """Several segments have an object each in the reply, with an object for each code."""
    inner = [one.get("properties", {}).values() for one in request.reply_schema.get("properties", {}).values()]
    several = bool(inner) and all(parts and all(part.get("type") == "object" for part in parts) for parts in inner)
    return len(inner) if several else 1


def _likelihoods(reply: str, request: ChatRequest) -> Iterator[Likelihood]:
    """What each letter stood for says the prompt itself, a line a letter."""
    if not request.options:
        return
    try:
        told = json.loads(reply)
    except ValueError:
        return
    meant = dict(_OPTION.findall(request.system))
    for letter in request.options:
        if isinstance(told, dict) and isinstance(told.get(letter), int | float):
            yield Likelihood(letter, meant.get(letter, ""), float(told[letter]))
