"""What drifts from batch to batch, and who looked into it."""

from __future__ import annotations

import json
from pathlib import Path

import click

from belonging_llm.cli.front import JSON, STUDY, main, plainly
from belonging_llm.errors import InputError


@main.command()
@STUDY
@click.option("--acknowledge", metavar="ID", help="An alarm that somebody has looked into; its id or its beginning.")
@click.option("--by", metavar="NAME", default="", help="Who looked into it.")
@click.option("--reason", metavar="TEXT", default="", help="What it was, and what follows from it.")
@JSON
@plainly
def drift(study: Path, acknowledge: str | None, by: str, reason: str, as_json: bool) -> None:
    """Show what was watched with every batch of STUDY, and every alarm.

    \b
    novelty       new segments that fit no theme are more than is to be expected of new people,
                  or lie closer together: themes should be found anew
    sentinels     the model answers the same questions otherwise than in earlier batches
    endpoint      it gives another name for the model that answers
    distribution  a code is assigned more or less often than to earlier participants

    An alarm is open until somebody acknowledges it. What raised it is left out of what later
    batches are compared with while it is open, and counts as usual from then on; after a changed
    model has been acknowledged, a new series of answers about the sentinels begins.

    How often alarms may be false stands in study.toml, under [drift].
    """  # noqa: D301 - click looks for the character itself
    from belonging_llm.drift.history import acknowledged, history, history_lines

    if acknowledge is None and (by or reason):
        raise InputError("--by and --reason belong to --acknowledge ID")
    found = history(study) if acknowledge is None else acknowledged(study, acknowledge, by=by, reason=reason)
    if as_json:
        click.echo(json.dumps(found.as_json(), indent=2, ensure_ascii=False, allow_nan=False))
        return
    for line in history_lines(found):
        click.echo(line)
