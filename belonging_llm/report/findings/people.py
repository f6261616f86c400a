"""The participants: how much each says, and what is recorded of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from belonging_llm.report.findings.corpus import Corpus
from belonging_llm.report.findings.themes import ThemeView
from belonging_llm.report.findings.words import natural


@dataclass(frozen=True)
class Person:
    """A participant: segments spoken, themes spoken in, and a value for each attribute."""

    name: str
    segments: int
    themes: int
    attributes: tuple[str, ...]


@dataclass(frozen=True)
class People:
    """Everyone who speaks or is on record; `attributes` name what any of them has on record."""

    attributes: tuple[str, ...]
    persons: tuple[Person, ...]


def describe(known: Mapping[str, Mapping[str, str]], themes: Sequence[ThemeView], corpus: Corpus) -> People:
    """Everyone who speaks in a segment or of whom something is `known`, P2 before P10."""
    attributes = tuple(dict.fromkeys(key for values in known.values() for key in values))
    spoken = corpus.speakers(corpus.segments)
    within = Counter(s.name for t in themes for s in t.speakers if s.count)
    names = sorted({*corpus.people, *known}, key=natural)
    persons = (Person(n, spoken[n], within[n], _values(known.get(n, {}), attributes)) for n in names)
    return People(attributes, tuple(persons))


def _values(known: Mapping[str, str], attributes: Sequence[str]) -> tuple[str, ...]:
    return tuple(known.get(attribute) or "not recorded" for attribute in attributes)
