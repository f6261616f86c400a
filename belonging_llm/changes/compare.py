"""Two runs side by side."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from belonging_llm.changes.causes import Cause, causes
from belonging_llm.changes.lineage import ThemeChange, lineage, reasoned
from belonging_llm.changes.outcomes import OutcomeChange, Pair, differing
from belonging_llm.store import Gist, Run
from belonging_llm.study import Study
from belonging_llm.themes import Theme


@dataclass(frozen=True)
class State:
    """What a study looked like as of one run.

    Attributes:
        said: The run's word on every segment and code.
        outliers: Segments that stand in no theme of it.
        inputs: What shaped it, in full.
    """

    run: Run
    said: Mapping[Pair, Gist]
    themes: Sequence[Theme]
    outliers: Collection[str] = ()
    inputs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def segments(self) -> frozenset[str]:
        """Segments that it has outcomes for."""
        return frozenset(segment for segment, _ in self.said)


@dataclass(frozen=True)
class Changes:
    """What differs between a run and the one before it.

    Attributes:
        before: None for a study's first run: then everything is new, and no outcome differs.
        new: Segments that the earlier run did not have, sorted; likewise `gone`.
        judged: Pairs of segment and code that both runs judged; `outcomes` are those of them that differ.
        appeared: Codes that only the later run judges by; likewise `dropped`.
    """

    before: Run | None
    after: Run
    causes: tuple[Cause, ...]
    new: tuple[str, ...]
    gone: tuple[str, ...]
    judged: int
    outcomes: tuple[OutcomeChange, ...]
    themes: tuple[ThemeChange, ...]
    appeared: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()

    @property
    def nothing(self) -> bool:
        """Whether the two found the same."""
        moved = any(t.became != "continued" or t.remapped for t in self.themes)
        return not (self.new or self.gone or self.outcomes or moved)


def state(study: Study, run: Run) -> State:
    """The study as of a run."""
    found = study.store.findings.themes(run.id)
    inputs = study.store.runs.inputs(run)
    return State(run, study.store.outcomes.said(run.id), found, tuple(run.counts.get("outliers", ())), inputs)


def compare(before: State | None, after: State, themes: Sequence[ThemeChange] | None = None) -> Changes:
    """What differs.

    Args:
        before: None for the first run.
        themes: What became of the themes where that is on record; else it is found from ids and members.
    """
    old, new = (before.segments if before else frozenset()), after.segments
    old_codes = {code for _, code in before.said} if before else set()
    new_codes = {code for _, code in after.said}
    return Changes(
        before=before.run if before else None,
        after=after.run,
        causes=causes(before.inputs, after.inputs) if before else (),
        new=tuple(sorted(new - old)),
        gone=tuple(sorted(old - new)),
        judged=len(before.said.keys() & after.said.keys()) if before else 0,
        outcomes=differing(before.said, after.said) if before else (),
        themes=tuple(themes) if themes is not None else lineage(before.themes if before else (), after.themes),
        appeared=tuple(sorted(new_codes - old_codes)) if before else (),
        dropped=tuple(sorted(old_codes - new_codes)) if before else (),
    )


def changes(study: Study, run: Run, before: Run | None = None) -> Changes:
    """What a run changed.

    Args:
        before: The run to hold it against; the one that finished just before it when None.
    """
    against = before or _previous(study, run)
    found = compare(state(study, against) if against else None, state(study, run))
    if before is not None:
        return found
    # What a run recorded of its themes is about the run before it.
    return replace(found, themes=reasoned(found.themes, study.store.themes.steps(run.id)))


def _previous(study: Study, run: Run) -> Run | None:
    earlier = None
    for one in study.store.runs.finished():
        if one.id == run.id:
            break
        earlier = one
    return earlier
