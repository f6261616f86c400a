"""New segments put into the themes of an earlier run, as people left them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from belonging_llm import themes
from belonging_llm.analysis.bench import Workbench
from belonging_llm.embeddings import Vectors
from belonging_llm.segments import Segment


def arrive(bench: Workbench, run_id: str, segments: Sequence[Segment], vectors: Vectors) -> themes.Arrived:
    """Where new segments belong among the themes of a run; of old segments only exemplars and moved ones are read.

    Args:
        run_id: The run whose themes they come to.
        vectors: Of the segments, unit length, shape (n_segments, dim), by the encoder that the run used.
    """
    return arrivals(bench, run_id)([s.id for s in segments], vectors)


def arrivals(bench: Workbench, run_id: str) -> Callable[[Sequence[str], Vectors], themes.Arrived]:
    """The same as a verb, for segments (by id) that come one after the other: what is read is read once."""
    store = bench.store
    edits, places = store.themes.edits(), store.themes.places(run_id)
    texts = {i: text for i in themes.wanted(edits) if (text := store.corpus.segment_text(i)) is not None}
    moved = dict(zip(texts, bench.embed(list(texts.values())), strict=True)) if texts else {}

    def arriving(segments: Sequence[str], vectors: Vectors) -> themes.Arrived:
        return themes.arrive(segments, vectors, places, edits, moved)

    return arriving
