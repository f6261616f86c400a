"""Suggest what may identify somebody, over a whole study: the same words get the same replacement everywhere."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from belonging_llm.deidentification.forms import by_form
from belonging_llm.deidentification.kinds import Finding, Kind
from belonging_llm.deidentification.known import known_names
from belonging_llm.deidentification.names import by_capitals, by_words_around, small_words
from belonging_llm.deidentification.spelling import Words, folded, may_hold, same
from belonging_llm.deidentification.table import Row, numbers_in, placeholder
from belonging_llm.transcripts import Transcript

SHOWN = 6
AROUND = 40
_BEHIND = frozenset({Kind.NAME, Kind.ORGANISATION})
_ADDED = re.compile(
    r"\b(?:the|university|uni|college|institute|polytechnic|school|academy|of|open|metropolitan|hospital)\b"
)


class Finder(Protocol):
    """Something that finds names in a text by a model."""

    def find(self, text: str) -> Iterable[Finding]:
        """Every stretch that may identify somebody."""
        ...


@dataclass(frozen=True)
class _Hit:
    words: str
    kind: Kind
    how: str
    rank: int


def suggest(
    transcripts: Sequence[Transcript],
    participants: Mapping[str, Mapping[str, str]],
    before: Sequence[Row] = (),
    finder: Finder | None = None,
) -> list[Row]:
    """The review table's rows: those there were, with what people decided, and what was found since.

    Args:
        before: Rows of earlier times; they keep replacement and decision.
        finder: None goes by rules alone.
    """
    texts = list(transcripts)
    found = _best([*_hits(texts, participants, finder)], {row.found for row in before})
    found |= _small_letters(found, texts)
    naming = _Naming(before, texts)
    # Whole names first, so that their parts get the same pseudonym.
    fresh = sorted(found.values(), key=lambda hit: (hit.kind in _BEHIND, hit.rank, -len(hit.words), hit.words))
    rows = [naming.named(row) for row in before]
    rows += [Row(found=h.words, kind=h.kind, replacement=naming(h.kind, h.words), how=h.how) for h in fresh]
    return located(rows, texts)


def named(row: Row, before: Sequence[Row], transcripts: Sequence[Transcript]) -> Row:
    """A row with the pseudonym that its words have among other rows, or the next free one."""
    return _Naming(before, transcripts).named(row)


def located(rows: Sequence[Row], transcripts: Sequence[Transcript]) -> list[Row]:
    """Rows with how often and where their words stand in the texts now."""
    kin = defaultdict(list)
    for row in rows:
        kin[same(row.found)].append(row.found)
    seen = [(transcript, folded(transcript.text)) for transcript in transcripts]
    return [_located(row, Words(row.found, kin[same(row.found)]), seen) for row in rows]


def _located(row: Row, words: Words, seen: Sequence[tuple[Transcript, str]]) -> Row:
    count, where, context = 0, list[str](), ""
    for transcript, fold in seen:
        if not may_hold(fold, row.found):
            continue
        for start, end in words.places(transcript.text):
            count += 1
            where.append(_place(transcript, start))
            around = transcript.text[max(0, start - AROUND) : end + AROUND]
            context = context or re.sub(r"\s+", " ", around).strip()
    shown = list(dict.fromkeys(where))
    more = f"; and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
    return row.model_copy(update={"occurrences": count, "where": "; ".join(shown[:SHOWN]) + more, "context": context})


def _place(transcript: Transcript, at: int) -> str:
    """Document and turn; a speaker's label belongs to the turn that it opens."""
    turn = next((turn for turn in transcript.turns if at < turn.end), None)
    return f"{transcript.name}, turn {turn.ordinal}" if turn else transcript.name


def findings(text: str, small: set[str], finder: Finder | None = None) -> list[tuple[Finding, int]]:
    """Everything that the rules (and a model) find in one text, with the rank of who found it."""
    found = [(finding, 1) for finding in by_form(text)]
    found += [(finding, 2) for finding in by_words_around(text)]
    found += [(finding, 3) for finding in (finder.find(text) if finder else ())]
    return found + [(finding, 4) for finding in by_capitals(text, small)]


