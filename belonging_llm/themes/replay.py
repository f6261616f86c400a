"""Themes as people left them: what a clustering found, and every edit that stands, applied to it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from belonging_llm.clusters import Belongs
from belonging_llm.themes.edits import Edit, Merge, Move, Remap, Rename, Restore, Retire, Split, standing
from belonging_llm.themes.theme import BY_PEOPLE, MappedCode, Mapping, Theme, ThemeMember

TERMS = 8
_RANK = {belongs: rank for rank, belongs in enumerate(Belongs)}
_Members = dict[str, ThemeMember]


@dataclass(frozen=True)
class Unmet:
    """An edit that cannot be honoured, or not wholly, and why."""

    edit: Edit
    reason: str


@dataclass(frozen=True)
class Replayed:
    """Themes after the edits, largest first where edits changed who belongs where."""

    themes: tuple[Theme, ...]
    unmet: tuple[Unmet, ...] = ()


def pinned(edits: Iterable[Edit]) -> dict[str, str]:
    """Segments that people put somewhere, with the theme that they belong in; "" for none. The last word counts."""
    found: dict[str, str] = {}
    for edit in standing(edits):
        if isinstance(edit.change, Split | Move):
            target = edit.change.new if isinstance(edit.change, Split) else edit.change.to
            found.update(dict.fromkeys(edit.change.segments, target))
    return found


def replay(found: Sequence[Theme], edits: Sequence[Edit], present: Collection[str]) -> Replayed:
    """Apply every edit that stands; the same themes and edits always give the same result.

    A segment has one home. Where a person put it, there it belongs, whatever else groups it; in a theme that it is
    `also` in, it stays as well. Strength is 1 where a person alone says that it belongs. Order among edits matters
    only where two say different things of one segment, name or mapping: then the later one counts.

    Args:
        found: A run's themes as the machine found them.
        present: Segments that are (still) in the study, at least those that edits put somewhere.
    """
    count = standing(edits)
    if not count and all(theme.edit is None for theme in found):
        return Replayed(tuple(found))
    work = _Work(found, count, present)
    work.form()
    work.pin()
    work.describe()
    work.join()
    work.retire()
    return Replayed(tuple(work.result()), tuple(work.unmet))


def apart(found: Sequence[Theme], edits: Sequence[Edit], present: Collection[str]) -> list[Theme]:
    """Themes with people's splits and moves alone: the parts that merges join, by which new segments are placed."""
    kept = [edit for edit in standing(edits) if isinstance(edit.change, Split | Move)]
    return list(replay(found, kept, present).themes)


def parted(edit: Edit) -> Theme:
    """The theme that a split makes, without members.

    Raises:
        ValueError: it is no split.
    """
    change = edit.change
    if not isinstance(change, Split):
        raise ValueError(f"edit {edit.id} is a {change.kind}, no split")
    definition = change.definition or f"Parted from another theme by {edit.by}."
    by = f"{BY_PEOPLE}: {edit.by}"
    return Theme(id=change.new, ordinal=0, name=change.name, definition=definition, members=(), by=by, edit=edit.id)


