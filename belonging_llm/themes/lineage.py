"""What became of themes from one run to the next, with figures and reasons."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Fate(StrEnum):
    """What became of a theme; `kept` and `unmet` tell what people's edits had to do with it."""

    CONTINUED = "continued"
    RENAMED = "renamed"
    REMAPPED = "remapped"
    SPLIT = "split"
    MERGED = "merged"
    BORN = "born"
    RETIRED = "retired"
    KEPT = "kept"
    UNMET = "unmet"


class Overlap(BaseModel):
    """Two groups of segments compared, over the segments that both runs knew.

    Attributes:
        before: Segments of the earlier theme that the later run still has.
        after: Segments of the later one that the earlier run had.
        shared: Segments in both.
        likeness: Cosine of the two centres; None where they were made by different encoders, or are not kept.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    before: int
    after: int
    shared: int
    likeness: float | None = None

    @property
    def jaccard(self) -> float:
        """Shared over all; 0 where nothing can be compared."""
        return self.shared / union if (union := self.before + self.after - self.shared) else 0.0


class Step(BaseModel):
    """One line of a run's lineage.

    Attributes:
        before: Themes of the earlier run; empty for one that is born.
        after: Themes of the later run; empty for one that retired.
        overlap: Of the first of `before` and the first of `after`, where there are both.
        was, now: Names, where a name changed.
        edit: The edit that it speaks of; None where people had no part in it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    fate: Fate
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    overlap: Overlap | None = None
    reason: str
    was: str = ""
    now: str = ""
    edit: int | None = None
