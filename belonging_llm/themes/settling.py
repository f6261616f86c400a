"""What a new clustering makes of the themes there were: which go on, part, join, begin and end; what people hold."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from belonging_llm.themes.edits import Edit, Merge, held, standing
from belonging_llm.themes.lineage import Fate, Overlap, Step
from belonging_llm.themes.matching import MOST, Group, Match, match
from belonging_llm.themes.theme import Theme, theme_id


@dataclass(frozen=True)
class Settled:
    """The themes of a run, before they are named.

    Attributes:
        groups: Each theme's id and the positions of the clusters that make it up; at least one.
        carried: Themes that no cluster answers to and that people hold: they keep the segments that they had.
        steps: What became of every earlier theme, and where every new one comes from.
    """

    groups: tuple[tuple[str, tuple[int, ...]], ...]
    carried: tuple[Theme, ...] = ()
    steps: tuple[Step, ...] = ()


def settle(
    old: Sequence[Theme],
    centres: dict[str, Group],
    new: Sequence[Group],
    *,
    edits: Sequence[Edit],
    known: Collection[str],
    kept: Collection[str],
    taken: Collection[str],
) -> Settled:
    """Give every cluster the id of the theme that it continues, or one that no theme ever had.

    People's word stands above the clustering. A theme that they named, mapped, merged, split or moved segments to does
    not end because no cluster answers to it; and a cluster that comes away from themes which they merged goes on
    belonging to them.

    Args:
        old: Themes of the run before, with people's splits and moves, but with their merges apart.
        centres: Those themes as groups, by id.
        new: The clusters' segments at home and centres, largest first.
        known: Segments that the run before had, in themes or not; `kept` those that this one has.
        taken: Ids that themes ever had.
    """
    groups = [centres[theme.id] for theme in old]
    return _Settling(old, groups, new, edits, match(groups, new, known, kept), set(kept), set(taken)).done()


@dataclass
class _Settling:
    old: Sequence[Theme]
    groups: Sequence[Group]
    new: Sequence[Group]
    edits: Sequence[Edit]
    found: Match
    kept: set[str]
    taken: set[str]
    ids: dict[int, str] = field(default_factory=dict)
    parts: dict[str, list[int]] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)

    def done(self) -> Settled:
        for j, i in sorted(self.found.pairs.items()):
            self._goes_on(self.old[i].id, j)
            reason = "most in common with it of all groups, by segments and centre"
            self._tell(Fate.CONTINUED, i, j, reason)
        for j in range(len(self.new)):
            if j not in self.ids:
                self._begins(j)
        carried = [self.old[i] for i in range(len(self.old)) if i not in self.found.pairs.values() and self._ends(i)]
        # A cluster that belongs to a theme which is carried on is part of it, not a theme beside it.
        groups = [(ident, tuple(parts)) for ident, parts in self.parts.items()]
        stays = tuple(theme for theme in carried if theme.id not in self.parts)
        return Settled(tuple(groups), stays, tuple(self.steps))

    def _goes_on(self, ident: str, j: int) -> None:
        self.ids[j] = ident
        self.parts.setdefault(ident, []).append(j)

    def _begins(self, j: int) -> None:
        parent = self._parent(j)
        if parent is None:
            ident = self._new_id(j)
            known = any(overlap.after for (_, other), overlap in self.found.overlaps.items() if other == j)
            why = (
                f"no earlier theme has {MOST:.0%} of its segments" if known else "no earlier theme has a segment of it"
            )
            self.steps.append(Step(fate=Fate.BORN, after=(ident,), reason=why))
            return
        theme, overlap = self.old[parent], self.found.overlaps[parent, j]
        if merge := self._merge_of(theme.id):
            self._goes_on(theme.id, j)
            why = f"{_share(overlap.shared, overlap.after)} of a group of its own come from it; people hold it together"
            self._step(Fate.KEPT, (theme.id,), (theme.id,), overlap, why, merge.id)
            return
        ident = self._new_id(j)
        why = f"{_share(overlap.shared, overlap.after)} of its segments come from {theme.id}"
        self._step(Fate.SPLIT, (theme.id,), (ident,), overlap, why)

    def _new_id(self, j: int) -> str:
        ident = theme_id(self.new[j].segments, self.taken)
        self.taken.add(ident)
        self._goes_on(ident, j)
        return ident

    def _parent(self, j: int) -> int | None:
        """The theme that most of a group's known segments come from."""
        shares = [(o.shared / o.after, -i) for (i, other), o in self.found.overlaps.items() if other == j and o.after]
        best = max(shares, default=(0.0, 0))
        return -best[1] if best[0] >= MOST else None

    def _merge_of(self, ident: str) -> Edit | None:
        for edit in standing(self.edits):
            if isinstance(edit.change, Merge) and ident in (edit.change.into, *edit.change.themes):
                return edit
        return None

    def _ends(self, i: int) -> bool:
        """Tell what became of a theme that no group continues; True where people hold it, so that it does not end."""
        theme, there = self.old[i], self.groups[i].segments & self.kept
        if theme.id in held(self.edits) and there:
            last = next(e for e in reversed(standing(self.edits)) if theme.id in _named_in(e))
            why = f"no group answers to it; it stays as people left it, with {len(there)} segments"
            self._step(Fate.KEPT, (theme.id,), (theme.id,), None, why, last.id)
            return True
        shares = {j: o for (other, j), o in self.found.overlaps.items() if other == i and o.before}
        heir = max(shares, key=lambda j: (shares[j].shared, -j), default=None)
        if heir is not None and shares[heir].shared >= MOST * shares[heir].before:
            overlap = shares[heir]
            why = f"{_share(overlap.shared, overlap.before)} of its segments are in {self.ids[heir]} now"
            self._step(Fate.MERGED, (theme.id,), (self.ids[heir],), overlap, why)
            return False
        nowhere = len(there) - sum(o.shared for o in shares.values())
        spread = f"{nowhere} of its {len(there)} segments are in no theme now, the others in {len(shares)}"
        self.steps.append(Step(fate=Fate.RETIRED, before=(theme.id,), reason=spread if there else "its segments left"))
        return False

    def _tell(self, fate: Fate, i: int, j: int, reason: str) -> None:
        self._step(fate, (self.old[i].id,), (self.ids[j],), self.found.overlaps[i, j], reason)

    def _step(
        self,
        fate: Fate,
        before: tuple[str, ...],
        after: tuple[str, ...],
        overlap: Overlap | None,
        reason: str,
        edit: int | None = None,
    ) -> None:
        self.steps.append(Step(fate=fate, before=before, after=after, overlap=overlap, reason=reason, edit=edit))


def _named_in(edit: Edit) -> frozenset[str]:
    return held([edit])


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole}"
