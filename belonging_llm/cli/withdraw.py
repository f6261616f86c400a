"""Where words went, and taking somebody's out again."""

from __future__ import annotations

import getpass
import json
from pathlib import Path

import click

from belonging_llm.cli import consent
from belonging_llm.cli.front import JSON, STUDY, main, plainly


@main.command()
@STUDY
@JSON
@plainly
def egress(study: Path, as_json: bool) -> None:
    """List every request that left this program: when, where to, whose words, how much, with which digest.

    Servers on this machine are listed too, marked as such; the embedded models get no request. A
    request is logged before it is tried, and once more for every further try. The words themselves
    are not logged.
    """
    from belonging_llm.summaries import egress_lines
    from belonging_llm.usecases import egress as use_case

    found = use_case(study)
    if as_json:
        rows = [one.model_dump(mode="json") | {"away": one.away} for one in found]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for line in egress_lines(found):
        click.echo(line)


@main.command()
@STUDY
@click.argument("participant")
@click.option("--by", metavar="WHO", help="Who does this, for the certificate.  [the user of this computer]")
@click.option("--yes", is_flag=True, help="Go ahead without asking; nothing of this can be undone.")
@JSON
@plainly
def withdraw(study: Path, participant: str, by: str | None, yes: bool, as_json: bool) -> None:
    """Take PARTICIPANT out of STUDY for good, and write a certificate.

    Transcripts, codings, judgements, vectors, places in themes, the model calls that showed their
    words, notes that quote or name them, attributes and parts in splits, samples and tests go. Where
    others speak in the same transcript their turns are blanked, character for character, and the raw
    file is deleted. In the study's folder rows of theirs leave the tables; reports, and exports and
    other files that hold anything of theirs, are deleted, with what a job on a table keeps beside its
    output. Themes that they were in lose their names. The database is rebuilt so that nothing stays
    in freed pages; Prefect's history goes. Files and texts of theirs are refused when imported again.

    End what runs on the study first: while an analysis, a batch or a test of stability is under way, here or on the
    same database, this is refused; and none begins before it has ended. Interrupted, the same command continues.
    Afterwards run `belonging analyse`: what others said is not asked again, but for the themes.

    STUDY/certificates has the certificate as text and JSON: what was removed, what stays and needs a
    person's eye (codebook, prompts, settings, others who name them), what cannot be reached (copies at
    model providers, by endpoint and time; backups; what was handed out). It calls the participant by
    a reference drawn at random: note it where you keep who took part.
    """
    from belonging_llm.study import Study
    from belonging_llm.usecases import withdraw as use_case
    from belonging_llm.withdrawal import demand, lines

    demand(Study(study), participant)
    question = f"{participant} is taken out of {study} for good; no command brings this back."
    consent.confirm([question], yes=yes, otherwise="nothing was removed")
    made, path = use_case(study, participant, by or getpass.getuser())
    if as_json:
        click.echo(json.dumps(made.model_dump(mode="json"), indent=2, ensure_ascii=False))
        return
    for line in lines(made):
        click.echo(line)
    click.echo(f"certificate: {path}")
    click.echo("now run `belonging analyse`, so that findings are of those who are left")
