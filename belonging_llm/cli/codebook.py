"""The codebook of a study: show it, its history, what versions differ in, and make a new one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from belonging_llm.cli.front import JSON, STUDY, main, plainly

if TYPE_CHECKING:
    from belonging_llm.codebook import Code, Difference, FieldChange, Framework
    from belonging_llm.revising import Proposal
    from belonging_llm.store import Version
    from belonging_llm.study import Study

_SIGNS = {"same": "", "removed": "-", "added": "+"}


@main.group()
def codebook() -> None:
    """Show and change the codebook of a study; every version stays."""


@codebook.command()
@STUDY
@click.option("--version", "wanted", default="last", show_default=True, help="Its number, as the history has it.")
@click.option("--yaml", "as_yaml", is_flag=True, help="As a file that `belonging codebook edit` reads.")
@plainly
def show(study: Path, wanted: str, as_yaml: bool) -> None:
    """Show the codebook of STUDY as a tree, or one of its earlier versions."""
    from belonging_llm.codebook import to_yaml
    from belonging_llm.revising import asked_for, retired
    from belonging_llm.study import Study

    opened = Study(study)
    found = opened.store.codebooks.get(asked_for(opened, wanted).digest)
    if as_yaml:
        click.echo(to_yaml(found), nl=False)
        return
    click.echo(found.name)
    for line in _tree(found):
        click.echo(line)
    for gone in retired(opened) if wanted == "last" else []:
        kept = sum(use.codings for use in gone.uses)
        went = f"merged into {gone.into}" if gone.into else "retired"
        click.echo(f"{went}: {gone.code.id} ({gone.code.name}), last in version {gone.last}; {kept} codings kept")


@codebook.command()
@STUDY
@JSON
@plainly
def history(study: Path, as_json: bool) -> None:
    """Every version of the codebook of STUDY: when, by whom and why."""
    from belonging_llm.study import Study

    versions = Study(study).store.codebooks.versions()
    if as_json:
        click.echo(json.dumps([v.model_dump(mode="json") for v in versions], indent=2, ensure_ascii=False))
        return
    for version in versions:
        click.echo(_version_line(version))


@codebook.command()
@STUDY
@click.argument("before", default="")
@click.argument("after", default="last")
@JSON
@plainly
def diff(study: Path, before: str, after: str, as_json: bool) -> None:
    """What version AFTER of the codebook of STUDY changed against BEFORE; the last two when left out."""
    from belonging_llm.codebook import differ
    from belonging_llm.revising import asked_for
    from belonging_llm.study import Study

    opened = Study(study)
    last = asked_for(opened, after)
    first = asked_for(opened, before) if before else _previous(opened, last)
    books = opened.store.codebooks
    found = differ(books.get(first.digest), books.get(last.digest))
    if as_json:
        click.echo(json.dumps(_as_json(found), indent=2, ensure_ascii=False))
        return
    for line in difference_lines(found):
        click.echo(line)


@codebook.command()
@STUDY
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--restore", metavar="VERSION", default="", help="Instead of FILE: an earlier version, as it was.")
@click.option("--by", default="", metavar="NAME", help="Who changes it.")
@click.option("--reason", default="", help="Why.")
@click.option(
    "--retire", multiple=True, metavar="CODE", help="It may go: codings are kept under it, and count no more."
)
@click.option("--same-meaning", multiple=True, metavar="CODE", help="Other words for the same; codings of it hold.")
@click.option("--preview", is_flag=True, help="Say what would change and what that voids; save nothing.")
@JSON
@plainly
def edit(
    study: Path,
    file: Path | None,
    restore: str,
    by: str,
    reason: str,
    retire: Sequence[str],
    same_meaning: Sequence[str],
    preview: bool,
    as_json: bool,
) -> int:
    """Bring the codebook in FILE into use in STUDY, as a new version.

    \b
    belonging codebook show STUDY --yaml > codebook.yaml      then change the file
    belonging codebook edit STUDY codebook.yaml --preview     what changes, and what that voids
    belonging codebook edit STUDY codebook.yaml --by NAME --reason WHY

    Nothing is deleted: earlier versions stay, and codings stay as they were made. What a change
    voids is said first: verdicts of an opened test split, outcomes of the last analysis, codings of
    codes that go or come to mean something else. A code that people coded with goes only with
    --retire. Ids of codes never change; a new name is a change, a new id is another code.
    """  # noqa: D301 - click looks for the character itself
    from belonging_llm import revising
    from belonging_llm.study import Study

    if (file is None) == (not restore):
        raise click.UsageError("give the file with the codebook, or --restore VERSION")
    opened = Study(study)
    after = _read(file) if file else opened.store.codebooks.get(revising.asked_for(opened, restore).digest)
    proposal = revising.propose(opened, after, same_meaning)
    if preview:
        _show(proposal, as_json=as_json)
        return 0
    if not as_json:
        _show(proposal, as_json=False)
    saved = revising.save(
        opened,
        after,
        by=by,
        reason=reason,
        base=proposal.before.digest,
        keep=retire,
        same_meaning=same_meaning,
    )
    click.echo(json.dumps(_proposed(proposal) | {"version": saved.number}) if as_json else _version_line(saved))
    return 0


@codebook.command()
@STUDY
@click.argument("code")
@click.option("--into", required=True, metavar="CODE", help="The code that it is merged into.")
@click.option("--by", default="", metavar="NAME", help="Who merges them.")
@click.option("--reason", default="", help="Why.")
@click.option("--preview", is_flag=True, help="Say what that means for people's codings; save nothing.")
@JSON
@plainly
def merge(study: Path, code: str, into: str, by: str, reason: str, preview: bool, as_json: bool) -> None:
    """Merge CODE into another in STUDY: what people said of it counts as said of the other.

    Nobody's coding is rewritten: agreement, learning, queues and exports read them through the
    codebook in use, so that restoring the version before (`belonging codebook edit STUDY
    --restore N`) undoes it. Segments that a person gave both codes with different polarities are
    named. Change the definition of the code that stays, so that it holds for both.
    """
    from belonging_llm import revising
    from belonging_llm.study import Study

    opened = Study(study)
    base = opened.framework().digest
    after = revising.with_merged(opened, code, into, base)
    proposal = revising.propose(opened, after)
    if preview or not as_json:
        _show(proposal, as_json=as_json)
    if preview:
        return
    saved = revising.save(opened, after, by=by, reason=reason, base=base)
    click.echo(json.dumps(_proposed(proposal) | {"version": saved.number}) if as_json else _version_line(saved))


def difference_lines(found: Difference) -> Iterator[str]:
    """A difference for a terminal: texts word by word, as in a patch."""
    if not found:
        yield "nothing changed"
    for change in found.head:
        yield f"codebook, {change.field}: {_marked(change)}"
    for code in found.added:
        yield f"added: {code.id} ({code.name})"
    for code in found.removed:
        yield f"removed: {code.id} ({code.name})"
    for changed in found.changed:
        for change in changed.fields:
            yield f"{changed.code.id}, {change.field}: {_marked(change)}"
    if found.reordered:
        yield "the codes stand in another order"


def _marked(change: FieldChange) -> str:
    marked = "".join(
        piece.text if piece.kind == "same" else f"[{_SIGNS[piece.kind]}{piece.text}{_SIGNS[piece.kind]}]"
        for piece in change.pieces
    )
    return " | ".join(marked.split("\n"))


def _read(file: Path) -> Framework:
    from belonging_llm import codebook as codebooks
    from belonging_llm import tables

    if file.suffix.lower() in {".yaml", ".yml"}:
        return codebooks.read_yaml(file)
    return codebooks.from_rows(tables.read_rows(file, "code"), name=file.stem, place=str(file))


def _show(proposal: Proposal, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(_proposed(proposal), indent=2, ensure_ascii=False))
        return
    for line in difference_lines(proposal.difference):
        click.echo(line)
    for line in proposal.voids.lines:
        click.echo(f"voids: {line}")
    for leak in proposal.leaks:
        click.echo(f"cannot be saved: {leak.place} holds words of test segment {leak.segment_id}")


def _proposed(proposal: Proposal) -> dict[str, Any]:
    leaks = [{"place": leak.place, "segment_id": leak.segment_id} for leak in proposal.leaks]
    return {"difference": _as_json(proposal.difference), "voids": list(proposal.voids.lines), "leaks": leaks}


def _as_json(found: Difference) -> dict[str, Any]:
    return {
        "added": [code.id for code in found.added],
        "removed": [code.id for code in found.removed],
        "changed": {c.code.id: {f.field: [f.before, f.after] for f in c.fields} for c in found.changed},
        "head": {f.field: [f.before, f.after] for f in found.head},
        "reordered": found.reordered,
    }


def _tree(framework: Framework) -> Iterator[str]:
    for depth, code in framework.tree:
        heading = "" if code.assignable else ", a heading"
        yield f"{'  ' * depth}{code.name} ({code.id}, {code.kind}{heading}): {_brief(code)}"


def _brief(code: Code, most: int = 80) -> str:
    text = " ".join(code.definition.split())
    return text if len(text) <= most else f"{text[:most].rsplit(' ', 1)[0]} …"


def _version_line(version: Version) -> str:
    who = version.by or "nobody named"
    return f"{version.number}  {version.at[:16]}  {version.digest[:8]}  {who}: {version.reason or 'no reason given'}"


def _previous(study: Study, last: Version) -> Version:
    return next((v for v in reversed(study.store.codebooks.versions()) if v.number < last.number), last)
