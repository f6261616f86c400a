"""Replace what identifies people, as they decide."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from belonging_llm.cli.front import JSON, STUDY, main, plainly
from belonging_llm.errors import InputError

if TYPE_CHECKING:
    from belonging_llm.deidentification import Applied, Row
    from belonging_llm.study import Study

PASSPHRASE = "BELONGING_PASSPHRASE"  # noqa: S105 - the variable's name


@main.command()
@STUDY
@click.option("--apply", "do_it", is_flag=True, help="Replace what was decided; needs --key.")
@click.option("--key", "key_file", type=click.Path(path_type=Path), metavar="FILE", help="Key file, outside STUDY.")
@click.option("--model", is_flag=True, help="Look for names with a model as well (needs the extra `deid`).")
@click.option(
    "--originals",
    type=click.Choice(["seal", "leave"]),
    default="seal",
    show_default=True,
    help="With --apply, the raw files in STUDY/transcripts: encrypt them beside the key, or leave them.",
)
@click.option("--forget", is_flag=True, help="With --apply: remove the model's questions and replies with the words.")
@click.option("--reveal", metavar="PSEUDONYM", help="What a pseudonym stands for, as in --reveal '[person-1]'.")
@click.option("--unseal", type=click.Path(path_type=Path), metavar="FOLDER", help="Give the raw files back in FOLDER.")
@JSON
@plainly
def deidentify(
    study: Path,
    do_it: bool,
    key_file: Path | None,
    model: bool,
    originals: str,
    forget: bool,
    reveal: str | None,
    unseal: Path | None,
    as_json: bool,
) -> int:
    """Suggest what identifies people in STUDY, and replace what you decided.

    \b
    belonging deidentify STUDY                      writes STUDY/deidentification.csv
    belonging deidentify STUDY --apply --key FILE   replaces what you decided there
    belonging deidentify STUDY --reveal '[person-1]' --key FILE
    belonging deidentify STUDY --unseal FOLDER --key FILE

    In the table, decision is empty (undecided, nothing happens), yes, no, or the words to stand
    there instead. Add rows for what was not found: nicknames, and whatever tells insiders who
    speaks. Look at everything: rules and models only suggest, and a text without names can still
    identify somebody. Run it again after an import; your decisions stay.

    With --apply the words are replaced in texts, segments, notes and speakers, everywhere alike, in
    brackets; codings and evidence stay where they were. The key FILE is encrypted; keep it apart
    from the study. Its passphrase is asked for, or taken from BELONGING_PASSPHRASE. Where the words
    still stand afterwards (reports, questions to the model, tables) is listed; then exit code is 3.
    """  # noqa: D301 - click looks for the character itself
    from belonging_llm.study import Study

    opened = Study(study)
    if do_it + (reveal is not None) + (unseal is not None) > 1:
        raise click.UsageError("--apply, --reveal and --unseal are different errands; give one")
    if (do_it or reveal is not None or unseal) and key_file is None:
        raise click.UsageError("name the key file with --key FILE, outside the study")
    if reveal is not None and key_file:
        return _reveal(opened, key_file, reveal, as_json=as_json)
    if unseal and key_file:
        return _unseal(opened, key_file, unseal, as_json=as_json)
    if do_it and key_file:
        return _apply(opened, key_file, originals, forget=forget, as_json=as_json)
    return _review(opened, key_file, model=model, as_json=as_json)


def _review(study: Study, key_file: Path | None, *, model: bool, as_json: bool) -> int:
    from belonging_llm.deidentification import FILE, open_key, review
    from belonging_llm.deidentification.entities import ModelNames

    key = open_key(key_file, _passphrase(key_file), study.folder) if key_file else None
    rows = review(study, key, ModelNames() if model else None)
    path = study.folder / FILE
    if as_json:
        click.echo(json.dumps({"table": str(path), **_figures(rows)}, indent=2))
        return 0
    figures = _figures(rows)
    for kind, n in figures["kinds"].items():
        click.echo(f"{kind}: {n}")
    plural = "" if len(rows) == 1 else "s"
    click.echo(f"{path}: {len(rows)} row{plural}, {figures['undecided']} undecided. Nothing is replaced yet.")
    for line in _next(study, figures):
        click.echo(line)
    return 0


def _next(study: Study, figures: dict[str, Any]) -> Iterator[str]:
    decided = figures["to_replace"] and not figures["undecided"]
    if decided:
        yield "Everything here is decided. Read the texts for what is missing, and add it."
    else:
        yield "Decide in the column decision: yes, no, or other words. Add what is missing; read the texts for it."
    yield f"{'Now' if decided else 'Then'} run: belonging deidentify {study.folder} --apply --key FILE"
    yield f"FILE is a key outside the study; its passphrase is asked for, or taken from {PASSPHRASE}."


def _figures(rows: Sequence[Row]) -> dict[str, Any]:
    from belonging_llm.deidentification import counted

    return {
        "rows": len(rows),
        "undecided": sum(not row.decision.strip() for row in rows),
        "to_replace": sum(row.decided is not None for row in rows),
        "kinds": counted(rows),
    }


def _apply(study: Study, key_file: Path, originals: str, *, forget: bool, as_json: bool) -> int:
    from belonging_llm.deidentification import Originals, apply, open_key

    key = open_key(key_file, _passphrase(key_file), study.folder, new=True)
    done = apply(study, key, raw=Originals(originals), forget=forget)
    if as_json:
        click.echo(json.dumps(_as_json(done), indent=2, ensure_ascii=False))
    else:
        for line in _lines(done, key_file):
            click.echo(line)
    return 3 if done.remaining else 0


def _as_json(done: Applied) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(done)


def _lines(done: Applied, key_file: Path) -> Iterator[str]:
    for name, n in done.replaced.items():
        yield f"{name}: {n} replaced"
    times = sum(done.replaced.values())
    yield f"replaced: {times} in {len(done.replaced)} transcripts; {done.undecided} rows undecided"
    yield f"key: {key_file}; keep it, and its passphrase, apart from the study"
    if done.sealed:
        yield f"raw files: {done.sealed} moved to {key_file.name}.originals, encrypted"
    if done.forgotten:
        yield f"questions and replies removed: {done.forgotten}"
    if not done.scrubbed:
        yield "the database is not SQLite: have its owner remove what it keeps of earlier rows (VACUUM FULL, backups)"
    if done.remaining:
        yield "the words still stand here:"
    for place in done.remaining:
        yield f"  {place.where}: {place.times or '?'} ({place.remedy})"
    yield "This replaced what you decided, and does not make the texts anonymous. Copies elsewhere are yours to find."


def _reveal(study: Study, key_file: Path, pseudonym: str, *, as_json: bool) -> int:
    from belonging_llm.deidentification import open_key

    found = open_key(key_file, _passphrase(key_file), study.folder).behind(pseudonym)
    if as_json:
        click.echo(json.dumps({"pseudonym": pseudonym, "words": found}, ensure_ascii=False))
    elif found:
        click.echo("\n".join(found))
    if not found:
        raise InputError(f"{pseudonym}: is not in this key")
    return 0


def _unseal(study: Study, key_file: Path, folder: Path, *, as_json: bool) -> int:
    from belonging_llm.deidentification import open_key, unseal

    found = unseal(open_key(key_file, _passphrase(key_file), study.folder), folder, study)
    click.echo(json.dumps([str(path) for path in found]) if as_json else f"{folder}: {len(found)} raw files")
    return 0


def _passphrase(key_file: Path) -> str:
    """The passphrase, from the environment or a person.

    Raises:
        InputError: nobody is there to ask.
    """
    if given := os.environ.get(PASSPHRASE):
        return given
    if not sys.stdin.isatty():
        raise InputError(f"nobody is at a terminal to type the passphrase; set {PASSPHRASE} for this one command")
    try:
        return str(
            click.prompt("Passphrase of the key", hide_input=True, confirmation_prompt=not key_file.exists(), err=True)
        )
    except click.Abort:
        raise KeyboardInterrupt from None
