"""Run batches by the clock."""

from __future__ import annotations

from pathlib import Path

import click

from belonging_llm.cli.consent import BUDGET, CALLS, YES
from belonging_llm.cli.front import STUDY, main, plainly
from belonging_llm.cli.posting import BATCH_API, PATIENCE


@main.command()
@STUDY
@click.option("--cron", required=True, metavar="EXPR", help="When, as five fields of cron: '30 2 * * 1'.")
@click.option(
    "--timezone", default="UTC", show_default=True, metavar="TZ", help="Where those times are: Europe/Berlin."
)
@click.option("--llm", help="As for `belonging analyse`; it has to be the last analysis's.")
@click.option("--embedder", help="As for `belonging analyse`; it has to be the last analysis's.")
@click.option("--inbox", metavar="FOLDER|URL", help="Where to look for new files, in place of study.toml's inbox.")
@click.option("--port", type=click.IntRange(1024, 65535), help="Of the server that is started; a free one without it.")
@click.option(
    "--wait",
    type=click.IntRange(0, 10080),
    default=60,
    show_default=True,
    metavar="MINUTES",
    help="How long a run waits for somebody's word before themes are found anew; 0 asks by event alone.",
)
@BUDGET
@CALLS
@BATCH_API
@PATIENCE
@YES
@plainly
def schedule(
    study: Path,
    cron: str,
    timezone: str,
    llm: str | None,
    embedder: str | None,
    inbox: str | None,
    port: int | None,
    wait: int,
    budget: float | None,
    calls: int | None,
    batch_api: bool,
    patience: float | None,
    yes: bool,
) -> None:
    """Run `belonging batch` on STUDY by the clock, until interrupted.

    Without PREFECT_API_URL a Prefect server is started for the study: on this machine alone, with its records in the
    study's folder and a secret to get in. With it, the schedule goes to that server (and PREFECT_API_AUTH_STRING is
    sent along).

    Two batches never run at once: one that is due while another runs is cancelled, and what came in is for the next.
    Times are local to --timezone. On the nights when clocks change, a batch in the hour that comes twice runs once, and
    one in the hour that is left out runs an hour early. A batch that was cut off, by kill -9
    or by a power cut, is continued by the next one without repeating a model call that was answered. --budget and
    --calls count for each batch.

    With --batch-api questions go out together. A run whose --patience is over ends as `Waiting`, not as failed; the
    next run collects the replies, finishes that batch, and then begins one with what has come in since. Without
    --patience a run waits as long as it takes, a day perhaps, and those that are due meanwhile are cancelled.

    Batches keep the themes there are. When these are due to be found anew, a run asks for somebody's word and waits;
    `belonging renew`, or Resume on the run's page, answers it. It then may spend what a batch may.
    """
    from belonging_llm.batch import BatchJob
    from belonging_llm.schedules import When
    from belonging_llm.schedules import schedule as use_case
    from belonging_llm.study import Study

    settings = Study(study).settings
    models = llm or settings.llm, embedder or settings.embedder
    job = BatchJob(str(study.resolve()), *models, budget, calls, inbox, batch_api, patience)
    use_case(job, When(cron, timezone, port, wait=60 * wait), click.echo, yes=yes)
