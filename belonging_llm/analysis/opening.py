"""Open a run, or find the one that already answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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


@dataclass(frozen=True)
class Survey:
    """A study as an analysis finds it, before anything is begun.

    Attributes:
        inputs: Everything that shapes the result; `digest` is that of it.
        answered: The complete run that already answers these inputs, if the last one does.
        interrupted: The run that would be continued.
    """

    bench: Workbench
    inputs: dict[str, Any]
    digest: str
    answered: Run | None
    interrupted: Run | None


def survey(job: Job) -> Survey:
    """Cut new transcripts, and see what there is to do.

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
    of_inputs = digest(inputs)
    last = bench.store.runs.latest()
    answered = last if last and last.status == "complete" and last.inputs_digest == of_inputs else None
    if answered is None:
        bench.demand_consent(bench.model)
    return Survey(bench, inputs, of_inputs, answered, bench.store.runs.interrupted(of_inputs))


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
    seen = survey(job)
    if seen.answered:
        return seen.answered, True
    bench = seen.bench
    agree(bench, seen.interrupted)
    run = bench.store.runs.start(seen.digest, seen.inputs | {"versions": versions()})
    if bench.model is not None and bench.model.endpoint and not is_loopback(bench.model.endpoint):
        bench.store.runs.note(run.id, consent=consent.basis(bench.study))
    return run, False
