"""Open a batch, or find the one that was interrupted; or find that there is nothing to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from belonging_llm import forecast as forecasting
from belonging_llm.analysis import Workbench
from belonging_llm.batch.bench import BatchBench
from belonging_llm.batch.job import BatchJob
from belonging_llm.changes import IN_WORDS, Cause, causes
from belonging_llm.errors import StudyError
from belonging_llm.forecast import Forecast
from belonging_llm.inbox import Inbox, Look, look
from belonging_llm.provenance import digest, versions
from belonging_llm.segments import Segment
from belonging_llm.store import Base, Run
from belonging_llm.study import Study


@dataclass(frozen=True)
class Opened:
    """What there is to do.

    Attributes:
        run: The batch to work on; None where nothing came in.
        look: What lies in the inbox.
    """

    run: Run | None
    look: Look


def open_batch(job: BatchJob) -> Opened:
    """Look into the inbox, and begin a batch where material is new; what failed before waits for that.

    A segment that fails whenever it is asked about would else make every look at an empty inbox a batch that is paid
    for, sentinels included.

    Raises:
        StudyError: nothing was analysed yet; or other models, prompts, settings or another codebook are in use than
            in the last analysis, so that a batch could not be laid beside it.
    """
    study = Study(Path(job.folder))
    base = study.store.batches.base()
    if base is None:
        raise StudyError(
            f"{study.folder}: nothing was analysed yet, so nothing can be added to; run `belonging analyse`"
        )
    begun = study.store.batches.unfinished(base.id)
    found = look(study, Inbox(study, job.inbox))
    if begun is None and not (found.ready or study.store.batches.waiting()):
        return Opened(None, found)
    bench = Workbench(job.whole)
    shaping = bench.shaping()
    _demand_same(study, base, shaping)
    bench.store.close()
    if begun is None:
        inputs = shaping | {"batch": {"base": base.id}, "versions": versions()}
        begun = study.store.batches.begin(base.id, digest("batch", base.id), inputs)
    return Opened(begun, found)


def failed_before(study: Study, base: Base) -> list[str]:
    """Segments that the last batch failed at; those that the base failed at are for the analysis to try again."""
    last = study.store.batches.last(base.id)
    return list(last.counts.get("failed", ())) if last else []


def forecast(bench: BatchBench, watched: Sequence[Segment] = ()) -> Forecast:
    """What the batch may ask the model at most; weighs the new segments first.

    Args:
        watched: Segments that are asked about again to see whether the model says the same, as often as they are.
    """
    run_id = bench.batch_id
    rows = bench.doubtful(run_id) if bench.weighs else list(bench.open_pairs(run_id))
    asked = [*(bench.segments[row] for row in rows), *watched]
    return forecasting.forecast(asked, bench.framework, bench.prompts, share=1.0, clustered=True, **bench.manner)


def _demand_same(study: Study, base: Base, shaping: Mapping[str, Any]) -> None:
    was = {name: base.settings.get(name) for name in shaping}
    # Another version of this program reads what was learned, or says that it cannot.
    found = [_in_words(study, one) for one in causes(was, shaping) if one.kind != "program"]
    if found:
        raise StudyError(
            f"{study.folder}: a batch is coded as the last analysis was, and this would not be: {'; '.join(found)}. "
            "Put that back, or code everything anew: `belonging batch --recode` (codings of the last analysis and its "
            "batches stay on record)"
        )


def _in_words(study: Study, cause: Cause) -> str:
    """What is another than in the last analysis, and how to have it back where a command does that."""
    what = f"{IN_WORDS[cause.kind]} {cause.name}".rstrip()
    if cause.kind == "codebook":
        return _versions(study, cause)
    if cause.kind == "prompt":
        return f"{what} has another text than in the analysis"
    if cause.kind == "method":
        return f"{what} is another in this version of the program than in the one that made the analysis"
    return f"{what} is {cause.after or 'none'}, in the analysis it was {cause.before or 'not there yet'}"


def _versions(study: Study, cause: Cause) -> str:
    was, now = (study.store.codebooks.number(digest) for digest in (cause.before, cause.after))
    if was is None:
        return f"{IN_WORDS['codebook']} is version {now}, the analysis went by one that is no version any more"
    restore = f"`belonging codebook edit {study.folder} --restore {was}` brings that back"
    return f"{IN_WORDS['codebook']} is version {now}, the analysis went by version {was} ({restore})"
