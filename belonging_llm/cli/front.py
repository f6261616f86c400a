"""The command `belonging` itself, and what its commands share: options, errors, exit codes."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from belonging_llm import __version__
from belonging_llm.errors import BelongingError, DiskFull

INTERRUPTED = 130
STUDY = click.argument("study", type=click.Path(path_type=Path))
JSON = click.option("--json", "as_json", is_flag=True, help="Print figures as JSON on standard output.")
LLM = click.option(
    "--llm",
    default="local",
    show_default=True,
    help="local, local:FILE.gguf, openai:MODEL, langchain:PROVIDER:MODEL, http://HOST:PORT/v1#MODEL, or none.",
)
EMBEDDER = click.option(
    "--embedder",
    default="local",
    show_default=True,
    help="local, all-MiniLM-L6-v2, all-mpnet-base-v2, or the folder of a model.",
)
OUTPUT = click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Table to write.")


def plainly(command: Callable[..., int | None]) -> Callable[..., None]:
    """Errors as one message without a traceback, and the exit code that belongs to them."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            code = command(*args, **kwargs)
        except BelongingError as error:
            click.echo(f"belonging: {error}", err=True)
            sys.exit(error.exit_code)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            full = DiskFull(str(error.filename or "what is to be written"))
            click.echo(f"belonging: {full}", err=True)
            sys.exit(full.exit_code)
        except KeyboardInterrupt:
            click.echo("\nbelonging: interrupted; what is done is kept, and the same command continues", err=True)
            sys.exit(INTERRUPTED)
        sys.exit(code or 0)

    return run


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="belonging")
def main() -> None:
    """Thematic analysis of interviews on belonging, with a language model and people in charge.

    \b
    belonging init STUDY --sample     make a study with the synthetic interviews
    belonging import STUDY FILES      or bring in your own
    belonging analyse STUDY           find themes, code every segment, write the report

    Exit codes: 0 done; 1 bad input or failed; 2 wrong usage; 3 finished incomplete (a rerun
    continues); 130 interrupted (state is kept).
    """  # noqa: D301 - click looks for the character itself
