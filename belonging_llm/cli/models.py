"""The embedded models' files."""

from __future__ import annotations

from collections.abc import Sequence

import click

from belonging_llm.cli.front import main, plainly


@main.group()
def models() -> None:
    """The embedded models' files: fetched once, verified by sha256, kept in a cache folder."""


@models.command("list")
@plainly
def list_models() -> None:
    """List the known models, their size and licence, and whether they are here."""
    from belonging_llm import model_files

    for name, model in model_files.catalogue().items():
        here = "here" if _is_here(name) else f"not here: belonging models pull {name}"
        click.echo(f"{name:32} {model.kind:8} {model.size / 1e6:7.0f} MB  {model.licence}  {here}")


@models.command()
@click.argument("names", nargs=-1, required=True)
@plainly
def pull(names: Sequence[str]) -> None:
    """Fetch models NAMES, verify their sha256 and keep them; what is here already is left alone."""
    from belonging_llm import model_files
    from belonging_llm.progress import Progress

    for name in names:
        if not _is_here(name):
            with Progress(f"fetching {name} (MB)") as progress:
                model_files.pull(
                    name,
                    progress=lambda done, total, show=progress: show(done >> 20, total >> 20),  # type: ignore[misc]
                    say=lambda line: click.echo(line, err=True),
                )
        click.echo(f"{name}: {model_files.locate(name)}")


@models.command("path")
@click.argument("name")
@plainly
def model_path(name: str) -> None:
    """Print where model NAME lies."""
    from belonging_llm import model_files

    click.echo(model_files.locate(name))


def _is_here(name: str) -> bool:
    from belonging_llm import model_files
    from belonging_llm.errors import ModelFileError

    try:
        model_files.locate(name)
    except ModelFileError:
        return False
    return True
