"""Audit a study against people, and prepare for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from belonging_llm.cli.front import JSON, STUDY, main, plainly


@main.command()
@STUDY
@click.option("--coder", metavar="RUN|CODER", help="Who is judged: a run's id (or its beginning), or a coder's name.")
@click.option(
    "--split",
    type=click.Choice(["development", "calibration", "test"]),
    default="development",
    show_default=True,
    help="Whose segments. `test` opens the sealed split, and that is logged.",
)
@click.option("--by", metavar="NAME", default="", help="Who opens the test split.  [your login name]")
@click.option("--quotes/--no-quotes", default=True, show_default=True, help="Show disagreements verbatim.")
@JSON
@plainly
def evaluate(study: Path, coder: str | None, split: str, by: str, quotes: bool, as_json: bool) -> None:
    """Audit the model of STUDY against its human codings: reports/audit.html and audit.json.

    Verdicts count on the test split alone, and are void when a prompt, the codebook, a model or a
    demand in study.toml changes after it was opened. Words of test segments in a prompt or in the
    codebook stop the command.
    """
    from belonging_llm.auditing.audit_lines import audit_lines
    from belonging_llm.usecases import evaluate as use_case

    found = use_case(study, coder=coder, split=split, who=by, quotes=quotes)
    if as_json:
        click.echo(found.json_path.read_text(encoding="utf-8"))
        return
    for line in audit_lines(found.audit):
        click.echo(line)
    click.echo(f"report: {found.page}")


@main.group()
def audit() -> None:
    """Prepare an audit: what to code twice, and which segments to watch over time."""


@audit.command("plan")
@STUDY
@click.option("--half-width", default=0.15, show_default=True, help="Wanted reach of kappa's 95 % interval.")
@click.option("--kappa", default=0.7, show_default=True, help="Agreement that is expected.")
@click.option("--participants", type=int, help="How many participants to draw.  [all]")
@click.option("--segments", type=int, help="How many segments to draw.  [what the codes need]")
@click.option("--group", default="", help="A participant attribute whose values must all be covered.")
@click.option("--seed", default=0, show_default=True, help="Of the draw.")
@click.option("--sheet", type=click.Path(path_type=Path), help="Where the coding sheet goes.  [gold/audit-N.csv]")
@JSON
@plainly
def audit_plan(study: Path, sheet: Path | None, as_json: bool, **wish: Any) -> None:
    """Say how many segments of STUDY people should code, draw them, and write a blind coding sheet.

    Every segment's chance of being drawn is kept: `belonging evaluate` needs it to correct
    prevalences. Fill in coder and code (one row a code; an empty code says: none applies; a row
    without a coder was not judged) and bring the sheet back with `belonging import`.
    """
    from belonging_llm.auditing.audit_lines import plan_json, plan_lines
    from belonging_llm.usecases import plan_audit

    made, path = plan_audit(study, sheet, **wish)
    if as_json:
        click.echo(json.dumps(plan_json(made, path), indent=2, ensure_ascii=False))
        return
    for line in plan_lines(made, path):
        click.echo(line)


@audit.command()
@STUDY
@click.option("--segments", default=30, show_default=True, type=click.IntRange(5), help="How many.")
@plainly
def sentinels(study: Path, segments: int) -> None:
    """Fix gold segments of STUDY's development split whose coding is compared from run to run."""
    from belonging_llm.auditing.sentinels import choose
    from belonging_llm.study import Study

    chosen = choose(Study(study), segments)
    fixed = f"{len(chosen)} sentinel{'' if len(chosen) == 1 else 's'} fixed"
    click.echo(f"{fixed}; `belonging evaluate` shows every run's agreement on them")
