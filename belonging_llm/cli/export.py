"""Take a study to other programs."""

from __future__ import annotations

import json
from pathlib import Path

import click

from belonging_llm.cli.front import JSON, STUDY, main, plainly


@main.command()
@STUDY
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--to",
    "kind",
    type=click.Choice(["refi", "qdc", "csv", "xlsx", "parquet"]),
    help="What to write; taken from OUT's ending when left out.",
)
@click.option("--without-model", is_flag=True, help="Leave out what the model said, for people who are to code blind.")
@JSON
@plainly
def export(study: Path, out: Path, kind: str | None, without_model: bool, as_json: bool) -> None:
    """Write STUDY to OUT for another program; what is there is replaced.

    \b
    refi     a REFI-QDA project (.qdpx) for ATLAS.ti, NVivo, MAXQDA, QualCoder, …
    qdc      the codebook alone as REFI-QDA (.qdc)
    xlsx     a workbook of all tables, with a data dictionary
    csv      a folder of tables with data-dictionary.json; a file OUT.csv has the codings alone
    parquet  likewise

    A project has the sources, the codebook, people's codings under each coder, the model's under a
    user called model:… with polarity, confidence, evidence and origin as notes, themes as sets, and
    participants as cases. The same study always gives the same bytes. What the format has no place
    for is named. In spreadsheets' formats text that would be taken for a formula begins with an
    apostrophe, and the dictionary says how often.
    """  # noqa: D301 - click looks for the character itself
    from belonging_llm.exchange.exporting import export as write
    from belonging_llm.study import Study

    done = write(Study(study), out, kind, model=not without_model)
    if as_json:
        content = {"kind": done.kind, "files": list(map(str, done.files)), "counts": done.counts, "notes": done.notes}
        click.echo(json.dumps(content, indent=2, ensure_ascii=False))
        return
    click.echo(f"{out}: " + ", ".join(f"{n} {what.replace('_', ' ')}" for what, n in done.counts.items()))
    for note in done.notes:
        click.echo(f"  {note}")
