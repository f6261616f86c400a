"""Who speaks in a study's transcripts: show the table, and correct it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from belonging_llm.cli.front import JSON, STUDY, main, plainly

if TYPE_CHECKING:
    from belonging_llm.speaker_table import SpeakerRow


@main.command()
@STUDY
@click.option(
    "--set",
    "decided",
    multiple=True,
    metavar="NAME=WHO",
    help="NAME=interviewer, NAME=boilerplate (left out) or NAME=P07 (a participant); may be given again.",
)
@click.option("--transcript", default="", metavar="NAME", help="Only in this transcript.  [all]")
@JSON
@plainly
def speakers(study: Path, decided: Sequence[str], transcript: str, as_json: bool) -> int:
    """Show who speaks in STUDY's transcripts, and correct who asks and who is which participant.

    The table lies in STUDY/speakers.csv as well. Change the columns role (participant, interviewer,
    boilerplate) and participant there, and run this command: what you changed is taken up. Two
    spellings of one person get the same participant. Transcripts with segments that somebody has
    coded stay as they are.
    """
    from belonging_llm import speaker_table
    from belonging_llm.study import Study

    opened = Study(study)
    wanted = [*speaker_table.edits(opened), *(speaker_table.parse(text, transcript) for text in decided)]
    done = speaker_table.apply(opened, wanted)
    found = speaker_table.rows(opened)
    if as_json:
        click.echo(json.dumps([row.model_dump(mode="json") for row in found], indent=2, ensure_ascii=False))
    else:
        for line in [*table_lines(found), *done.changed]:
            click.echo(line)
        click.echo(f"speakers: {opened.folder / speaker_table.FILE}")
    for problem in done.refused:
        click.echo(f"belonging: {problem}", err=True)
    return 1 if done.refused else 0


def table_lines(found: Sequence[SpeakerRow]) -> list[str]:
    """The table of speakers for a terminal."""
    if not found:
        return []
    names = ("transcript", "speaker", "turns", "words", "role", "participant", "known_by")
    cells = [names, *(tuple(str(getattr(row, name)) for name in names) for row in found)]
    widths = [max(len(line[n]) for line in cells) for n in range(len(names))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
