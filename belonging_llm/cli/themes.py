"""The themes of a study: show them, change them, undo that, and see what became of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from belonging_llm.cli.front import JSON, STUDY, main, plainly

if TYPE_CHECKING:
    from belonging_llm.themes import Change

BY = click.option("--by", required=True, metavar="NAME", help="Who decides this.")
REASON = click.option("--reason", required=True, metavar="TEXT", help="Why.")


def change(make: Callable[..., Change]) -> Callable[..., None]:
    """A command that keeps the change which a function makes, with who decided it and why."""

    @BY
    @REASON
    @JSON
    @click.pass_obj
    @plainly
    @wraps(make)
    def command(study: Path, by: str, reason: str, as_json: bool, **given: Any) -> int:
        return _revise(study, lambda: make(**given), by, reason, as_json)

    return command


@main.group()
@STUDY
@click.pass_context
def themes(context: click.Context, study: Path) -> None:
    """Show STUDY's themes, and change them: every change is a record and can be undone.

    \b
    belonging themes STUDY list
    belonging themes STUDY merge T1 T2 --into T3 --by ANA --reason "one and the same"
    belonging themes STUDY undo 4 --by ANA --reason "no, it is not"

    Changes stand above any later analysis: names and places in the framework that people gave are
    never overwritten, what they merged stays merged, and segments that they moved stay where they
    were put. `lineage` tells what became of every theme from run to run.
    """  # noqa: D301 - click looks for the character itself
    context.obj = study


@themes.command("list")
@JSON
@click.pass_obj
@plainly
def show(study: Path, as_json: bool) -> int:
    """Show the themes as they stand, with their ids."""
    from belonging_llm.study import Study
    from belonging_llm.theme_board import board, board_lines, board_record, speakers

    opened = Study(study)
    now = board(opened)
    people = speakers(opened, now)
    _say(board_record(now, people), board_lines(now, people), as_json)
    return 0


@themes.command()
@click.argument("themes", nargs=-1, required=True)
@click.option("--into", required=True, metavar="THEME", help="The theme that the others become part of.")
@change
def merge(themes: Sequence[str], into: str) -> Change:
    """Make THEMES part of another, which keeps its id and name."""
    from belonging_llm.themes import Merge

    return Merge(into=into, themes=tuple(themes))


@themes.command()
@click.argument("theme")
@click.argument("segments", nargs=-1, required=True)
@click.option("--name", required=True, help="What the new theme is called.")
@click.option("--definition", default="", help="What it is about.")
@change
def split(theme: str, segments: Sequence[str], name: str, definition: str) -> Change:
    """Make SEGMENTS of THEME a theme of their own, with an id that no theme ever had."""
    from belonging_llm.themes import Split

    return Split(theme=theme, segments=tuple(segments), name=name, definition=definition)


@themes.command()
@click.argument("theme")
@click.argument("name")
@click.option("--definition", default="", help="What it is about.  [as before]")
@change
def rename(theme: str, name: str, definition: str) -> Change:
    """Call THEME something else."""
    from belonging_llm.themes import Rename

    return Rename(theme=theme, name=name, definition=definition)


@themes.command()
@click.argument("segments", nargs=-1, required=True)
@click.option("--to", default="", metavar="THEME", help="Where they belong.  [in no theme]")
@click.option("--from", "source", default="", metavar="THEME", help="The theme that they leave.  [whichever it is]")
@change
def move(segments: Sequence[str], to: str, source: str) -> Change:
    """Put SEGMENTS into another theme, or into none; there they stay."""
    from belonging_llm.themes import Move

    return Move(segments=tuple(segments), to=to, source=source)


@themes.command("map")
@click.argument("theme")
@click.argument("codes", nargs=-1)
@click.option("--outside", is_flag=True, help="It lies outside the framework.")
@change
def remap(theme: str, codes: Sequence[str], outside: bool) -> Change:
    """Say which CODES of the framework THEME speaks of."""
    from belonging_llm.themes import Remap

    return Remap(theme=theme, codes=tuple(codes), outside=outside)


@themes.command()
@click.argument("theme")
@change
def retire(theme: str) -> Change:
    """Say that THEME is none: its segments belong in no theme."""
    from belonging_llm.themes import Retire

    return Retire(theme=theme)


@themes.command()
@click.argument("theme")
@change
def restore(theme: str) -> Change:
    """Bring back a THEME that somebody retired."""
    from belonging_llm.themes import Restore

    return Restore(theme=theme)


@themes.command()
@click.argument("edit", type=int)
@change
def undo(edit: int) -> Change:
    """Take back the record number EDIT (see `lineage`); an undo can be taken back as well."""
    from belonging_llm.themes import Undo

    return Undo(edit=edit)


@themes.command()
@JSON
@click.pass_obj
@plainly
def lineage(study: Path, as_json: bool) -> int:
    """Show what became of every theme, run by run, and what people changed."""
    from belonging_llm.study import Study
    from belonging_llm.theme_board import history, history_lines, history_record

    found = history(Study(study))
    _say(history_record(found), history_lines(found), as_json)
    return 0


def _revise(study: Path, make: Callable[[], Change], by: str, reason: str, as_json: bool) -> int:
    from pydantic import ValidationError

    from belonging_llm.errors import InputError
    from belonging_llm.study import Study
    from belonging_llm.theme_board import edit_line, revise

    try:
        change = make()
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        raise InputError(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}") from error
    made = revise(Study(study), change, by=by, reason=reason)
    _say(made.model_dump(mode="json"), [edit_line(made)], as_json)
    if not as_json:
        click.echo("`belonging report` shows it; `belonging analyse` takes it into the codings")
    return 0


def _say(record: Any, lines: Sequence[str], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(record, indent=2, ensure_ascii=False))
        return
    for line in lines:
        click.echo(line)
