"""Decide about one suggestion at a time, in the same table that a spreadsheet opens; several people may at once."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

from belonging_llm.deidentification import table
from belonging_llm.deidentification.kinds import Kind
from belonging_llm.deidentification.spelling import Words, folded, may_hold, plain, same
from belonging_llm.deidentification.suggest import located, named
from belonging_llm.deidentification.table import Row
from belonging_llm.errors import Incomplete, InputError, StaleError
from belonging_llm.provenance import now, text_digest
from belonging_llm.study import Study
from belonging_llm.transcripts import Transcript

LOCK = ".deidentification.lock"
_PATIENCE = 20
AROUND = 160
_LETTERS = re.compile(r"[A-Za-z0-9]+")
_FEW = 2


@dataclass(frozen=True)
class Progress:
    """How far people are with the table; `by` counts decisions by who made them ("" where nobody is named)."""

    rows: int
    undecided: int
    replaced: int
    kept: int
    by: dict[str, int]


@dataclass(frozen=True)
class Occurrence:
    """One place where a suggestion's words stand, with what stands around them."""

    transcript: str
    name: str
    turn: int | None
    speaker: str
    before: str
    words: str
    after: str


def suggestions(study: Study) -> list[Row]:
    """The table as it is now, in its order; empty before `review` was run.

    Raises:
        TableError: it cannot be read.
    """
    return table.ordered(table.read(study.folder / table.FILE))


def progress(rows: Sequence[Row]) -> Progress:
    """How far people are."""
    decided = [row for row in rows if row.decision.strip()]
    return Progress(
        rows=len(rows),
        undecided=len(rows) - len(decided),
        replaced=sum(row.decided is not None for row in decided),
        kept=sum(row.decided is None for row in decided),
        by=dict(sorted(Counter(row.by for row in decided).items())),
    )


def state(row: Row) -> str:
    """What names a row as somebody saw it; another decision since makes it another."""
    return text_digest("\n".join((plain(row.found), row.decision, row.replacement, row.by, row.at)))[:16]


def decide(study: Study, mark: str, decision: str, *, by: str, seen: str) -> Row:
    """Keep a decision about a suggestion, with who decided and when.

    Args:
        mark: The row's, as its column `row` has it.
        decision: `yes`, `no`, other words to stand there, or "" for undecided again.
        seen: The row's `state` when it was looked at.

    Raises:
        StaleError: somebody decided otherwise meanwhile, or the row is gone; nothing was changed.
        InputError: the decision is no replacement.
    """
    said = decision.strip()
    if said and table.bracketed(said) == "[]":
        raise InputError("write the words that are to stand there instead")
    with locked(study):
        rows = suggestions(study)
        place = next((i for i, row in enumerate(rows) if table.mark(row.found) == mark), None)
        if place is None:
            raise StaleError("this suggestion is not in the table any more: it was replaced, or its row was removed")
        row = rows[place]
        if state(row) != seen and row.decision.strip() != said:
            what = f"“{row.decision}”" if row.decision.strip() else "to leave it open"
            raise StaleError(f"{row.by or 'somebody'} decided {what} meanwhile; look again before you decide")
        plainly = said.casefold() if said.casefold() in {"yes", "no"} else said
        rows[place] = row.model_copy(
            update={"decision": plainly, "by": by if said else "", "at": now() if said else ""}
        )
        table.write(study.folder / table.FILE, rows)
    return rows[place]


def add(study: Study, words: str, kind: Kind, *, by: str) -> Row:
    """Add words that nothing found, decided to be replaced everywhere.

    Raises:
        InputError: empty, in the table already, or nowhere in the texts.
    """
    found = plain(words)
    if not any(c.isalnum() for c in found):
        raise InputError("write the words that identify somebody")
    with locked(study):
        rows = suggestions(study)
        if any(plain(row.found) == found for row in rows):
            raise InputError("these words are in the table already")
        texts = texts_of(study)
        fresh = Row(found=found, kind=kind, replacement="", decision="yes", how="added by hand", by=by, at=now())
        (row,) = located([named(fresh, rows, texts)], texts)
        if not row.occurrences:
            raise InputError("these words stand in no transcript, spelled like this")
        table.write(study.folder / table.FILE, [*rows, row])
    return row


def occurrences(study: Study, row: Row, rows: Sequence[Row], most: int = 50) -> list[Occurrence]:
    """Where a suggestion's words stand, transcript after transcript, with their context; at most so many."""
    kin = defaultdict(list)
    for other in rows:
        kin[same(other.found)].append(other.found)
    words = Words(row.found, kin[same(row.found)])
    letters = max(_LETTERS.findall(row.found), key=len, default="")
    if len(letters) > _FEW:
        likely = map(study.store.corpus.transcript, study.store.words.transcripts(letters))
        found = list(islice(_places(row, words, likely), most))
        if len(found) >= min(most, row.occurrences):
            return found
    # Divided by a hyphen, or in letters that databases do not fold: then every text has to be read.
    return list(islice(_places(row, words, texts_of(study)), most))


def _places(row: Row, words: Words, transcripts: Iterable[Transcript]) -> Iterator[Occurrence]:
    for transcript in transcripts:
        if may_hold(folded(transcript.text), row.found):
            for start, end in words.places(transcript.text):
                yield _occurrence(transcript, start, end)


def texts_of(study: Study) -> list[Transcript]:
    """Every transcript, by name."""
    corpus = study.store.corpus
    return sorted((corpus.transcript(i) for i in corpus.transcript_ids()), key=lambda t: (t.name, t.id))


@contextmanager
def locked(study: Study) -> Iterator[None]:
    """The table in one hand at a time: it is written as a whole.

    Raises:
        Incomplete: another program has had it for long.
    """
    from filelock import FileLock, Timeout

    try:
        with FileLock(study.folder / LOCK, timeout=_PATIENCE):
            yield
    except Timeout:
        raise Incomplete(f"{study.folder / table.FILE}: another program is writing it; try again") from None


def _occurrence(transcript: Transcript, start: int, end: int) -> Occurrence:
    turn = next((turn for turn in transcript.turns if start < turn.end), None)
    text, first, last = transcript.text, max(0, start - AROUND), min(len(transcript.text), end + AROUND)
    # Whole words: back to where one begins, and on to where one ends.
    while first and not text[first - 1].isspace() and start - first < 2 * AROUND:
        first -= 1
    while last < len(text) and not text[last].isspace() and last - end < 2 * AROUND:
        last += 1
    return Occurrence(
        transcript=transcript.id,
        name=transcript.name,
        turn=turn.ordinal if turn else None,
        speaker=turn.speaker if turn else "",
        before=("… " if first else "") + re.sub(r"\s+", " ", text[first:start]).lstrip(),
        words=text[start:end],
        after=re.sub(r"\s+", " ", text[end:last]).rstrip() + (" …" if last < len(text) else ""),
    )
