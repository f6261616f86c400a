"""Have somebody agree to what a model elsewhere is asked and costs, before anything is sent."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import click

from belonging_llm.cli.front import EMBEDDER, LLM
from belonging_llm.errors import InputError
from belonging_llm.pacing import CONCURRENCY as SIDE_BY_SIDE

if TYPE_CHECKING:
    from belonging_llm.usecases import Offer

BUDGET = click.option("--budget", type=click.FloatRange(0), metavar="USD", help="Stop when the run has cost so much.")
CALLS = click.option(
    "--calls", type=click.IntRange(0), metavar="N", help="Stop when the run has made so many model calls."
)
YES = click.option("--yes", is_flag=True, help="Agree beforehand to what a model elsewhere is asked and costs.")
ALLOW_REMOTE = click.option(
    "--allow-remote",
    is_flag=True,
    help="Let the text leave this machine, if --llm names a remote service: you state that everybody whose words the "
    "table holds has agreed to that.",
)
CONCURRENCY = click.option(
    "--concurrency",
    type=click.IntRange(1, 256),
    metavar="N",
    default=SIDE_BY_SIDE,
    show_default=True,
    help="Requests side by side where the model runs on a server.",
)


def MODELS(command: Callable[..., Any]) -> Callable[..., Any]:
    """Which models a command without a study may use, where, and for how much."""
    for option in reversed((LLM, EMBEDDER, ALLOW_REMOTE, CONCURRENCY, BUDGET, CALLS, YES)):
        command = option(command)
    return command


def agree(offer: Offer, *, yes: bool) -> None:
    """Show what a run may cost and have it agreed to.

    Raises:
        InputError: nobody agrees, or nobody is there to.
    """
    from belonging_llm.summaries import offer_lines

    confirm(offer_lines(offer), yes=yes)


def confirm(lines: Iterable[str], *, yes: bool, otherwise: str = "nothing was sent") -> None:
    """Show what would be asked and have it agreed to.

    Args:
        otherwise: What there is to say of it where nobody agrees.

    Raises:
        InputError: nobody agrees, or nobody is there to.
    """
    for line in lines:
        click.echo(line, err=True)
    if yes:
        return
    if not _somebody_is_there():
        raise InputError(f"nobody is at a terminal to agree to this; {otherwise}. Add --yes to go ahead")
    try:
        agreed = click.confirm("Go ahead?", err=True)
    except click.Abort:
        raise KeyboardInterrupt from None
    if not agreed:
        raise InputError(f"stopped; {otherwise}")


def _somebody_is_there() -> bool:
    return sys.stdin.isatty()
