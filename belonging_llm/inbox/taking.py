"""Take files in, one by one: copied, known by their bytes, imported, and noted before and after."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from belonging_llm import importing, speaker_table
from belonging_llm.errors import InputError
from belonging_llm.importing import Imported, Kind
from belonging_llm.inbox.folder import Inbox, Lying
from belonging_llm.inbox.looking import UNREADABLE, still
from belonging_llm.provenance import file_digest, now
from belonging_llm.store.arrivals import Arrival, Outcome
from belonging_llm.study import Study

INCOMING = ".incoming"
# What nobody should change by dropping a file.
BY_HAND = {
    Kind.CODEBOOK: "brings a codebook, by which everything would be coded anew",
    Kind.REFI: "is another program's project",
    Kind.SPEAKERS: "is a table of speakers",
}
# What a reader may raise on a file that nobody thought of.
_UNFORESEEN = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)


@dataclass
class Taken:
    """What became of the files that were ready.

    Attributes:
        arrivals: Files with their outcome.
        left: Files that changed while they were read.
        kept_out: How many files stay out since somebody withdrew, or since they are in, de-identified. They are not
            named anywhere: their names may be people's.
    """

    arrivals: list[Arrival] = field(default_factory=list)
    left: list[tuple[str, str]] = field(default_factory=list)
    kept_out: int = 0


def take_in(study: Study, inbox: Inbox, ready: Sequence[Lying], run_id: str | None) -> Taken:
    """Bring in every file that is ready; one that cannot be is refused with its reason, and the others go on.

    Args:
        run_id: The batch on whose behalf; None where it has no id yet.
    """
    taken = Taken()
    incoming = study.folder / INCOMING
    shutil.rmtree(incoming, ignore_errors=True)
    try:
        for one, copy in _copied(study, inbox, ready, incoming, taken):
            _take(study, one, copy, run_id, taken)
    finally:
        shutil.rmtree(incoming, ignore_errors=True)
    return taken


def _copied(
    study: Study, inbox: Inbox, ready: Sequence[Lying], incoming: Path, taken: Taken
) -> list[tuple[Lying, Path]]:
    """Copies of the files, in the order in which they have to be read: what refers to others comes after them."""
    copies: dict[Path, Lying] = {}
    for number, one in enumerate(ready):
        target = incoming / str(number) / PurePosixPath(one.name).name
        target.parent.mkdir(parents=True)
        try:
            inbox.fetch(one.name, target)
        except OSError:
            taken.left.append((one.name, UNREADABLE))
            continue
        if inbox.again(one.name) != one:
            taken.left.append((one.name, still(study.settings.settle)))
            continue
        copies[target] = one
    return [(copies[path], path) for path in importing.files_of(list(copies))]


def _take(study: Study, one: Lying, copy: Path, run_id: str | None, taken: Taken) -> None:
    digest, arrivals = file_digest(copy), study.store.arrivals
    if study.store.withdrawals.is_buried(digest) or study.store.corpus.deidentified_from(digest):
        arrivals.forget(one.name)
        taken.kept_out += 1
        return
    before = next((a for a in arrivals.of_names([one.name]).get(one.name, []) if a.digest == digest), None)
    found = Arrival(
        name=one.name,
        digest=digest,
        size=one.size,
        modified=one.modified,
        at=now(),
        run_id=run_id,
        outcome=Outcome.BEGUN,
    )
    if before is not None and before.outcome is not Outcome.BEGUN:
        # Touched, or copied anew: the same bytes as before, so the same outcome.
        arrivals.note(before.model_copy(update={"size": one.size, "modified": one.modified}))
        return
    arrivals.note(found)
    imported = _imported(study, copy)
    if imported.withdrawn:
        # Words of theirs, in another file than the one that is known.
        arrivals.drop(found)
        taken.kept_out += 1
        return
    done = _judged(study, found, imported, one.name, copy, resumed=before is not None)
    arrivals.note(done)
    taken.arrivals.append(done)


def _imported(study: Study, copy: Path) -> Imported:
    try:
        kind = importing.detect(copy)
    except InputError as error:
        return Imported(copy, None, problem=str(error))
    if kind in BY_HAND:
        return Imported(copy, kind, problem=f"{BY_HAND[kind]}: bring it in with `belonging import`")
    try:
        found = importing.import_file(study, copy, kind, options=None)
    except _UNFORESEEN as error:
        # No message: it may hold words of the file.
        return Imported(copy, kind, problem=f"its reader failed on it ({type(error).__name__}); please report that")
    if found.speakers:
        speaker_table.add(study, found.speakers)
    return found


def _judged(study: Study, found: Arrival, imported: Imported, name: str, copy: Path, *, resumed: bool) -> Arrival:
    # An import that died before it was noted finds its own work.
    own = resumed and not imported.problem
    nothing = Outcome.REFUSED if imported.problem else Outcome.KNOWN
    outcome = Outcome.IMPORTED if imported.added or own else nothing
    reason = imported.problem or ("" if outcome is Outcome.IMPORTED else imported.note)
    return found.model_copy(
        update={
            "outcome": outcome,
            "reason": reason.replace(str(copy), name).removeprefix(f"{name}: "),
            "kind": str(imported.kind or ""),
            "added": imported.added,
        }
    )
