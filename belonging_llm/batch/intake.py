"""Bring in what lies in the inbox, cut it, and give the batch all that waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from belonging_llm import speaker_table
from belonging_llm.batch.job import BatchJob
from belonging_llm.batch.opening import failed_before
from belonging_llm.importing import split_transcripts
from belonging_llm.inbox import Inbox, Look, take_in
from belonging_llm.store import Arrival, Run
from belonging_llm.study import Study


@dataclass(frozen=True)
class Intake:
    """How much a batch has to do."""

    transcripts: int
    retried: int


def intake(job: BatchJob, run: Run, found: Look) -> Intake:
    """Bring files in and take up what waits; a batch that did so before it was interrupted keeps what it has.

    Raises:
        InputError: a person changed the table of speakers in a way that cannot be followed.
    """
    study = Study(Path(job.folder))
    store = study.store
    if "took_up" not in store.runs.get(run.id).counts:
        bring_in(study, Inbox(study, job.inbox), found, run.id)
        base = store.batches.base()
        assert base is not None  # noqa: S101 - the batch stands on one
        # Files of a recoding that was cut off and never went on.
        store.arrivals.ascribe(run.id, _of(study, store.batches.waiting()))
        store.batches.take_up(run.id, failed_before(study, base))
    done = Intake(len(store.batches.parts(run.id)), len(store.batches.retried(run.id)))
    store.close()
    return done


def _of(study: Study, transcripts: Sequence[str]) -> list[Arrival]:
    """Files that these came from and that no run has told of."""
    taken = set(transcripts)
    loose = study.store.arrivals.of_run(None)
    return [one for one in loose if taken & study.store.batches.came_from(one.digest)]


def bring_in(study: Study, inbox: Inbox, found: Look, run_id: str | None) -> None:
    """Import files and cut all that waits.

    Args:
        run_id: The batch on whose behalf; None where it has no id yet.
    """
    by_hand = study.store.batches.waiting()
    if by_hand:
        speaker_table.take_up(study, by_hand)
    taken = take_in(study, inbox, found.ready, run_id)
    split_transcripts(study, study.store.batches.waiting())
    if run_id is not None:
        left = [list(one) for one in (*found.left, *taken.left)]
        study.store.runs.note(run_id, inbox={"left": left, "kept_out": found.kept_out + taken.kept_out})
