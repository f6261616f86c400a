"""Everything coded anew, new material included: the whole analysis in place of a batch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from belonging_llm.analysis import Job
from belonging_llm.batch.intake import bring_in
from belonging_llm.batch.job import BatchJob
from belonging_llm.inbox import Inbox, look
from belonging_llm.study import Study


def recode(job: BatchJob, analyse: Callable[[Job], str]) -> str:
    """Bring in what lies in the inbox and analyse the whole study; returns the run's id.

    A batch that was under way is not gone on with: what came in with it is this run's.

    Args:
        analyse: Runs the whole analysis and returns its run's id.
    """
    study = Study(Path(job.folder))
    inbox = Inbox(study, job.inbox)
    bring_in(study, inbox, look(study, inbox), None)
    run_id = analyse(job.whole)
    study.store.arrivals.ascribe(run_id, study.store.arrivals.unclosed(run_id))
    study.store.close()
    return run_id
