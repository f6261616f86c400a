"""What the command line does on plain tables: find themes in segments, or code them, without a study to keep.

A study is made beside the output all the same, so that an interrupted job continues and nothing is paid
twice; it may be deleted once the output is there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from belonging_llm import analysis
from belonging_llm.analysis import Job
from belonging_llm.budget import Cost, bill
from belonging_llm.codes import Coding, Outcome
from belonging_llm.embeddings import Vectors
from belonging_llm.errors import TableError
from belonging_llm.importing import Imported, Kind, import_paths
from belonging_llm.pacing import CONCURRENCY
from belonging_llm.progress import Progress
from belonging_llm.provenance import now
from belonging_llm.segments import Segment
from belonging_llm.store import Run
from belonging_llm.study import PER_PARTICIPANT, SETTINGS, Study, create
from belonging_llm.tables import read_rows, write_rows
from belonging_llm.usecases import Offer, put_offer

CODINGS = (
    *("segment_id", "code", "coder", "outcome", "confidence", "polarity", "evidence", "repaired", "start", "end"),
    *("chance", "guess", "asked", "rationale"),
)
THEMES = ("segment_id", "theme_id", "theme", "membership")
SHORTEST = 1


@dataclass(frozen=True)
class Coded:
    """A table of codings that was written.

    Attributes:
        problems: Rows that could not be used, and why.
        asked: Segments that the language model was asked about.
        learned: Codes that were learned from the examples.
        evidence: How much of the model's evidence was `repaired`, how much `unlocated`, and how many codes were
            `demoted` since theirs was.
        calls: Model calls that this command paid for; `usage` and `cost` are of the whole run.
    """

    path: Path
    segments: int
    outcomes: dict[str, int]
    asked: int
    learned: int
    evidence: dict[str, int]
    calls: int
    usage: dict[str, Any]
    cost: Cost
    problems: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self) | {"path": str(self.path), "complete": self.complete}

    @property
    def complete(self) -> bool:
        """Whether nothing failed and every row could be used."""
        return not self.problems and not self.outcomes.get(Outcome.FAILED)


@dataclass(frozen=True)
class Discovered:
    """A table of themes that was written.

    Attributes:
        calls: Model calls that this command paid for; `usage` and `cost` are of the whole run.
    """

    path: Path
    segments: int
    themes: dict[str, int]
    unassigned: int
    calls: int
    usage: dict[str, Any]
    cost: Cost
    problems: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self) | {"path": str(self.path)}


@dataclass(frozen=True)
class Means:
    """Which models a job may use, and what it may spend.

    Attributes:
        agree: Asked before the first call of a model elsewhere; raises where nobody agrees.
        allow_remote: Whether the text may leave this machine.
        concurrency: Requests side by side that a server is sent.
        budget: The most US dollars that the job may spend; `calls` the most calls.
    """

    agree: Callable[[Offer], None]
    llm: str = "local"
    embedder: str = "local"
    allow_remote: bool = False
    concurrency: int = CONCURRENCY
    budget: float | None = None
    calls: int | None = None

    def job(self, study: Study) -> Job:
        """The job on the study beside the output."""
        return Job(str(study.folder), self.llm, self.embedder, self.budget, self.calls)


def code(
    segments: Path,
    codebook: Path,
    output: Path,
    *,
    means: Means,
    examples: Path | None = None,
    ask_share: float = 0.3,
) -> Coded:
    """Give every segment of a table an outcome for every code of a codebook, and write them.

    Args:
        examples: People's codings of some of the segments, to learn from.
        ask_share: Largest share of segments that the language model is asked about.

    Raises:
        InputError, ModelError: a table or a model cannot be used.
        Incomplete: the model's endpoint is gone, or the budget is reached; the same command continues.
    """
    study, problems = _study(output, segments, codebook, examples, ask_share, means)
    job = means.job(study)
    run, _ = analysis.prepare(job, lambda bench, last: put_offer(bench, last, means.agree, themed=False))
    if run.status == "running":
        _code(job, run.id)
    bench = analysis.workbench(job)
    codings = study.store.findings.codings(run.id)
    texts = {s.id: s.text for s in study.store.corpus.segments()}
    write_rows(output, _codings(codings, texts, _order(segments)), CODINGS)
    return Coded(
        path=output,
        segments=len(texts),
        outcomes=dict(Counter(str(c.outcome) for c in codings)),
        asked=len({c.segment_id for c in codings if c.provenance.asked}),
        learned=len({c.code for c in codings if c.provenance.taught}),
        evidence=_evidence(study.store.runs.get(run.id)),
        calls=bench.work_done()[0],
        usage=study.store.ledger.usage(run.id),
        cost=bill(study.store.ledger.spending(run.id)),
        problems=problems,
    )


def _code(job: Job, run_id: str) -> None:
    """The stages of coding, whatever of them is done already."""
    with Progress("embedding segments") as progress:
        analysis.embed_segments(job, progress)
    with Progress("hearing the model where people judged") as progress:
        analysis.try_model(job, run_id, progress)
    waiting = analysis.batches(job, run_id)
    for number, rows in enumerate(waiting, 1):
        with Progress(f"coding segments, batch {number} of {len(waiting)}") as progress:
            analysis.code_batch(job, run_id, rows, progress)
    analysis.finish(job, run_id)


def _evidence(run: Run) -> dict[str, int]:
    """What became of the model's evidence, over all batches."""
    total = dict.fromkeys(("repaired", "unlocated", "demoted"), 0)
    for name, counts in run.counts.items():
        if name.startswith("batch "):
            total = {kind: n + counts.get(kind, 0) for kind, n in total.items()}
    return total


