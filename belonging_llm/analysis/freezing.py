"""Keep what a whole run learned, so that batches can lay it on new material without looking at the old."""

from __future__ import annotations

from belonging_llm import codes, themes
from belonging_llm.analysis.bench import Workbench
from belonging_llm.clusters import Belongs
from belonging_llm.store import KeptCoder


def freeze(bench: Workbench, run_id: str) -> KeptCoder:
    """Keep a run's coder, the places of its themes, and its sums."""
    coders = bench.store.coders
    kept = coders.keep(run_id, codes.to_bytes(bench.coder(run_id)), _places(bench, run_id), coders.taught_by())
    coders.keep_tally(run_id, coders.count(run_id))
    return kept


def _places(bench: Workbench, run_id: str) -> bytes:
    row = {segment.id: i for i, segment in enumerate(bench.segments)}
    cores = []
    for theme in bench.store.findings.themes(run_id):
        core = [row[m.segment_id] for m in theme.members if m.belongs is Belongs.CORE and m.segment_id in row]
        if core:
            cores.append((theme.id, bench.vectors[core]))
    return themes.places_bytes(themes.places(cores))
