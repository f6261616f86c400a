"""Pieces of an analysis that several machines can be given: parts of the embedding, batches of the coding.

What comes out is what one process finds, since parts and batches are cut alike whoever does them. A piece that is done
twice, since a machine went away, is found done the second time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from belonging_llm.analysis.allowing import Allowance, draw_on
from belonging_llm.analysis.bench import Workbench, workbench
from belonging_llm.analysis.coding import code_batch
from belonging_llm.analysis.job import Job
from belonging_llm.claims import held
from belonging_llm.embeddings import Encoder, HasMiddle, embed_part, lacking
from belonging_llm.errors import BudgetReached
from belonging_llm.workers import working

_LAST: list[str] = []


@dataclass(frozen=True)
class Share:
    """What a piece took, for whoever counts.

    Attributes:
        calls: Replies that were paid for; `seconds` is their wall time, summed.
        failures: Item-level failures by kind.
        reached: It stopped since what it might spend was spent; then the piece is not done.
    """

    calls: int
    seconds: float
    failures: dict[str, int]
    reached: bool = False


def embedding_parts(job: Job) -> list[int]:
    """Numbers of the parts of the study's texts that lack vectors."""
    bench = workbench(job)
    texts = [s.text for s in bench.segments]
    wanted = {number for encoder in _encoders(bench) for number in lacking(texts, encoder, bench.store.vectors)}
    return sorted(wanted)


def embed_piece(job: Job, run_id: str, number: int) -> int:
    """Vectors of one part, unless another process made them; returns how many texts it has."""
    bench, done = _bench(job, run_id), 0
    # Whoever handed the piece out may have died, and what it held with it.
    with working(bench.study):
        texts = [s.text for s in bench.segments]
        for encoder in _encoders(bench):
            with held(bench.store.claims, f"part {number} of embedding with {encoder.id}"):
                done = embed_part(texts, encoder, bench.store.vectors, number)
    return done


def code_piece(job: Job, run_id: str, rows: Sequence[int], allowance: Allowance | None = None) -> Share:
    """Codings of one batch, unless another process made them.

    Args:
        allowance: What may be spent on it; None for anything.
    """
    bench = _bench(job, run_id)
    asker = bench.asker(run_id)
    before = (asker.calls, asker.seconds, dict(asker.failures)) if asker else (0, 0.0, {})
    # Its process may have had it before, and died; or it is thought dead, and still at it.
    with working(bench.study), held(bench.store.claims, f"batch of {run_id} from {bench.segments[rows[0]].id}"):
        reached = not _coded(job, run_id, rows, allowance)
    if asker is None:
        return Share(0, 0.0, {})
    failures = {kind: n - before[2].get(kind, 0) for kind, n in asker.failures.items() if n > before[2].get(kind, 0)}
    return Share(asker.calls - before[0], asker.seconds - before[1], failures, reached)


def _coded(job: Job, run_id: str, rows: Sequence[int], allowance: Allowance | None) -> bool:
    """Whether a piece has its codings, after having tried as far as the allowance goes."""
    bench = workbench(job)
    if not bench.store.findings.uncoded(run_id, [bench.segments[i].id for i in rows]):
        return True
    if allowance is not None and not draw_on(job, run_id, allowance):
        return False
    try:
        code_batch(job, run_id, rows)
    except BudgetReached:
        return False
    return True


def count(job: Job, run_id: str, share: Mapping[str, Any]) -> None:
    """Count a piece that another process did as if this one had."""
    asker = workbench(job).asker(run_id)
    if asker is not None:
        asker.calls += share["calls"]
        asker.seconds += share["seconds"]
        for kind, n in share["failures"].items():
            asker.failures[kind] = asker.failures.get(kind, 0) + n


def _bench(job: Job, run_id: str) -> Workbench:
    """The tools for a run; a process that lives long has those of an earlier one, with the segments of then."""
    if [run_id] != _LAST:
        workbench.cache_clear()
        _LAST[:] = [run_id]
    return workbench(job)


def _encoders(bench: Workbench) -> list[Encoder]:
    inner = [bench.encoder.middle()] if isinstance(bench.encoder, HasMiddle) else []
    return [bench.encoder, *inner]
