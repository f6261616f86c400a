"""Open a run, or find the one that already answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from belonging_llm import consent
from belonging_llm.analysis.bench import Workbench, workbench
from belonging_llm.analysis.job import Job
from belonging_llm.auditing.guarding import search_for_leaks
from belonging_llm.errors import StudyError
from belonging_llm.importing import split_transcripts
from belonging_llm.llm import is_loopback
from belonging_llm.provenance import digest, versions
from belonging_llm.store import Run
from belonging_llm.study import Study


def prepare(job: Job, agree: Callable[[Workbench, Run | None], None] = lambda *_: None) -> tuple[Run, bool]:
    """Cut new transcripts and open a run.

    Args:
        agree: Called when there is work and before anything of it begins, with the interrupted run that would be
            continued, if there is one; it raises what is to stop this.

    Returns:
        The run to work on and False; or the complete run that already answers these inputs and True.

    Raises:
        LeakError: words of the sealed test split stand in the codebook or a prompt.
        ConsentError: words would leave this machine whose speaker did not agree to that.
        StudyError: no participant's talk in the study yet, or a prompt of its own that would not be used.
    """
    workbench.cache_clear()
    study = Study(Path(job.folder))
    split_transcripts(study)
    study.store.close()
    bench = workbench(job)
    if not bench.segments:
        raise StudyError(f"{job.folder}: nothing to analyse; bring interviews in with `belonging import`")
    # Learning splits the participants: what is sealed then must not be in what the model is shown.
    inputs = bench.inputs()
    search_for_leaks(bench.study)
    bench.refuse_idle_wording()
    inputs_digest = digest(inputs)
    last = bench.store.runs.latest()
    if last and last.status == "complete" and last.inputs_digest == inputs_digest:
        return last, True
    bench.demand_consent(bench.model)
    agree(bench, bench.store.runs.interrupted(inputs_digest))
    run = bench.store.runs.start(inputs_digest, inputs | {"versions": versions()})
    if bench.model is not None and bench.model.endpoint and not is_loopback(bench.model.endpoint):
        bench.store.runs.note(run.id, consent=consent.basis(bench.study))
    return run, False
