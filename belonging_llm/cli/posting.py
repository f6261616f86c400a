"""Options of commands that may send questions together instead of asking one by one."""

from __future__ import annotations

from copy import copy

import click


class Renamed(click.Option):
    """An option whose help shows its first name; the others are those of earlier versions, and still work."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """See `click.Option.get_help_record`."""
        shown = copy(self)
        shown.opts = self.opts[:1]
        return click.Option.get_help_record(shown, ctx)


_HELP = "Send questions about segments together, through the endpoint's Batch API: slower, and cheaper."
BATCH_API = click.option("--batch-api", is_flag=True, help=_HELP)
BATCH_API_RENAMED = click.option("--batch-api", "--batch", "batch_api", cls=Renamed, is_flag=True, help=_HELP)
PATIENCE = click.option(
    "--patience",
    type=click.FloatRange(0),
    metavar="MINUTES",
    help="How long to wait for their replies; 0 sends and leaves. Without it, until they are there.",
)
RECALL = click.option(
    "--recall", is_flag=True, help="Have what was sent together and has no reply cancelled, and go on without."
)


def demand_one(*, batch_api: bool, recall: bool) -> None:
    """Refuse to send and to call back at once.

    Raises:
        UsageError: both are wanted.
    """
    if batch_api and recall:
        raise click.UsageError("--batch-api sends and --recall cancels: give one of them")
