"""What a change of the codebook voids: said before it is saved, with how many codings by whom."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from belonging_llm.codebook import Code, Difference, Framework
from belonging_llm.revising.merging import Merging, mergings, whose
from belonging_llm.store import Run, Unsealing, Use
from belonging_llm.study import Study


@dataclass(frozen=True)
class Voids:
    """What no longer holds once a change is saved; none of it is deleted.

    Attributes:
        verdicts: Openings of the sealed test split whose verdicts hold until now.
        run: The last finished analysis, if it coded with the codebook in use; `outcomes` is how many it gave.
        retired: People's codings of codes that go: kept, under a code that is used no more.
        merged: Codes that are merged into others.
        meaning: People's codings of codes that will mean something else.
        unasked: Segments that each person judged before `fresh` codes were there: their silence is no answer.
        drafts: Drafts with codes that go or will mean something else, by reviewer.
        back: People's codings of codes that come back, retired or merged: they count again, or as theirs again.
        parted: For codes that come back after they were merged into another, that other.
    """

    verdicts: tuple[Unsealing, ...] = ()
    run: Run | None = None
    outcomes: int = 0
    retired: tuple[Use, ...] = ()
    merged: tuple[Merging, ...] = ()
    meaning: tuple[Use, ...] = ()
    fresh: tuple[Code, ...] = ()
    unasked: tuple[tuple[str, int], ...] = ()
    drafts: tuple[tuple[str, int], ...] = ()
    back: tuple[Use, ...] = ()
    parted: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether anything is voided."""
        people = (self.retired, self.merged, self.meaning, self.unasked, self.drafts, self.back)
        return any((self.verdicts, self.outcomes, *people))

    @property
    def lines(self) -> tuple[str, ...]:
        """The same in words, what weighs most first."""
        return tuple(self._lines())

    def _lines(self) -> Iterator[str]:
        for one in self.verdicts:
            when = f"opened on {one.at[:10]} by {one.who} for {one.candidate}"
            yield f"The verdicts from the test split, {when}, are void."
        if self.run:
            when = (self.run.finished_at or self.run.started_at)[:16].replace("T", " ")
            yield (
                f"{self.outcomes} outcomes of the analysis of {when} are of an older codebook; "
                "the next analysis codes every segment again."
            )
        for code, uses in _by_code(self.retired):
            yield f"{code}: {whose(uses)} are kept under the retired code and count no more."
        for merging in self.merged:
            yield from merging.lines
        for code, uses in _by_code(self.meaning):
            yield f"{code}: {whose(uses)} were made when it meant something else. They are kept, and still count."
        if self.unasked:
            names = ", ".join(code.name for code in self.fresh)
            judged = ", ".join(f"{coder} {n}" for coder, n in self.unasked)
            yield (
                f"Nobody was asked about {names} so far. Segments judged without it ({judged}) say nothing of it; "
                "have them judged again before you rely on figures for it."
            )
        if self.drafts:
            people = ", ".join(f"{who} {n}" for who, n in self.drafts)
            yield f"Drafts that are not submitted yet have these codes: {people}. Their coders should look again."
        for code, uses in _by_code(self.back):
            into = self.parted.get(code)
            yield f"{code}: {whose(uses)} count {f'as {code} again, and no more as {into}' if into else 'again'}."


def voided(
    study: Study, before: Framework, after: Framework, difference: Difference, same_meaning: Collection[str] = ()
) -> Voids:
    """What a change voids.

    Args:
        same_meaning: Codes of which the author says that other words mean the same.
    """
    if not difference:
        return Voids()
    store, use = study.store, study.store.codebook_use
    run = store.runs.latest()
    current = run if run and run.settings.get("codebook", {}).get("digest") == before.digest else None
    changed = [c.code.id for c in difference.changed if c.means_otherwise and c.code.id not in same_meaning]
    fresh = _fresh(before, after)
    # Codes that go without being merged, and those that were merged and are so no more, with no code of their own.
    gone = {code.id for code in difference.removed} | before.absorbed.keys()
    gone -= after.absorbed.keys() | {code.id for code in after.codes}
    return Voids(
        verdicts=tuple(u for u in store.audits.unsealings() if u.pinned.get("codebook") == before.digest),
        run=current,
        outcomes=use.by_run(current.id) if current else 0,
        retired=tuple(use.by_people(gone)),
        merged=mergings(study, before, after),
        meaning=tuple(use.by_people(changed)),
        fresh=fresh,
        unasked=tuple(use.judged().items()) if fresh else (),
        drafts=tuple(use.drafts([*changed, *(code.id for code in difference.removed)]).items()),
        back=tuple(use.by_people([code.id for code in difference.added])),
        parted={code.id: before.absorbed[code.id] for code in difference.added if code.id in before.absorbed},
    )


def _fresh(before: Framework, after: Framework) -> tuple[Code, ...]:
    """Codes that segments can receive now and could not before."""
    known = {code.id for code in before.assignable}
    return tuple(code for code in after.assignable if code.id not in known)


def _by_code(uses: Sequence[Use]) -> Iterator[tuple[str, list[Use]]]:
    for code, some in groupby(uses, key=lambda use: use.code):
        yield code, list(some)
