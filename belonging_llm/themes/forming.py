"""Clusters as the themes that they were settled to be: united where they are one, kept where people hold them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from belonging_llm.clusters import Belongs, Cluster, Clustering, Member
from belonging_llm.embeddings import Vectors
from belonging_llm.themes.placing import locate, place
from belonging_llm.themes.settling import Settled
from belonging_llm.themes.theme import Theme

_RANK = {belongs: rank for rank, belongs in enumerate(Belongs)}


@dataclass(frozen=True)
class Formed:
    """Groups by their themes.

    Attributes:
        ids: The theme of each cluster of `clustering`.
        edits: Those of them that an edit made, with it; they last as long as it stands.
    """

    clustering: Clustering
    ids: tuple[str, ...]
    edits: Mapping[str, int]


def form(
    found: Clustering, settled: Settled, keys: Sequence[str], vectors: Vectors, known: frozenset[str] = frozenset()
) -> Formed:
    """The clustering as it was settled, largest theme first.

    A theme that no cluster answers to keeps the segments that it had, and of those that are new the ones that are
    closest to it of all themes. What a person split off stays, besides, in the cluster where it was found, so that
    it is there when the split is undone.

    Args:
        keys: Ids of the segments that the clustering indexes; `vectors` has shape (n_keys, dim).
        known: Segments that the run before had.
    """
    members = {ident: _united([found.clusters[part] for part in parts]) for ident, parts in settled.groups}
    rows = {key: row for row, key in enumerate(keys)}
    made = {theme.id: theme.edit for theme in settled.carried if theme.edit is not None}
    for theme in settled.carried:
        own = {rows[m.segment_id]: m for m in theme.members if m.segment_id in rows and m.belongs is not Belongs.ALSO}
        members[theme.id] = {row: Member(row, m.strength, m.belongs) for row, m in own.items()}
        if theme.id not in made:
            _leave(members, own, but=theme.id)
    _join(members, settled.carried, made, keys, vectors, known)
    return _sorted(members, keys, vectors, found.method, made)


def formed_of(found: Sequence[Theme], keys: Sequence[str], vectors: Vectors, method: str) -> Formed:
    """Themes of an earlier run, as they were found, as groups of the same segments."""
    rows = {key: row for row, key in enumerate(keys)}
    clusters = []
    for theme in found:
        cluster = Cluster(tuple(Member(rows[m.segment_id], m.strength, m.belongs) for m in theme.members), vectors[0])
        clusters.append(replace(cluster, centroid=_centroid(vectors[cluster.core])))
    inside = {member.index for cluster in clusters for member in cluster.members}
    outliers = tuple(row for row in range(len(keys)) if row not in inside)
    made = {theme.id: theme.edit for theme in found if theme.edit is not None}
    return Formed(Clustering(tuple(clusters), outliers, method), tuple(theme.id for theme in found), made)


def _centroid(rows: Vectors) -> Vectors:
    mean = rows.mean(axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), np.float32)


def _united(clusters: Sequence[Cluster]) -> dict[int, Member]:
    best: dict[int, Member] = {}
    for cluster in clusters:
        for member in cluster.members:
            known = best.get(member.index, member)
            best[member.index] = min(known, member, key=lambda m: (_RANK[m.belongs], -m.strength))
    return best


def _leave(members: dict[str, dict[int, Member]], rows: Mapping[int, object], but: str) -> None:
    for ident, inside in members.items():
        for row in [r for r, m in inside.items() if ident != but and r in rows and m.belongs is not Belongs.ALSO]:
            del inside[row]


def _join(
    members: dict[str, dict[int, Member]],
    carried: Sequence[Theme],
    made: Mapping[str, int],
    keys: Sequence[str],
    vectors: Vectors,
    known: frozenset[str],
) -> None:
    """New segments to the themes that no cluster answers to, where they are closest to those."""
    new = [row for row, key in enumerate(keys) if key not in known]
    if not carried or not new:
        return
    cores = {ident: Cluster(tuple(inside.values()), vectors[0]).core for ident, inside in members.items()}
    places = [locate(ident, [keys[row] for row in core], vectors[core]) for ident, core in cores.items() if core]
    stays = {theme.id for theme in carried}
    for row, where in zip(new, place(vectors[new], places), strict=True):
        if where.theme in stays:
            if where.theme not in made:
                _leave(members, {row: None}, but=where.theme)
            members[where.theme][row] = Member(row, where.strength, Belongs.PLACED)


def _sorted(
    members: Mapping[str, dict[int, Member]],
    keys: Sequence[str],
    vectors: Vectors,
    method: str,
    made: Mapping[str, int],
) -> Formed:
    clusters: list[tuple[str, Cluster]] = []
    for ident, inside in members.items():
        ordered = sorted(inside.values(), key=lambda m: (_RANK[m.belongs], -m.strength, keys[m.index]))
        cluster = Cluster(tuple(ordered), vectors[0])
        if cluster.core:
            clusters.append((ident, replace(cluster, centroid=_centroid(vectors[cluster.core]))))
    clusters.sort(key=lambda c: (-len(c[1].core), keys[c[1].members[0].index]))
    inside_any = {m.index for _, cluster in clusters for m in cluster.members}
    outliers = tuple(row for row in range(len(keys)) if row not in inside_any)
    ids = tuple(ident for ident, _ in clusters)
    return Formed(Clustering(tuple(c for _, c in clusters), outliers, method), ids, made)
