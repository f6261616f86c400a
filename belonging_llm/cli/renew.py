"""Agree that themes are found anew, or refuse."""

from __future__ import annotations

from pathlib import Path

import click

from belonging_llm.cli.front import STUDY, main, plainly


@main.command()
@STUDY
@click.option("--by", required=True, metavar="NAME", help="Who says so; kept with the run.")
@click.option("--reason", required=True, metavar="TEXT", help="Why; kept with the run. No participant's words.")
@click.option("--refuse", is_flag=True, help="Leave themes as they are.")
@plainly
def renew(study: Path, by: str, reason: str, refuse: bool) -> None:
    """Agree that the themes of STUDY are found anew by its schedule, or refuse.

    A scheduled batch never makes new themes. When they are due, since a fifth more came in or since more new segments
    fit no theme than chance explains, a run of `belonging schedule` asks, and waits for an hour or as long as its
    --wait says. This answers it. When nobody waits any more, agreeing starts a run by an event, days later too;
    refusing is put on record. Whoever answered and why is kept with the run; `belonging status` shows the last word.
    While themes stay due, every further batch asks again; `belonging drift --acknowledge` settles an alarm for good.

    The schedule has to be served, on this machine or at PREFECT_API_URL. Without one, `belonging batch --recode` finds
    themes anew, and whoever starts it has agreed.
    """
    from belonging_llm.sign_offs import sign_off

    click.echo(sign_off(study, agree=not refuse, by=by, reason=reason))
