"""Everything coded anew, new material included: the whole analysis in place of a batch."""

from __future__ import annotations

from pathlib import Path

from belonging_llm.batch import BatchJob
from belonging_llm.batch.intake import bring_in
from belonging_llm.inbox import Inbox, look
from belonging_llm.study import Study
from flows.analyse import analyse


def recode_everything(job: BatchJob) -> str:
    """Bring in what lies in the inbox and analyse the whole study; returns the run's id."""
    study = Study(Path(job.folder))
    inbox = Inbox(study, job.inbox)
    bring_in(study, inbox, look(study, inbox), None)
    run_id = str(analyse(job.folder, job.llm, job.embedder, job.budget, job.calls))
    study.store.arrivals.ascribe(run_id)
    study.store.close()
    return run_id
