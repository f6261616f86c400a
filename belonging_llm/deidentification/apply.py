"""Do what people decided. Each step can be done again, so that an interrupted command is simply run again.

1. The key gets the words, before anything loses them.
2. The database gets the replacements, in one transaction.
3. The database's files are rewritten, so that the words are not in them any more.
4. Raw files move to the key.
5. Tables in the study's folder are written anew, without what was replaced.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from belonging_llm import speaker_table
from belonging_llm.deidentification import originals, table
from belonging_llm.deidentification.deciding import locked, texts_of
from belonging_llm.deidentification.key import Entry, Key
from belonging_llm.deidentification.remaining import Place, remaining
from belonging_llm.deidentification.replacing import Replacer
from belonging_llm.deidentification.shifting import Shift, cuts, moved, shifted
from belonging_llm.deidentification.spelling import same
from belonging_llm.deidentification.suggest import Finder, located, suggest
from belonging_llm.deidentification.table import Row
from belonging_llm.errors import InputError
from belonging_llm.segments import Segment
from belonging_llm.store import Reworded
from belonging_llm.study import Study
from belonging_llm.transcripts import Transcript


class Originals(StrEnum):
    """What becomes of the raw files in the study's transcripts folder."""

    SEAL = "seal"
    LEAVE = "leave"


@dataclass(frozen=True)
class Applied:
    """What was done.

    Attributes:
        replaced: Stretches replaced, by transcript.
        segments: Segments whose words are others now.
        undecided: Rows that wait for a decision.
        sealed: Raw files that were moved to the key.
        forgotten: Rows of the model's questions and replies that were removed.
        scrubbed: Whether the database's files were rewritten; False for other databases than SQLite.
        remaining: Where the words still stand.
    """

    replaced: dict[str, int]
    segments: int
    undecided: int
    sealed: int
    forgotten: int
    scrubbed: bool
    remaining: tuple[Place, ...]


def review(study: Study, key: Key | None = None, finder: Finder | None = None) -> list[Row]:
    """Write the review table, or bring it up to date; decisions stay.

    Args:
        key: Words met before get the pseudonym and the decision that they had.

    Raises:
        TableError: the table that is there cannot be read.
    """
    path, texts = study.folder / table.FILE, texts_of(study)
    with locked(study):
        before = table.read(path)
        before += _met(key, before, texts) if key else []
        rows = suggest(texts, study.store.corpus.participants(), before, finder)
        table.write(path, rows)
    return rows


def apply(study: Study, key: Key, *, raw: Originals = Originals.SEAL, forget: bool = False) -> Applied:
    """Replace what people decided to replace, and clear up after it.

    Raises:
        InputError: there is no table yet, or a step cannot be done; what was done before it stays done.
    """
    path = study.folder / table.FILE
    if not path.exists():
        raise InputError(f"{path}: is not there; `belonging deidentify` without --apply writes it, for you to decide")
    with locked(study):
        return _applied(study, key, path, raw, forget=forget)


def _applied(study: Study, key: Key, path: Path, raw: Originals, *, forget: bool) -> Applied:
    speaker_table.take_up(study)
    rows = table.read(path)
    decided = _decided(rows, key)
    kinds = {row.found: row.kind for row in rows}
    key.add([Entry(written=words, kind=kinds[words], replacement=to) for words, to in sorted(decided.items())])
    replacer = Replacer(decided, _standing(rows, key))
    texts, replaced = _reworded(study, replacer)
    study.store.rewording.apply(texts, replacer)
    every = Replacer({entry.written: entry.replacement for entry in key.entries}, _standing(rows, key))
    forgotten = study.store.rewording.forget(lambda text: every.count(text) > 0) if forget else 0
    scrubbed = study.store.rewording.scrub()
    sealed = originals.seal(study, key) if raw is Originals.SEAL and key.entries else 0
    speaker_table.write(study)
    left = located([row for row in rows if row.decided is None], texts_of(study))
    table.write(path, left)
    return Applied(
        replaced=replaced,
        segments=sum(len(text.segments) for text in texts if replaced.get(text.now.name)),
        undecided=sum(not row.decision.strip() for row in left),
        sealed=sealed,
        forgotten=forgotten,
        scrubbed=scrubbed,
        remaining=tuple(remaining(study, every.count)),
    )


def _met(key: Key, before: Sequence[Row], texts: Sequence[Transcript]) -> list[Row]:
    """Rows for words of the key that stand in texts again."""
    seen = {row.found for row in before}
    rows = [
        Row(found=entry.written, kind=entry.kind, replacement=entry.replacement, decision="yes", how="key")
        for entry in key.entries
        if entry.written not in seen
    ]
    return [row for row in located(rows, texts) if row.occurrences]


def _decided(rows: Sequence[Row], key: Key) -> dict[str, str]:
    """What replaces which words; a plain yes takes the pseudonym that the words have had before."""
    known = key.known()
    found = {}
    for row in rows:
        if row.decided is not None:
            yes = row.decision.strip().casefold() == "yes"
            found[row.found] = known.get(same(row.found), row.decided) if yes else row.decided
    empty = [row for row in rows if row.found in found and found[row.found] in {"", "[]"}]
    if empty:
        raise InputError(
            f"{table.FILE}: {len(empty)} rows say yes and have no replacement; run the command without --apply first"
        )
    return found


def _standing(rows: Sequence[Row], key: Key) -> list[str]:
    return [*(row.replacement for row in rows), *(entry.replacement for entry in key.entries)]


def _reworded(study: Study, replacer: Replacer) -> tuple[list[Reworded], dict[str, int]]:
    """Transcripts that change, and how many stretches in each."""
    inside: dict[str, list[Segment]] = defaultdict(list)
    for segment in study.store.corpus.every_segment():
        inside[segment.transcript_id].append(segment)
    texts, replaced = list[Reworded](), dict[str, int]()
    for was in texts_of(study):
        edits = replacer.edits(was.text, cuts(was, inside[was.id]))
        shift = Shift(edits)
        now = shifted(was, shift, replacer) if edits else _renamed(was, replacer)
        kept = tuple(moved(segment, now, shift, replacer) for segment in inside[was.id])
        if now != was or list(kept) != inside[was.id]:
            texts.append(Reworded(was.id, now, kept, shift.span, shift.within))
        if edits:
            replaced[now.name] = replaced.get(now.name, 0) + len(edits)
    return texts, replaced


def _renamed(was: Transcript, words: Callable[[str], str]) -> Transcript:
    """A transcript of which only what is kept beside the text changes."""
    now = shifted(was, Shift([]), words)
    return now.model_copy(update={"source": was.source})