def _hits(
    texts: Sequence[Transcript], participants: Mapping[str, Mapping[str, str]], finder: Finder | None
) -> Iterable[_Hit]:
    for words, kind, how in known_names(texts, participants):
        yield _Hit(words, kind, how, 0)
    small = {word for transcript in texts for word in small_words(transcript.text)}
    for transcript in texts:
        standing = [m.span() for m in re.finditer(r"\[[^\[\]\n]{1,60}\]", transcript.text)]
        for finding, rank in findings(transcript.text, small, finder):
            if not any(start < finding.end and finding.start < end for start, end in standing):
                words = re.sub(r"\s+", " ", transcript.text[finding.start : finding.end]).strip()
                yield _Hit(words, finding.kind, finding.how, rank)


def _best(hits: Sequence[_Hit], known: set[str]) -> dict[str, _Hit]:
    """One hit for each spelling that has no row yet: by the surest finder, then the one that comes most often."""
    by_words = defaultdict(list)
    done = {same(words) for words in known}
    for hit in hits:
        if same(hit.words) not in done and any(c.isalnum() for c in hit.words):
            by_words[same(hit.words)].append(hit)
    best = {}
    for key, same_words in by_words.items():
        rank = min(hit.rank for hit in same_words)
        times = Counter(hit for hit in same_words if hit.rank == rank)
        best[key] = min(times, key=lambda hit: (-times[hit], list(Kind).index(hit.kind), hit.words, hit.how))
    return best


def _small_letters(found: Mapping[str, _Hit], texts: Sequence[Transcript]) -> dict[str, _Hit]:
    """Rows of their own for names that the study also writes in small letters: *will* is mostly no name."""
    small = {word for transcript in texts for word in small_words(transcript.text)}
    names = {Kind.PERSON, Kind.NAME, Kind.PLACE, Kind.UNIVERSITY, Kind.ORGANISATION}
    return {
        f"{key} ": _Hit(hit.words.lower(), hit.kind, f"{hit.how}; in small letters, often no name", hit.rank)
        for key, hit in found.items()
        if hit.kind in names and hit.words != hit.words.lower() and hit.words.lower() in small
    }


class _Naming:
    """Gives out pseudonyms: those that words had, then those of the names that they are part of, then new ones."""

    def __init__(self, before: Sequence[Row], texts: Sequence[Transcript]) -> None:
        self._last: dict[str, int] = {}
        for text in (*(transcript.text for transcript in texts), *(row.replacement for row in before)):
            for kind, number in numbers_in(text).items():
                self._last[kind] = max(self._last.get(kind, 0), number)
        self._known: dict[str, set[str]] = defaultdict(set)
        for row in before:
            if row.replacement:
                self._keep(row.kind, row.found, row.replacement)

    def __call__(self, kind: Kind, words: str) -> str:
        """The pseudonym for words."""
        candidates = next((found for key in _keys(kind, words) if (found := self._known.get(key))), set())
        if len(candidates) == 1:
            (chosen,) = candidates
        else:
            self._last[kind] = self._last.get(kind, 0) + 1
            chosen = placeholder(kind, self._last[kind])
        self._keep(kind, words, chosen)
        return chosen

    def named(self, row: Row) -> Row:
        """A row with a pseudonym; one that it has stays."""
        return row if row.replacement else row.model_copy(update={"replacement": self(row.kind, row.found)})

    def _keep(self, kind: Kind, words: str, replacement: str) -> None:
        for key in _keys(kind, words):
            self._known[key].add(replacement)
        if kind is Kind.PERSON and len(parts := same(words).split()) > 1:
            for part in parts:
                self._known[part].add(replacement)


def _keys(kind: Kind, words: str) -> list[str]:
    """What words are known by; universities also without what is added to their name."""
    keys = [same(words)]
    core = " ".join(_ADDED.sub(" ", same(words)).split())
    if kind in {Kind.UNIVERSITY, Kind.NAME, Kind.PLACE} and len(core) > 3 and core != keys[0]:
        keys.append(core)
    return keys


def counted(rows: Sequence[Row]) -> dict[str, int]:
    """Rows by kind, in the kinds' order."""
    times = Counter(row.kind.value for row in rows)
    return {kind.value: times[kind.value] for kind in Kind if times[kind.value]}
