"""Gold must not leak into prompts: what the model is shown is searched for segments of the test split.

A segment counts as found when it stands in the text whole (four words or more), or when eight of its
words stand there in a row. Case, punctuation and spacing do not hide it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from belonging_llm.codebook import Framework
from belonging_llm.codes.examples import MARK
from belonging_llm.codes.judge import SHOWN
from belonging_llm.errors import LeakError
from belonging_llm.prompts import Prompt
from belonging_llm.segments import Segment

GRAM = 8
SHORTEST = 4
CODING_PROMPTS = ("code_segment", "choose_code")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
# Prompts quote segments as JSON strings, where a line end is a backslash and a letter.
_ESCAPED = re.compile(r"\\.")
_EXAMPLE = re.compile(rf'"{re.escape(MARK)}(?:[^"\\]|\\.)*"')


@dataclass(frozen=True)
class Leak:
    """A test segment's words where a model can read them."""

    place: str
    segment_id: str
    words: str
    whole: bool


class Guard:
    """Looks for test segments in texts; built once, since every rendered prompt goes past it."""

    def __init__(self, test: Sequence[Segment]) -> None:
        self._grams: dict[tuple[str, ...], str] = {}
        self._short: dict[tuple[str, ...], str] = {}
        self.unguarded = 0
        for segment in test:
            words = tuple(_words(segment.text))
            if len(words) < SHORTEST:
                self.unguarded += 1
            elif len(words) < GRAM:
                self._short[words] = segment.id
            for at in range(len(words) - GRAM + 1):
                self._grams.setdefault(words[at : at + GRAM], segment.id)
        self._lengths = sorted({len(words) for words in self._short})

    def search(self, place: str, text: str) -> Iterator[Leak]:
        """Leaks in one text, one a segment."""
        words, seen = _words(text), set()
        for at in range(len(words)):
            for length, known in [(GRAM, self._grams), *((n, self._short) for n in self._lengths)]:
                gram = tuple(words[at : at + length])
                found = known.get(gram)
                if found and found not in seen:
                    seen.add(found)
                    yield Leak(place, found, " ".join(gram), known is self._short)


def in_codebook(guard: Guard, framework: Framework) -> list[Leak]:
    """Leaks in anything that a codebook says of its codes."""
    found: list[Leak] = []
    for code in framework.codes:
        fields = {
            "name": [code.name],
            "definition": [code.definition],
            "include": [code.include],
            "exclude": [code.exclude],
            "example": code.examples,
            "absent example": code.absent_examples,
        }
        for name, texts in fields.items():
            for number, text in enumerate(texts, 1):
                place = f"codebook {framework.id}, code {code.id}, {name}" + (f" {number}" if len(texts) > 1 else "")
                found += guard.search(place, text)
    return found


def in_prompts(guard: Guard, prompts: Iterable[Prompt]) -> list[Leak]:
    """Leaks in prompt files."""
    return [leak for prompt in prompts for leak in guard.search(f"prompt {prompt.name}", prompt.source)]


def in_requests(
    guard: Guard, requests: Mapping[str, str], texts: Mapping[str, str], examples: Collection[str] = ()
) -> list[Leak]:
    """Leaks in prompts as they were sent: everything but the segments that each asks about, and examples.

    A segment asked about stands whole in the user part of few requests; one that many requests hold was put
    there, and so was a second copy. Its own words are taken out before the rest is searched, since people share
    phrases; likewise those of an example that may be shown. Any other example is searched like the rest.

    Args:
        requests: Rendered requests of the coding prompts as JSON with `system`, `user` and `reply_schema`, by key.
        texts: Words of every segment that may have been asked about, in whatever part, by id.
        examples: Segments of the development split, as prompts show them.
    """
    asked = {key: json.loads(request) for key, request in requests.items()}
    allowed = set(examples)
    users = {key: _plain(_ESCAPED.sub(" ", _without(one["user"], allowed))) for key, one in asked.items()}
    shown = sorted({plain for text in texts.values() if (plain := _plain(text[:SHOWN])).strip()})
    whole = {key: [plain for plain in shown if plain in user] for key, user in users.items()}
    often = Counter(plain for inside in whole.values() for plain in inside)
    found: list[Leak] = []
    for key, one in asked.items():
        place = f"request {key[:12]} as it was sent"
        # Among those that are equally rare, the longest: a short one may stand within another's words.
        about = sorted(whole[key], key=lambda plain: (often[plain], -len(plain)))
        rest = _less(users[key], about, _asked_about(one.get("reply_schema", {})))
        found += [leak for text in (one["system"], *rest) for leak in guard.search(place, text)]
    return found


def _without(user: str, allowed: Collection[str]) -> str:
    """A user part less the examples that may stand there."""
    return _EXAMPLE.sub(lambda quote: "|" if _read(quote[0]) in allowed else quote[0], user)


def _read(quote: str) -> str | None:
    try:
        return str(json.loads(quote))
    except ValueError:  # a prompt of the study's own may quote in another way
        return None


def _asked_about(schema: Mapping[str, Any]) -> int:
    """How many segments a request asks about: several have an object each, with an object for each code."""
    inner = [one.get("properties", {}).values() for one in schema.get("properties", {}).values()]
    several = bool(inner) and all(part.get("type") == "object" for parts in inner for part in parts)
    return len(inner) if several else 1


def _less(user: str, about: Sequence[str], count: int) -> list[str]:
    """What is left of a user part without `count` of these: each once before any a second time."""
    pieces, gone = [user], 0
    while gone < count:
        there = [plain for plain in about if _place(pieces, plain) is not None]
        if not there:
            break
        for plain in there[: count - gone]:
            if (at := _place(pieces, plain)) is not None:
                before, after = pieces[at].split(plain, 1)
                pieces[at : at + 1] = [f"{before} ", f" {after}"]
                gone += 1
    return pieces


def _place(pieces: Sequence[str], plain: str) -> int | None:
    return next((i for i, piece in enumerate(pieces) if plain in piece), None)


def refuse(leaks: Sequence[Leak]) -> None:
    """Stop when there is a leak.

    Raises:
        LeakError: names each place and segment.
    """
    if not leaks:
        return
    lines = [f"{leak.place} holds words of segment {leak.segment_id} (“{leak.words}”)" for leak in leaks[:10]]
    more = f"; and {len(leaks) - 10} more" if len(leaks) > 10 else ""
    raise LeakError(
        "the test split leaks into what the model is shown: "
        + "; ".join(lines)
        + more
        + ". Take these words out, or the audit would flatter the model"
    )


def _plain(text: str) -> str:
    return f" {' '.join(_words(text))} "


def _words(text: str) -> list[str]:
    return [word.lower().replace("’", "'") for word in _WORD.findall(text)]
