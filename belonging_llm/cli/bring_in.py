"""Make a study and bring files into it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from belonging_llm.cli.front import JSON, STUDY, main, plainly
from belonging_llm.cli.speakers import table_lines

if TYPE_CHECKING:
    from belonging_llm.importing import Imported
    from belonging_llm.speaker_table import SpeakerRow


@main.command()
@STUDY
@click.option("--framework", default="odl-belonging", show_default=True, help="A built-in framework's id, or a file.")
@click.option("--sample", is_flag=True, help="Copy in the synthetic sample interviews and their gold codings.")
@plainly
def init(study: Path, framework: str, sample: bool) -> None:
    """Make the folder STUDY with its settings (study.toml), database and report folders."""
    from belonging_llm.importing import import_paths
    from belonging_llm.study import create

    made = create(study, framework=framework, sample=sample)
    click.echo(f"{made.folder}: study made, with the codebook {made.framework().name}")
    if sample:
        _show(import_paths(made, [study / "transcripts", study / "participants.csv", study / "gold"]), as_json=False)


@main.command("import")
@STUDY
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--kind",
    type=click.Choice(
        ["transcripts", "turns", "segments", "codings", "coded-by", "codebook", "participants", "speakers", "refi"]
    ),
    help="What the files are; found out from ending, content and columns when left out.",
)
@click.option(
    "--changes",
    type=click.Choice(["accept", "reject"]),
    help="Read documents with tracked changes as if all, or none, were made; refused when left out.",
)
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="PART=NAME",
    help="In tables of turns: which column is the speaker, text, question, participant, transcript; repeatable.",
)
@click.option(
    "--codebook",
    type=click.Choice(["auto", "theirs", "ours", "both"]),
    default="auto",
    show_default=True,
    help="When a project brings another codebook than the study's: use it, leave it, or add its codes.",
)
@click.option(
    "--offsets",
    default="auto",
    show_default=True,
    metavar="HOW",
    help="How a project counts characters: auto, best (however badly it fits), or code-point or utf-16, with -lf or "
    "-crlf (a line end counts one or two) and -bom (the mark counts).",
)
@click.option("--project", default="", metavar="NAME", help="Which project of a Taguette database that holds several.")
@JSON
@plainly
def import_(
    study: Path,
    paths: Sequence[Path],
    kind: str | None,
    changes: str | None,
    columns: Sequence[str],
    as_json: bool,
    **wish: str,
) -> int:
    """Bring files (or folders of files) into STUDY; a file already in changes nothing.

    \b
    transcripts   .txt, .md with speaker labels, or prose with front matter; .docx, .odt with labels or
                  a table of two columns; .vtt, .srt of Zoom, Teams and others; .pdf with text
    turns         table: a row for every turn or answer; columns are found by their heading or content
    segments      table: segment_id, document_id, text [participant_id, speaker, …]
    codings       table: segment_id, coder, code [polarity, evidence]; an empty code: none applies
    coded-by      table: segment_id, coder (who judged what)
    codebook      table: code, name, definition [include, exclude, examples, parent, kind]; or .yaml
    participants  table: participant_id and any attributes
    speakers      STUDY/speakers.csv, as you corrected it: who asks, who is which participant
    refi          another program's project: REFI-QDA (.qdpx) from ATLAS.ti, NVivo, MAXQDA, QualCoder, …;
                  a Taguette database (.sqlite3); a QualCoder project (a .qda folder). A REFI-QDA
                  codebook (.qdc) is a codebook.

    A project's users become coders, its codes the codebook, its codings are kept as they were drawn
    and carried over to the segments that they touch, its notes and cases come along. What cannot be
    kept is named; codings that are lost make the exit code 1.

    What was left out, joined or assumed is said for every file. Then come the speakers that were
    found: look them over, and correct them with `belonging speakers` before the analysis.
    """  # noqa: D301 - click looks for the character itself
    from belonging_llm.exchange import Wish
    from belonging_llm.importing import Kind, import_paths
    from belonging_llm.study import Study
    from belonging_llm.transcripts import Changes, Options

    options = Options(Changes(changes) if changes else None, dict(map(_part, columns)))
    done = import_paths(Study(study), list(paths), Kind(kind) if kind else None, Wish(**wish), options=options)
    return _show(done, as_json=as_json)


def _part(text: str) -> tuple[str, str]:
    part, sign, name = text.partition("=")
    if not sign:
        raise click.UsageError(f"--column {text}: say which part the column is, as in --column text=Answer")
    return part.strip(), name.strip()


def _show(done: Sequence[Imported], *, as_json: bool) -> int:
    """One line a file; the exit code says whether anything went wrong."""
    if as_json:
        rows = [
            {"file": str(d.path), "kind": d.kind, "added": d.added, "note": d.note, "problem": d.problem}
            | ({"details": list(d.details)} if d.details else {})
            | ({"speakers": [row.model_dump(mode="json") for row in d.speakers]} if d.speakers else {})
            for d in done
        ]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    for item in done:
        if not as_json and item.kind and (item.added or not item.problem):
            click.echo(f"{item.path.name}: {_what(item)}" + (f" ({item.note})" if item.note else ""))
            for line in item.details:
                click.echo(f"  {line}")
        if item.problem:
            click.echo(f"belonging: {item.problem}", err=True)
    if not as_json:
        _show_speakers([row for item in done for row in item.speakers])
    return 1 if any(item.problem for item in done) else 0


def _what(item: Imported) -> str:
    """How many of what came in."""
    kind = {"refi": "codings", "turns": "transcripts"}.get(str(item.kind), str(item.kind))
    return f"{item.added} {kind.removesuffix('s') if item.added == 1 else kind}"


def _show_speakers(found: Sequence[SpeakerRow], most: int = 40) -> None:
    """The speakers that were found, to be looked over."""
    if not found:
        return
    click.echo("speakers found:")
    for line in table_lines(found[:most]):
        click.echo(f"  {line}")
    more = f"{len(found) - most} more are in speakers.csv. " if len(found) > most else ""
    click.echo(f"{more}Wrong? Change speakers.csv in the study's folder, or see `belonging speakers --help`.")