def discover(segments: Path, output: Path, *, means: Means, embeddings: Path | None = None) -> Discovered:
    """Group the segments of a table into themes, name them, and write which segment belongs where.

    Args:
        embeddings: A .npy file, float, shape (n_rows, dim), one row a row of `segments`, to group by instead.

    Raises:
        InputError, ModelError: a table, the embeddings or a model cannot be used.
        Incomplete: as for `code`.
    """
    study, problems = _study(output, segments, None, None, 0.0, means)
    job = means.job(study)
    run, _ = analysis.prepare(job, lambda bench, last: put_offer(bench, last, means.agree, coded=False))
    bench = analysis.workbench(job)
    placed = _given(embeddings, segments, bench.segments) if embeddings else None
    with Progress("embedding segments") as progress:
        analysis.embed_segments(job, progress, coded=False)
    with Progress("naming themes") as progress:
        analysis.find_themes(job, run.id, progress, placed)
    found = study.store.findings.themes(run.id)
    member = {m.segment_id: (t.id, t.name, f"{m.strength:.3f}") for t in found for m in t.members}
    rows = [dict(zip(THEMES, (i, *member.get(i, ("", "", ""))), strict=True)) for i in _order(segments)]
    write_rows(output, rows, THEMES)
    return Discovered(
        path=output,
        segments=len(rows),
        themes={t.name: len(t.members) for t in found},
        unassigned=sum(not row["theme_id"] for row in rows),
        calls=bench.work_done()[0],
        usage=study.store.ledger.usage(run.id),
        cost=bill(study.store.ledger.spending(run.id)),
        problems=problems,
    )


