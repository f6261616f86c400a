"""Analyse a study, and say how far it is."""

from __future__ import annotations

import json
from pathlib import Path

import click

from belonging_llm.cli import consent
from belonging_llm.cli.consent import BUDGET, CALLS, YES
from belonging_llm.cli.front import JSON, STUDY, main, plainly
from belonging_llm.cli.posting import BATCH_API_RENAMED, PATIENCE, RECALL, demand_one


@main.command()
@STUDY
@click.option(
    "--llm",
    help="local, local:FILE.gguf, openai:MODEL, langchain:PROVIDER:MODEL, http://HOST:PORT/v1#MODEL, or none.",
)
@click.option("--embedder", help="local, all-MiniLM-L6-v2, all-mpnet-base-v2, or the folder of a model.")
@BUDGET
@CALLS
@BATCH_API_RENAMED
@PATIENCE
@RECALL
@click.option(
    "--dask",
    default="",
    metavar="N|ADDRESS",
    help="Spread embedding and coding over N processes, or over the Dask scheduler at tcp://HOST:PORT.",
)
@YES
@JSON
@plainly
def analyse(
    study: Path,
    llm: str | None,
    embedder: str | None,
    budget: float | None,
    calls: int | None,
    batch_api: bool,
    patience: float | None,
    recall: bool,
    dask: str,
    yes: bool,
    as_json: bool,
) -> int:
    """Analyse STUDY: segments, embeddings, themes, codings, report.

    Resumes where an interrupted run stopped; without any change it makes no model call. Text
    leaves this machine only if --llm names a remote service and study.toml allows it.

    Before a remote service is asked anything, an estimate of calls, tokens and money is shown and
    has to be agreed to. --budget and --calls count the whole run, interruptions included: once one
    is reached no further call begins, the command ends with exit code 3, and a rerun with a higher
    limit continues. Calls in flight are still paid for.

    With --batch-api, a model at openai:MODEL (or at a server with the same routes) gets the questions
    about segments as files and answers within 24 hours, at OpenAI for half the price. When
    --patience is over the command ends with exit code 3; the same command later collects the
    replies. Nothing that is under way is sent again. A batch is sent only as far as its questions
    would fit into --budget and --calls whatever comes back.
    """
    demand_one(batch_api=batch_api, recall=recall)
    from belonging_llm.summaries import analysis_lines
    from belonging_llm.usecases import analyse as use_case

    result = use_case(
        study,
        llm,
        embedder,
        agree=lambda offer: consent.agree(offer, yes=yes),
        budget=budget,
        calls=calls,
        batch=batch_api,
        patience=patience,
        recall=recall,
        dask=dask,
    )
    if as_json:
        click.echo(json.dumps(result.as_json(), indent=2, ensure_ascii=False))
    else:
        for line in analysis_lines(result):
            click.echo(line)
    return 0 if result.complete else 3


@main.command()
@STUDY
@JSON
@plainly
def status(study: Path, as_json: bool) -> None:
    """Say what is in STUDY, what is coded, what waits, what failed, and what it took and cost so far."""
    from belonging_llm.summaries import status_lines
    from belonging_llm.usecases import status as use_case

    result = use_case(study)
    if as_json:
        click.echo(json.dumps(result.as_json(), indent=2, ensure_ascii=False))
        return
    for line in status_lines(result):
        click.echo(line)


@main.command()
@STUDY
@plainly
def report(study: Path) -> None:
    """Write the findings report of STUDY's last run again: reports/findings.html."""
    from belonging_llm.usecases import write_report

    click.echo(f"report: {write_report(study)}")
