"""Bring a study up to date with new material."""

from __future__ import annotations

import json
from pathlib import Path

import click

from belonging_llm.cli import consent
from belonging_llm.cli.consent import BUDGET, CALLS, YES
from belonging_llm.cli.front import JSON, STUDY, main, plainly
from belonging_llm.cli.posting import BATCH_API, PATIENCE, RECALL, demand_one


@main.command()
@STUDY
@click.option("--llm", help="As for `belonging analyse`; it has to be the last analysis's.")
@click.option("--embedder", help="As for `belonging analyse`; it has to be the last analysis's.")
@click.option("--inbox", metavar="FOLDER|URL", help="Where to look for new files, in place of study.toml's inbox.")
@BUDGET
@CALLS
@click.option(
    "--recode", is_flag=True, help="Code everything anew, with what people coded by now, and find themes anew."
)
@BATCH_API
@PATIENCE
@RECALL
@YES
@JSON
@plainly
def batch(
    study: Path,
    llm: str | None,
    embedder: str | None,
    inbox: str | None,
    budget: float | None,
    calls: int | None,
    recode: bool,
    batch_api: bool,
    patience: float | None,
    recall: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Take new files from STUDY's inbox, and code what is new on top of the last analysis.

    The inbox is the folder `inbox` in the study, unless study.toml names another or an fsspec URL. Files in it are
    known by their content, and are never moved or deleted. One that was touched less than `settle` seconds ago, or
    whose name ends like an unfinished download's, is left for the next batch. One that cannot be read is refused with
    its reason, does not stop the others, and is tried again when its content changes.

    Only what is new is embedded, put into the themes there are, and coded with what the last analysis learned. Themes
    keep their names and ids. What a batch costs depends on what is new, not on the study. After a change of codebook,
    prompts, models or settings a batch is refused: --recode then analyses everything anew.

    Killed at any moment, the same command continues. `reports/batches` gets a page for each batch: what came in, what
    failed, what changed, what waits for people, what it cost.

    With --batch-api questions go out together, as with `belonging analyse`. When --patience is over the command ends
    with exit code 3, and the batch keeps its place: run again, the same batch collects its replies and goes on. Files
    that came in meanwhile are for the next one.
    """
    demand_one(batch_api=batch_api, recall=recall)
    from belonging_llm.batch import BatchJob
    from belonging_llm.batch_jobs import batch as use_case
    from belonging_llm.study import Study
    from belonging_llm.summaries import batch_lines

    settings = Study(study).settings
    models = llm or settings.llm, embedder or settings.embedder
    job = BatchJob(str(study.resolve()), *models, budget, calls, inbox, batch_api, patience, recall)
    result = use_case(job, agree=lambda offer: consent.agree(offer, yes=yes), recode=recode)
    if as_json:
        click.echo(json.dumps(result.as_json(), indent=2, ensure_ascii=False))
    else:
        for line in batch_lines(result):
            click.echo(line)
    return 0 if result.complete else 3