@dataclass
class _Work:
    """One replay: `themes` without their members, and `members` by theme and segment."""

    found: Sequence[Theme]
    edits: Sequence[Edit]
    present: Collection[str]
    themes: dict[str, Theme] = field(default_factory=dict)
    members: dict[str, _Members] = field(default_factory=dict)
    unmet: list[Unmet] = field(default_factory=list)
    head: dict[str, str] = field(default_factory=dict)

    def form(self) -> None:
        """What was found, less what undone splits had made, with what standing ones make."""
        stand = {edit.id for edit in self.edits if isinstance(edit.change, Split)}
        for theme in self.found:
            if theme.edit is None or theme.edit in stand:
                self.themes[theme.id] = theme.model_copy(update={"members": ()})
                self.members[theme.id] = {m.segment_id: m for m in theme.members}
        for made in [t for t in self.themes.values() if t.edit is not None]:
            for member in list(self.members[made.id].values()):
                if member.belongs is not Belongs.ALSO:
                    self._leave(member.segment_id, but=made.id)
        for edit in self.edits:
            if isinstance(edit.change, Split) and edit.change.new not in self.themes:
                self.themes[edit.change.new] = parted(edit)
                self.members[edit.change.new] = {}

    def pin(self) -> None:
        """Every segment that somebody put somewhere goes there."""
        where = pinned(self.edits)
        for edit in self.edits:
            change = edit.change
            if not isinstance(change, Split | Move):
                continue
            target = change.new if isinstance(change, Split) else change.to
            source = change.theme if isinstance(change, Split) else change.source
            gone = [s for s in change.segments if s not in self.present]
            if gone:
                self._fails(edit, f"{len(gone)} of its {len(change.segments)} segments are no longer in the study")
            if target and target not in self.themes:
                self._fails(edit, f"there is no theme {target} any more")
                continue
            for segment in change.segments:
                if segment in self.present and where[segment] == target:
                    self._put(segment, source, target)

    def _put(self, segment: str, source: str, target: str) -> None:
        before = self.members[target].get(segment) if target else None
        if not target:
            for members in self.members.values():
                members.pop(segment, None)
            return
        self._leave(segment, but=target)
        if source in self.members and source != target:
            self.members[source].pop(segment, None)
        strength = before.strength if before else 1.0
        belongs = before.belongs if before and before.belongs is not Belongs.ALSO else Belongs.PERSON
        self.members[target][segment] = ThemeMember(segment_id=segment, strength=strength, belongs=belongs)

    def _leave(self, segment: str, but: str) -> None:
        """Take a segment out of its home."""
        for ident, members in self.members.items():
            if ident != but and segment in members and members[segment].belongs is not Belongs.ALSO:
                del members[segment]

    def describe(self) -> None:
        """Names and places in the framework that people gave."""
        for edit in self.edits:
            change = edit.change
            if not isinstance(change, Rename | Remap):
                continue
            theme = self.themes.get(change.theme)
            if theme is None:
                self._fails(edit, f"there is no theme {change.theme} any more")
            elif isinstance(change, Rename):
                self.themes[theme.id] = theme.model_copy(update=_named(edit, change.name, change.definition))
            else:
                self.themes[theme.id] = theme.model_copy(update={"mapping": _mapped(edit, change)})

    def join(self) -> None:
        """Merged themes as one, under the id and name of the one that they were merged into."""
        head = self.head
        for edit in self.edits:
            if not isinstance(edit.change, Merge):
                continue
            into = _head(head, edit.change.into)
            for ident in edit.change.themes:
                if (other := _head(head, ident)) != into:
                    head[other] = into
            if not any(i in self.themes for i in (edit.change.into, *edit.change.themes)):
                self._fails(edit, "none of its themes is there any more")
        for ident in [i for i in self.themes if i in head]:
            into = _head(head, ident)
            merged = self.themes.pop(ident)
            if into not in self.themes:
                self.themes[into] = merged.model_copy(update={"id": into})
                self.members[into] = {}
            else:
                self.themes[into] = _with(self.themes[into], merged)
            _unite(self.members[into], self.members.pop(ident))

    def retire(self) -> None:
        """Themes that a person took for none are none, until a person restores them."""
        retired: dict[str, tuple[Edit, str]] = {}
        for edit in self.edits:
            if isinstance(edit.change, Retire):
                retired[_head(self.head, edit.change.theme)] = edit, edit.change.theme
            elif isinstance(edit.change, Restore):
                retired.pop(_head(self.head, edit.change.theme), None)
        for ident, (edit, theme) in retired.items():
            if self.themes.pop(ident, None) is None:
                self._fails(edit, f"there is no theme {theme} any more")

    def result(self) -> Iterable[Theme]:
        whole = {t.id: self._whole(t) for t in self.themes.values() if self.members[t.id]}
        for edit in self.edits:
            if isinstance(edit.change, Split) and edit.change.new in self.themes and edit.change.new not in whole:
                self._fails(edit, f"no segment is left in {edit.change.new}")
        if {t.id: set(t.own) for t in whole.values()} != {t.id: set(t.own) for t in self.found}:
            ordered = sorted(whole.values(), key=lambda t: (-len(t.own), t.id))
        else:
            ordered = list(whole.values())
        return [theme.model_copy(update={"ordinal": n}) for n, theme in enumerate(ordered, 1)]

    def _whole(self, theme: Theme) -> Theme:
        members = self.members[theme.id]
        ordered = sorted(members.values(), key=lambda m: (_RANK[m.belongs], -m.strength))
        own = [m.segment_id for m in ordered if m.belongs is not Belongs.ALSO]
        exemplars = tuple(i for i in theme.exemplars if i in own)
        return theme.model_copy(
            update={
                "members": tuple(ordered),
                "quotes": tuple(q for q in theme.quotes if q.segment_id in members),
                "exemplars": exemplars or tuple(own[:3]),
            }
        )

    def _fails(self, edit: Edit, reason: str) -> None:
        self.unmet.append(Unmet(edit, reason))


def _named(edit: Edit, name: str, definition: str) -> dict[str, str]:
    fields = {"name": name, "by": f"{BY_PEOPLE}: {edit.by}", "prompt": "", "prompt_digest": ""}
    return fields | ({"definition": definition} if definition else {})


def _mapped(edit: Edit, change: Remap) -> Mapping:
    codes = tuple(MappedCode(code=code, rationale=edit.reason) for code in dict.fromkeys(change.codes))
    return Mapping(codes=codes, outside=change.outside, by=f"{BY_PEOPLE}: {edit.by}")


def _head(head: dict[str, str], ident: str) -> str:
    while ident in head:
        ident = head[ident]
    return ident


def _with(theme: Theme, other: Theme) -> Theme:
    """A theme with the evidence of one that was merged into it."""
    more = {
        "quotes": (*theme.quotes, *(q for q in other.quotes if q not in theme.quotes)),
        "exemplars": tuple(dict.fromkeys((*theme.exemplars, *other.exemplars))),
        "terms": tuple(dict.fromkeys((*theme.terms, *other.terms)))[: max(TERMS, len(theme.terms))],
    }
    return theme.model_copy(update=more)


def _unite(members: _Members, others: _Members) -> None:
    def worth(member: ThemeMember) -> tuple[int, float]:
        return -_RANK[member.belongs], member.strength

    for segment, member in others.items():
        members[segment] = max(members.get(segment, member), member, key=worth)
