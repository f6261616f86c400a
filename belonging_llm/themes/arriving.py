"""New segments and the themes that people left: who goes where between two clusterings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from belonging_llm.clusters import Belongs
from belonging_llm.embeddings import Vectors
from belonging_llm.themes.edits import Edit, Split, standing
from belonging_llm.themes.placing import Place, Placement, locate, place
from belonging_llm.themes.replay import pinned
from belonging_llm.themes.theme import ThemeMember


@dataclass(frozen=True)
class Arrived:
    """Where new segments went.

    Attributes:
        members: New members by theme, in the order of the segments.
        placements: One a segment; `theme` is "" for those that fit nowhere.
    """

    members: Mapping[str, tuple[ThemeMember, ...]]
    placements: tuple[Placement, ...]

    @property
    def nowhere(self) -> list[int]:
        """Positions of segments that fit in no theme."""
        return [row for row, found in enumerate(self.placements) if not found.theme]


def arrive(
    segments: Sequence[str],
    vectors: Vectors,
    places: Sequence[Place],
    edits: Sequence[Edit] = (),
    vectors_of: Mapping[str, Vectors] | None = None,
) -> Arrived:
    """Put new segments into themes by their nearest exemplars; none of the old ones is looked at but those.

    Segments that people moved or split off are exemplars of the theme that they were put into, and of no other. What
    goes to a theme that a person split off goes, besides, to the theme that it would be in without that, so that
    undoing the split leaves nobody behind. Themes that people merged stay apart here: replaying the edits joins them.

    Args:
        segments: Ids of the new segments.
        vectors: Theirs, unit length, float32, shape (n_segments, dim).
        places: Where the run that these arrive at has its themes.
        edits: Every record of what people changed.
        vectors_of: Vectors of the segments that people put somewhere (`wanted`), as far as they are there.
    """
    now, made = adjusted(places, edits, vectors_of or {}), _made(places, edits)
    found, plain = place(vectors, now), place(vectors, places)
    members: dict[str, list[ThemeMember]] = {}
    for segment, first, second in zip(segments, found, plain, strict=True):
        homes = [first, second] if first.theme in made else [first]
        for home in homes:
            if home.theme:
                members.setdefault(home.theme, []).append(_member(segment, home.strength, Belongs.PLACED))
        taken = {home.theme for home in homes}
        for theme, strength in first.also:
            if theme not in taken:
                members.setdefault(theme, []).append(_member(segment, strength, Belongs.ALSO))
    return Arrived({theme: tuple(some) for theme, some in sorted(members.items())}, tuple(found))


def wanted(edits: Sequence[Edit]) -> list[str]:
    """Segments whose vectors `arrive` needs: those that people put into a theme, sorted."""
    return sorted(segment for segment, theme in pinned(edits).items() if theme)


def adjusted(places: Sequence[Place], edits: Sequence[Edit], vectors_of: Mapping[str, Vectors]) -> list[Place]:
    """Places as people's splits and moves left them."""
    where = pinned(edits)
    put: dict[str, list[str]] = {}
    for segment, theme in sorted(where.items()):
        if theme and segment in vectors_of:
            put.setdefault(theme, []).append(segment)
    known = {p.theme for p in places}
    found = [_adjusted(p, where, put.get(p.theme, []), vectors_of) for p in places]
    made = [
        locate(theme, segments, np.stack([vectors_of[s] for s in segments]))
        for theme, segments in sorted(put.items())
        if theme not in known and theme in _made(places, edits)
    ]
    return [*(p for p in found if p is not None), *made]


def _adjusted(
    place: Place, where: Mapping[str, str], put: Sequence[str], vectors_of: Mapping[str, Vectors]
) -> Place | None:
    stays = [n for n, segment in enumerate(place.segments) if where.get(segment, place.theme) == place.theme]
    more = [segment for segment in put if segment not in place.segments]
    if not more and len(stays) == len(place.segments):
        return place
    segments = (*(place.segments[n] for n in stays), *more)
    if not segments:
        return None
    vectors = np.stack([*place.vectors[stays], *(vectors_of[s] for s in more)])
    return Place(place.theme, segments, vectors, place.centre, place.named_at, place.floor, place.typical)


def _made(places: Sequence[Place], edits: Sequence[Edit]) -> set[str]:
    """Themes that a standing split made and that no clustering has found."""
    found = {p.theme for p in places}
    return {e.change.new for e in standing(edits) if isinstance(e.change, Split)} - found


def _member(segment: str, strength: float, belongs: Belongs) -> ThemeMember:
    return ThemeMember(segment_id=segment, strength=strength, belongs=belongs)
