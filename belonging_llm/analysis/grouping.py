"""Vectors of the segments, and the themes that they form."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from belonging_llm import clusters, themes
from belonging_llm.analysis.bench import Workbench, workbench
from belonging_llm.analysis.job import Done, Job, silent
from belonging_llm.claims import held
from belonging_llm.embeddings import HasMiddle, Vectors, embed


def embed_segments(job: Job, done: Done = silent, *, coded: bool = True) -> int:
    """Make sure that every segment has its vectors; returns how many segments there are.

    Args:
        coded: Segments will be coded: then the encoder's inner layers are read as well.
    """
    bench = workbench(job)
    with held(bench.store.claims, f"embedding with {bench.encoder.id}"):
        return _embed(bench, done, coded=coded)


def _embed(bench: Workbench, done: Done, *, coded: bool) -> int:
    texts = [s.text for s in bench.segments]
    distinct = len(set(texts))
    inner = bench.encoder.middle() if coded and isinstance(bench.encoder, HasMiddle) else None
    total = distinct * (2 if inner else 1)
    bench.vectors = embed(texts, bench.encoder, bench.store.vectors, done=lambda n: done(n, total))
    if inner:
        bench.middle = embed(texts, inner, bench.store.vectors, done=lambda n: done(distinct + n, total))
    return len(texts)


def find_themes(job: Job, run_id: str, done: Done = silent, placed: Vectors | None = None) -> int:
    """Group, name and map; a run whose themes are already kept is left alone. Returns how many.

    Args:
        placed: Vectors to group by instead of the embedder's, in the order of the study's segments.
    """
    bench = workbench(job)
    with held(bench.store.claims, f"themes of {run_id}"):
        return _find_themes(bench, run_id, done, placed)


def _find_themes(bench: Workbench, run_id: str, done: Done, placed: Vectors | None) -> int:
    if kept := bench.store.findings.themes(run_id):
        return len(kept)
    rows = [i for i, s in enumerate(bench.segments) if len(s.text.split()) >= bench.settings.shortest_themed]
    eligible, vectors = [bench.segments[i] for i in rows], bench.vectors[rows]
    by = vectors if placed is None else placed[rows]
    grouped = clusters.find(by, [s.text_digest for s in eligible], seed=bench.settings.seed)
    if placed is not None:
        grouped = clusters.recentred(grouped, vectors)
    total = 2 * len(grouped.clusters)
    labelled = themes.label(
        grouped,
        eligible,
        vectors,
        asker=bench.asker(run_id),
        prompt=bench.prompts["label_theme.v1"],
        again=bench.prompts["rename_theme.v1"],
        embed=bench.embed,
        done=lambda n: done(n, total),
    )
    found = _map(bench, run_id, labelled.themes, lambda n: done(total // 2 + n, total))
    bench.store.runs.note(
        run_id,
        themes=len(found),
        themes_failed=labelled.failed,
        themes_renamed=labelled.renamed,
        themes_in_vivo=labelled.in_vivo,
        theme_quotes_unlocated=labelled.unlocated,
        themes_unmapped=sum(not t.mapping.by for t in found),
        clustering=grouped.method,
        outliers=[eligible[i].id for i in grouped.outliers],
        too_short=sorted({s.id for s in bench.segments} - {s.id for s in eligible}),
    )
    bench.store.findings.add_themes(run_id, found)
    return len(found)


def _map(
    bench: Workbench, run_id: str, found: Sequence[themes.Theme], done: Callable[[int], None]
) -> Sequence[themes.Theme]:
    asker = bench.asker(run_id)
    if asker is None:
        return found
    texts, people = {s.id: s.text for s in bench.segments}, {s.id: s.participant for s in bench.segments}
    prompt = bench.prompts["map_theme.v1"]
    return themes.map_themes(found, bench.framework, texts, asker=asker, prompt=prompt, people=people, done=done)
