"""Pairs of segment and code on which two runs differ, and in which evidence the two codings differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from belonging_llm.codes import Coding
from belonging_llm.store import Gist

Pair = tuple[str, str]

# What a coding rests on, in the words that are shown; in the order in which one explains another.
_EVIDENCE = {
    "model": "the model",
    "prompt_digest": "the prompt",
    "codebook_digest": "the codebook",
    "encoder": "the embedder",
    "asked": "whether the model was asked",
    "said": "what the model answered",
    "moved": "how far the model's weighing moved it",
    "taught": "whether the code was learned from people's codings",
    "theme": "its place in a theme",
    "similarity": "its likeness to the code among all segments",
    "chance": "the chance that was learned",
}


@dataclass(frozen=True)
class OutcomeChange:
    """One pair of segment and code with another outcome, or the same with another polarity."""

    segment_id: str
    code: str
    before: Gist
    after: Gist


def differing(before: Mapping[Pair, Gist], after: Mapping[Pair, Gist]) -> tuple[OutcomeChange, ...]:
    """Pairs that both runs judged and judged differently, by segment and code."""
    return tuple(_found(before, after))


def _found(before: Mapping[Pair, Gist], after: Mapping[Pair, Gist]) -> Iterator[OutcomeChange]:
    for pair in sorted(before.keys() & after.keys()):
        old, new = before[pair], after[pair]
        if old[:2] != new[:2]:
            yield OutcomeChange(*pair, old, new)


def kinds(found: Iterable[OutcomeChange]) -> Counter[tuple[str, str, str]]:
    """How often each code went from which outcome to which; the same outcome twice is another polarity."""
    return Counter((c.code, str(c.before.outcome), str(c.after.outcome)) for c in found)


def differs_in(before: Coding, after: Coding) -> tuple[str, ...]:
    """What two codings of one pair rest on differently, in words; empty when they rest on the same."""
    old, new = before.provenance, after.provenance
    return tuple(words for name, words in _EVIDENCE.items() if getattr(old, name) != getattr(new, name))
