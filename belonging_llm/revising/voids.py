"""What a change of the codebook voids: said before it is saved, with how many codings by whom."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from belonging_llm.codebook import Code, Difference, Framework
from belonging_llm.store import Run, Unsealing, Use
from belonging_llm.study import Study


@dataclass(frozen=True)
class Voids:
    """What no longer holds once a change is saved; none of it is deleted.

    Attributes:
        verdicts: Openings of the sealed test split whose verdicts hold until now.
        run: The last finished analysis, if it coded with the codebook in use; `outcomes` is how many it gave.
        retired: People's codings of codes that go: kept, under a code that is used no more.
        meaning: People's codings of codes that will mean something else.
        unasked: Segments that each person judged before `fresh` codes were there: their silence is no answer.
        drafts: Drafts with codes that go or will mean something else, by reviewer.
        back: People's codings of retired codes that come back: they count again.
    """

    verdicts: tuple[Unsealing, ...] = ()
    run: Run | None = None
    outcomes: int = 0
    retired: tuple[Use, ...] = ()
    meaning: tuple[Use, ...] = ()
    fresh: tuple[Code, ...] = ()
    unasked: tuple[tuple[str, int], ...] = ()
    drafts: tuple[tuple[str, int], ...] = ()
    back: tuple[Use, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything is voided."""
        return any((self.verdicts, self.outcomes, self.retired, self.meaning, self.unasked, self.drafts, self.back))

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
            yield f"{code}: {_whose(uses)} are kept under the retired code and count no more."
        for code, uses in _by_code(self.meaning):
            yield f"{code}: {_whose(uses)} were made when it meant something else. They are kept, and still count."
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
            yield f"{code}: {_whose(uses)} count again."


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
    return Voids(
        verdicts=tuple(u for u in store.audits.unsealings() if u.pinned.get("codebook") == before.digest),
        run=current,
        outcomes=use.by_run(current.id) if current else 0,
        retired=tuple(use.by_people([code.id for code in difference.removed])),
        meaning=tuple(use.by_people(changed)),
        fresh=fresh,
        unasked=tuple(use.judged().items()) if fresh else (),
        drafts=tuple(use.drafts([*changed, *(code.id for code in difference.removed)]).items()),
        back=tuple(use.by_people([code.id for code in difference.added])),
    )


def _fresh(before: Framework, after: Framework) -> tuple[Code, ...]:
    """Codes that segments can receive now and could not before."""
    known = {code.id for code in before.assignable}
    return tuple(code for code in after.assignable if code.id not in known)


def _by_code(uses: Sequence[Use]) -> Iterator[tuple[str, list[Use]]]:
    for code, some in groupby(uses, key=lambda use: use.code):
        yield code, list(some)


def _whose(uses: Sequence[Use]) -> str:
    """How many codings by whom."""
    total = sum(use.codings for use in uses)
    people = ", ".join(f"{use.coder} {use.codings}" for use in uses)
    return f"{total} {'coding' if total == 1 else 'codings'} ({people})"
