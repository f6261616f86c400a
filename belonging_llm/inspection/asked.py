"""The call behind a coding: the prompt as it was sent, and the reply as it came."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from belonging_llm.asking import LedgerEntry
from belonging_llm.codes import Coding
from belonging_llm.codes.examples import MARK
from belonging_llm.codes.judge import SHOWN
from belonging_llm.inspection.sharing import Part, is_published, part_of, size
from belonging_llm.llm import ChatRequest
from belonging_llm.prompts import quoted
from belonging_llm.store import Run
from belonging_llm.study import Study

NOT_ASKED = "The model was not asked about this segment: the outcome rests on the evidence named above alone."
GONE = (
    "The call is not in the ledger any more: a withdrawal or the forgetting of originals took it, since it showed "
    "words that had to go."
)
MIXED = (
    "Several calls of the run hold these words, and the study's own wording of the prompt does not tell which of them "
    "asked about this segment; none is shown, since it may be another segment's."
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
        system: As it was sent, and `user`; where segments shared the call, what belongs to the one that is looked at.
        attempts: Likewise.
        left_out: What is not shown, in words; empty where all is.
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
    left_out: tuple[str, ...] = ()


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
    kept = [(entry, asked) for entry, asked in kept if entry.run_id not in tests and _asks(entry, asked, shown, coding)]
    if not kept:
        return Behind(None, GONE)
    chosen = _chosen([entry for entry, _ in kept], run)
    if _mixed(kept, chosen):
        return Behind(None, MIXED)
    replies = [(entry, asked) for entry, asked in kept if entry.key == chosen.key]
    part = _part(*replies[0], shown, coding)
    call = _call(replies, run) if part is None else _cut(_call(replies, run), part)
    return Behind(call, others=len({entry.key for entry, _ in kept}) - 1)


def _asks(entry: LedgerEntry, request: ChatRequest, shown: str, coding: Coding) -> bool:
    """Whether a request asks about these words and this code, rather than showing them as an example."""
    if size(request) > 1:
        return _part(entry, request, shown, coding) is not None
    named = bool(request.options) or coding.code in set(_names(request.reply_schema))
    if is_published(entry.prompt, entry.prompt_digest):
        # On a line of its own: what stands within other words is somebody else's call.
        return named and f"Segment: {quoted(shown)}" in request.user.split("\n")
    rest = _EXAMPLE.sub("", request.user)
    return named and (quoted(shown) in rest or shown in rest)


def _part(entry: LedgerEntry, request: ChatRequest, shown: str, coding: Coding) -> Part | None:
    """Of a call about several segments what belongs to this one; None where it is about one."""
    return part_of(request, entry.prompt, entry.prompt_digest, shown, coding.code) if size(request) > 1 else None


def _cut(call: Call, part: Part) -> Call:
    """The call without what belongs to the other segments that shared it."""
    attempts = tuple(replace(one, text=part.reply(one.text)) for one in call.attempts)
    return replace(call, system=part.system, user=part.user, attempts=attempts, left_out=part.notes)


def _names(schema: Any) -> Iterator[str]:
    """Names of properties, inner ones too."""
    for name, inner in schema.get("properties", {}).items():
        yield name
        yield from _names(inner)


def _chosen(entries: Sequence[LedgerEntry], run: Run) -> LedgerEntry:
    own = [entry for entry in entries if entry.run_id == run.id]
    before = [entry for entry in entries if entry.at <= (run.finished_at or entry.at)]
    return (own or before or list(entries))[-1]


def _mixed(kept: Sequence[tuple[LedgerEntry, ChatRequest]], chosen: LedgerEntry) -> bool:
    """Whether it may be another segment's call, in which this one's words occur."""
    alike = {entry.key for entry, asked in kept if entry.run_id == chosen.run_id and size(asked) == 1}
    return len(alike) > 1 and not is_published(chosen.prompt, chosen.prompt_digest)


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
        segments=size(request),
        earlier=entry.run_id != run.id,
        likelihoods=tuple(_likelihoods(replies[-1][0].reply.text, request)),
    )


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
