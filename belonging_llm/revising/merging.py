"""What merging a code into another does to people's codings: said before it is saved, conflicts by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from belonging_llm.codebook import Framework
from belonging_llm.codes import Coding, Outcome, Polarity, merged
from belonging_llm.store import Use
from belonging_llm.study import Study

# More are counted and not named.
NAMED = 10


@dataclass(frozen=True)
class Conflict:
    """Somebody gave both codes to one segment, with polarities of which only one can stand."""

    segment_id: str
    coder: str
    polarities: tuple[Polarity, ...]


@dataclass(frozen=True)
class Merging:
    """A code that is merged into another.

    Attributes:
        uses: People's codings of it.
        widened: Segments that somebody gave this code and not the other: these are a yes of the other.
        unasked: Segments that each person judged by a codebook without one of the two: silence is no answer any more.
        themes: Ids of themes that are mapped onto the code, and are mapped onto nothing in its place.
    """

    code: str
    into: str
    uses: tuple[Use, ...]
    widened: int
    conflicts: tuple[Conflict, ...]
    unasked: tuple[tuple[str, int], ...]
    themes: tuple[str, ...] = ()

    @property
    def lines(self) -> Iterator[str]:
        """The same in words."""
        code, into = self.code, self.into
        if self.uses:
            yield (
                f"{code}: {whose(self.uses)} count as {into} from now on. They stay as they were made: an earlier "
                f"version, restored, has them as {code} again."
            )
        else:
            yield f"{code}: nobody coded with it; it is {into} from now on."
        if self.widened:
            yield f"Of {_segments(self.widened)} somebody said yes to {code} and not to {into}: a yes to {into} now."
        if self.conflicts:
            named = "; ".join(map(_named, self.conflicts[:NAMED]))
            more = f"; and {len(self.conflicts) - NAMED} more" if len(self.conflicts) > NAMED else ""
            yield (
                f"Of {_segments(len(self.conflicts))} somebody gave {code} and {into} different polarities; as {into} "
                f"the polarity is left open: {named}{more}."
            )
        if self.unasked:
            judged = ", ".join(f"{coder} {n}" for coder, n in self.unasked)
            yield (
                f"Segments judged when {code} or {into} was not in the codebook ({judged}) say nothing of {into}, "
                "where nobody gave either."
            )
        if self.themes:
            yield f"Themes that are mapped onto {code} ({', '.join(self.themes)}) have to be mapped anew."


def mergings(study: Study, before: Framework, after: Framework) -> tuple[Merging, ...]:
    """Codes that are merged into others in a codebook, and were not in the one before it."""
    pairs = [(code, into) for code, into in after.absorbed.items() if before.absorbed.get(code) != into]
    # As they count until now: what was merged into one of them before is part of it.
    given = merged(study.store.findings.as_made(), before.absorbed) if pairs else []
    return tuple(_one(study, code, into, given) for code, into in pairs)


def whose(uses: Sequence[Use]) -> str:
    """How many codings by whom."""
    total = sum(use.codings for use in uses)
    people = ", ".join(f"{use.coder} {use.codings}" for use in uses)
    return f"{total} {'coding' if total == 1 else 'codings'} ({people})"


def _one(study: Study, code: str, into: str, given: Sequence[Coding]) -> Merging:
    said = {(c.segment_id, c.coder, c.code): c for c in given if c.code in (code, into) and _is_yes(c)}
    yes = [c for c in said.values() if c.code == code]
    other = {(c.segment_id, c.coder): said.get((c.segment_id, c.coder, into)) for c in yes}
    conflicts = [
        Conflict(c.segment_id, c.coder, (c.polarity, twin.polarity))
        for c in yes
        if (twin := other[c.segment_id, c.coder]) and c.polarity and twin.polarity and c.polarity is not twin.polarity
    ]
    return Merging(
        code=code,
        into=into,
        uses=tuple(study.store.codebook_use.by_people([code])),
        widened=len({segment for (segment, _), twin in other.items() if twin is None}),
        conflicts=tuple(sorted(conflicts, key=lambda one: (one.segment_id, one.coder))),
        unasked=tuple(_unasked(study, code, into)),
        themes=tuple(_mapped(study, code)),
    )


def _unasked(study: Study, code: str, into: str) -> Iterator[tuple[str, int]]:
    """By coder, segments that were judged by a codebook with one of the two and without the other."""
    books = {v.digest: study.store.codebooks.get(v.digest) for v in study.store.codebooks.versions()}
    found: dict[str, int] = {}
    for (coder, digest), n in study.store.codebook_use.judged_by().items():
        there = {one.id for one in books[digest].assignable} if digest in books else {code, into}
        if len({code, into} & there) == 1:
            found[coder] = found.get(coder, 0) + n
    yield from found.items()


def _mapped(study: Study, code: str) -> Iterator[str]:
    """Themes of the last run that are mapped onto a code."""
    run_id = study.store.themes.last()
    for theme in study.store.themes.seen(run_id).themes if run_id else ():
        if any(one.code == code for one in theme.mapping.codes):
            yield theme.id


def _is_yes(coding: Coding) -> bool:
    return coding.outcome is Outcome.ASSIGNED


def _named(one: Conflict) -> str:
    return f"segment {one.segment_id} ({one.coder}: {' and '.join(one.polarities)})"


def _segments(n: int) -> str:
    return f"{n} {'segment' if n == 1 else 'segments'}"
