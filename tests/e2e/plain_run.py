"""The analysis as a plain process, without Prefect and without torch: `plain_run.py STUDY LLM [BATCH]`.

Prints the run's id. BATCH makes batches smaller, so that a small study has several.
"""

from __future__ import annotations

import sys

from belonging_llm import analysis
from belonging_llm.adapters import factory
from belonging_llm.adapters.fakes import HashEncoder
from belonging_llm.analysis import Job, cutting
from belonging_llm.errors import BelongingError


def main(folder: str, llm: str, batch: str = "") -> int:
    """Run every stage in its order, as the flow does."""
    factory.encoder = lambda _: HashEncoder()
    cutting.BATCH = int(batch or cutting.BATCH)
    try:
        sys.stdout.write(run_stages(Job(folder, llm, "local")) + "\n")
    except BelongingError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def run_stages(job: Job) -> str:
    """The stages of `flows.analyse`; returns the run's id."""
    run, unchanged = analysis.prepare(job)
    if not unchanged:
        analysis.embed_segments(job)
        analysis.find_themes(job, run.id)
        if analysis.posts(job):
            analysis.send_questions(job, run.id)
        analysis.try_model(job, run.id)
        for rows in analysis.open_batches(job, run.id):
            analysis.code_batch(job, run.id, rows)
        analysis.finish(job, run.id)
    return run.id


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