def _study(
    output: Path, segments: Path, codebook: Path | None, examples: Path | None, ask_share: float, means: Means
) -> tuple[Study, tuple[str, ...]]:
    """The study beside the output, with everything brought in; what is in already changes nothing."""
    folder = output.with_name(output.name + ".study")
    if not (folder / SETTINGS).exists():
        create(folder)
    # Leave to send text elsewhere is given for one command, not for all that follow.
    allowed = {"allow_remote": str(means.allow_remote).lower(), "concurrency": str(means.concurrency)}
    # A table says nothing of its speakers: whoever gives this leave states that they agreed.
    stated = f"all, stated by whoever gave --allow-remote on {now()[:10]}" if means.allow_remote else PER_PARTICIPANT
    allowed["consent"] = f'"{stated}"'
    _set(folder / SETTINGS, ask_share=f"{ask_share:g}", shortest_themed=str(SHORTEST), hold_out="false", **allowed)
    study = Study(folder)
    wanted = [(codebook, Kind.CODEBOOK), (segments, Kind.SEGMENTS), (examples, Kind.CODINGS)]
    done: list[Imported] = []
    for path, kind in wanted:
        if path is not None:
            done += import_paths(study, [path], kind)
            if done[-1].problem and not done[-1].added and kind is not Kind.SEGMENTS:
                raise TableError(done[-1].problem)
    if not study.store.corpus.transcript_ids():
        raise TableError(done[-1].problem or f"{segments}: holds no segments")
    return Study(folder), tuple(one.problem for one in done if one.problem)


def _set(settings: Path, **values: str) -> None:
    """Put values into a settings file, each under its name before the first section."""
    text = settings.read_text(encoding="utf-8")
    for name, value in values.items():
        line = f"{name} = {value}"
        text, found = re.subn(rf"(?m)^{name} = .*$", line, text, count=1)
        if not found:
            text = f"{line}\n{text}"
    settings.write_text(text, encoding="utf-8")


def _order(segments: Path) -> list[str]:
    return list(dict.fromkeys(row["segment_id"].strip() for row in read_rows(segments, "segment_id")))


def _codings(codings: Sequence[Coding], texts: dict[str, str], order: Sequence[str]) -> list[dict[str, str]]:
    """Rows in the order of the segments; every segment × code has one."""
    place = {ident: i for i, ident in enumerate(order)}
    wanted = [c for c in codings if c.segment_id in place]
    return [_row(c, texts[c.segment_id]) for c in sorted(wanted, key=lambda c: (place[c.segment_id], c.code))]


def _row(coding: Coding, text: str) -> dict[str, str]:
    span = coding.evidence[0] if coding.evidence else None
    known = coding.provenance
    return {
        "segment_id": coding.segment_id,
        "code": coding.code,
        "coder": coding.coder,
        "outcome": str(coding.outcome),
        "confidence": "" if coding.confidence is None else f"{coding.confidence:.3f}",
        "polarity": str(coding.polarity or ""),
        "evidence": text[span.start : span.end] if span else "",
        "repaired": _yes(span.repaired) if span else "",
        "start": str(span.start) if span else "",
        "end": str(span.end) if span else "",
        "chance": "" if known.chance is None else f"{known.chance:.4f}",
        "guess": "" if known.guess is None else _yes(known.guess),
        "asked": _yes(known.asked),
        "rationale": coding.rationale,
    }


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _given(path: Path, segments: Path, wanted: Sequence[Segment]) -> Vectors:
    """Vectors from a file, in the order of the study's segments, of unit length.

    Raises:
        TableError: not numbers, or not one row a segment.
    """
    try:
        found = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise TableError(f"{path}: cannot be read as a .npy file: {error}") from error
    order = [row["segment_id"].strip() for row in read_rows(segments, "segment_id")]
    if found.ndim != 2 or len(found) != len(order) or found.dtype.kind != "f":
        shape = f"{found.dtype} {found.shape}"
        raise TableError(f"{path}: holds {shape}; wanted are floats, one row for each of {len(order)} segments")
    if not np.isfinite(found).all():
        bad = int(np.flatnonzero(~np.isfinite(found).all(axis=1))[0])
        raise TableError(f"{path}: row {bad} (segment {order[bad]}) holds values that are no numbers")
    place = {ident: i for i, ident in enumerate(order)}
    rows = found[[place[s.id] for s in wanted]].astype(np.float32)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(length > 0, length, 1), np.float32)
