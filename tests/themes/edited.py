"""Themes by hand, and edits of them."""

from __future__ import annotations

from collections.abc import Sequence

from belonging_llm.clusters import Belongs
from belonging_llm.themes import Change, Edit, Theme, ThemeMember


def theme(ident: str, *segments: str, name: str = "", also: Sequence[str] = (), edit: int | None = None) -> Theme:
    members = [ThemeMember(segment_id=s, strength=0.9, belongs=Belongs.CORE) for s in segments]
    members += [ThemeMember(segment_id=s, strength=0.5, belongs=Belongs.ALSO) for s in also]
    return Theme(
        id=ident, ordinal=1, name=name or f"Name of {ident}", definition="What it is about.", members=tuple(members),
        exemplars=segments[:2], by="a model", edit=edit,
    )  # fmt: skip


def edits(*changes: Change) -> list[Edit]:
    return [Edit(id=n, change=c, by="Ana", reason="because", at="2026-01-01") for n, c in enumerate(changes, 1)]


def homes(themes: Sequence[Theme]) -> dict[str, set[str]]:
    return {t.id: set(t.own) for t in themes}
