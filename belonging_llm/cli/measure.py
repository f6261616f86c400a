"""Look at the environment and the models: `doctor` and `eval`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from belonging_llm.cli import consent
from belonging_llm.cli.consent import ALLOW_REMOTE, BUDGET, CALLS, CONCURRENCY, YES
from belonging_llm.cli.front import EMBEDDER, JSON, main, plainly


@main.command()
@click.argument("study", type=click.Path(path_type=Path), required=False)
@click.option("--llm", metavar="SPEC", help="Look at this model.  [the study's, else local]")
@JSON
@plainly
def doctor(study: Path | None, llm: str | None, as_json: bool) -> int:
    """Find out whether an analysis could run here, of STUDY or at all.

    Looks at Python, packages, disk and model files, then sends the language model at most four
    small requests about made-up text, never interview text: does it answer, obey a JSON schema,
    repeat itself, give log-probabilities, tell its context window? Says what an analysis would
    send elsewhere. A remote service is asked nothing if STUDY does not allow it; without STUDY,
    only when --llm names it. Exit code 1 if something would stop an analysis.
    """
    from belonging_llm.doctor import examine
    from belonging_llm.progress import Progress
    from belonging_llm.summaries import health_lines

    with Progress("looking at models and environment"):
        health = examine(study, llm)
    if as_json:
        click.echo(json.dumps(health.as_json(), indent=2, ensure_ascii=False))
    else:
        for line in health_lines(health):
            click.echo(line)
    return 0 if health.well else 1


@main.command("eval")
@click.argument("suite", type=click.Path(path_type=Path))
@click.option("--data", required=True, type=click.Path(path_type=Path), help="Folder with the suite's tables.")
@click.option("--accept", is_flag=True, help="Keep this result as the accepted one.")
@click.option("--llm", default="none", show_default=True, help="Spec of the language model, or none.")
@click.option(
    "--replies",
    type=click.Path(path_type=Path),
    help="Keep the model's replies in this database.  [beside SUITE where the model runs elsewhere]",
)
@EMBEDDER
@ALLOW_REMOTE
@CONCURRENCY
@BUDGET
@CALLS
@YES
@JSON
@plainly
def evaluate_suite(suite: Path, data: Path, as_json: bool, yes: bool, **given: Any) -> int:
    """Measure coding against people on a data set, as SUITE (a .yaml file) says, and compare with the accepted result.

    The accepted result lies beside the suite. Exit code 1 when a floor of the suite is not reached.
    Without its data a suite is skipped. A model that runs elsewhere is asked under the same rules
    as by `belonging code`; what it answered is kept, so that a stopped suite continues.
    """
    from belonging_llm.summaries import suite_lines
    from belonging_llm.usecases import run_suite

    if not data.is_dir():
        click.echo(f"skipped: {data} is not here")
        return 0
    done = run_suite(suite, data, agree=lambda offer: consent.agree(offer, yes=yes), **given)
    if as_json:
        click.echo(json.dumps(done.found, indent=2, ensure_ascii=False))
    else:
        for line in suite_lines(done.found):
            click.echo(line)
    for line in [*(f"changed: {x}" for x in done.changed), *(f"below its floor: {x}" for x in done.below)]:
        click.echo(line, err=True)
    return 1 if done.below else 0
