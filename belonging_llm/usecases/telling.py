"""What a study holds, said and written down; nothing is changed."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from belonging_llm.study import Study

if TYPE_CHECKING:
    from belonging_llm.budget import Cost
    from belonging_llm.parcels import Parcel
    from belonging_llm.store import Left, Run


@dataclass(frozen=True)
class Status:
    """What a study holds, and how far it is.

    Attributes:
        interrupted: A run was cut off, and waits for nothing.
        batches: Questions that were sent together and have not been collected, and for what kind of run.
        left: Requests that left this machine, by endpoint.
        lacking: Participants without consent to that.
        stale: Somebody withdrew after the last run: what it found is not what there is now.
        older: The version of the codebook that the outcomes are of, where another one is in use by now.
        last_batch: The last batch on top of the last analysis; None before the first.
        edited: People changed themes since, in ways that codings rest on.
        due: Why themes should be found anew, since batches brought so much; "" where they need not.
        uncovered: Transcripts that wait for the next batch or analysis.
        alarms: What drifts, and nobody has looked into: kind, subject, batch.
        last_word: What somebody last said to finding themes anew, with the run; None before the first.
    """

    name: str
    transcripts: int
    participants: int
    segments: int
    codebook: str
    coders: dict[str, int]
    last_run: dict[str, Any] | None
    interrupted: bool
    waiting: int
    outcomes: dict[str, int]
    failed: list[str]
    usage: dict[str, Any]
    cost: Cost
    batches: list[dict[str, Any]]
    left: dict[str, int]
    lacking: list[str]
    stale: bool
    older: str = ""
    last_batch: dict[str, Any] | None = None
    edited: bool = False
    due: str = ""
    uncovered: int = 0
    alarms: tuple[dict[str, str], ...] = ()
    last_word: dict[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def status(folder: Path) -> Status:
    """What is in a study, what is coded, what waits, what failed, what it cost.

    Raises:
        StudyError: not a study.
    """
    from belonging_llm.analysis import failed_segments
    from belonging_llm.budget import bill
    from belonging_llm.consent import lacking
    from belonging_llm.importing import split_transcripts
    from belonging_llm.llm import is_loopback
    from belonging_llm.theme_board import board, due

    study = Study(folder)
    split_transcripts(study)
    store = study.store
    segments = store.corpus.segments()
    newest, run = store.runs.latest(finished=False), store.runs.latest()
    interrupted = newest is not None and newest.status == "running"
    under_way = store.parcels.open()
    coded = store.findings.coded(newest.id) if newest else set()
    return Status(
        name=study.settings.name,
        transcripts=len(store.corpus.transcript_ids()),
        participants=len({s.participant for s in segments}),
        segments=len(segments),
        codebook=study.framework().name,
        coders=store.findings.coders(),
        last_run=run.model_dump(include={"id", "status", "started_at", "finished_at", "kind"}) if run else None,
        interrupted=interrupted and newest is not None and newest.id not in {parcel.run_id for parcel in under_way},
        waiting=sum(s.id not in coded for s in segments),
        outcomes=dict(store.findings.outcomes(newest.id)) if newest else {},
        failed=failed_segments(store.findings.codings(newest.id)) if newest else [],
        usage=store.ledger.usage(),
        cost=bill(store.ledger.spending()),
        batches=[told_batch(parcel) | {"of": store.runs.kind_of(parcel.run_id)} for parcel in under_way],
        left={endpoint: n for endpoint, n in store.ledger.endpoints().items() if not is_loopback(endpoint)},
        lacking=lacking(study, (s.participant for s in segments)),
        stale=bool(run and run.counts.get("withdrawn")),
        older=_older(study, newest) if newest else "",
        edited=bool(store.themes.last()) and board(study).stale,
        due=due(study),
        last_batch=_last_batch(study),
        uncovered=len(store.batches.waiting()),
        alarms=tuple(
            {"id": a.id, "kind": a.kind, "subject": a.subject, "batch": a.run_id, "at": a.at}
            for a in store.drift.alarms()
            if a.open
        ),
        last_word=_last_word(study),
    )


def _older(study: Study, run: Run) -> str:
    """Which version of the codebook a run went by; "" where it is the one in use."""
    books, now = study.store.codebooks, study.framework().digest
    was = str(run.settings.get("codebook", {}).get("digest", ""))
    if was in {"", now}:
        return ""
    return f"version {books.number(was) or was[:8]}; in use is version {books.number(now) or now[:8]}"


def _last_word(study: Study) -> dict[str, Any] | None:
    """Who agreed last that themes are found anew, or refused."""
    from belonging_llm.renewal import word_line, words

    said = words(study)
    if not said:
        return None
    run_id, last = said[-1]
    return {"run": run_id, "line": word_line(last), **last.model_dump()}


def _last_batch(study: Study) -> dict[str, Any] | None:
    """The last batch that ended on top of the last analysis."""
    base = study.store.batches.base()
    last = study.store.batches.last(base.id) if base else None
    if last is None:
        return None
    files = [one.outcome for one in study.store.arrivals.of_run(last.id)]
    return {
        "id": last.id,
        "ordinal": last.ordinal,
        "status": last.status,
        "finished_at": last.finished_at,
        "files": {str(outcome): files.count(outcome) for outcome in sorted(set(files))},
        "left": len(last.counts.get("inbox", {}).get("left", ())),
        "outcomes": last.counts.get("batch_outcomes", {}),
        "failed": len(last.counts.get("failed", ())),
    }


def egress(folder: Path) -> list[Left]:
    """Every request that left this process, the first first.

    Raises:
        StudyError: not a study.
    """
    return Study(folder).store.ledger.departures()


def write_report(folder: Path) -> Path:
    """Write `reports/findings.html` for the last finished run; returns its path.

    Raises:
        StudyError: no run has finished yet.
    """
    from belonging_llm.report.findings import render
    from belonging_llm.report.gather import gather

    study = Study(folder)
    target = study.reports / "findings.html"
    write_page(target, render(gather(study)))
    return target


def told_batch(parcel: Parcel) -> dict[str, Any]:
    """What people want to know of questions that went out together."""
    fields = {"remote_id", "state", "status", "errors", "requests", "fates", "made_at", "endpoint"}
    return parcel.model_dump(mode="json", include=fields)


def write_page(target: Path, text: str) -> None:
    """Write a file whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    # Two processes may write the same report.
    partial = target.with_name(f"{target.name}.{os.getpid()}.part")
    partial.write_text(text, encoding="utf-8")
    partial.replace(target)
