"""`belonging`: parse, call one use case, print. Heavy imports wait until a command needs them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from belonging_llm import __version__
from belonging_llm.errors import BelongingError, InputError

if TYPE_CHECKING:
    from belonging_llm.importing import Imported
    from belonging_llm.usecases import Offer

INTERRUPTED = 130
_STUDY = click.argument("study", type=click.Path(path_type=Path))
_JSON = click.option("--json", "as_json", is_flag=True, help="Print figures as JSON on standard output.")


def _plainly(command: Callable[..., int | None]) -> Callable[..., None]:
    """Errors as one message without a traceback, and the exit code that belongs to them."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            code = command(*args, **kwargs)
        except BelongingError as error:
            click.echo(f"belonging: {error}", err=True)
            sys.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("\nbelonging: interrupted; what is done is kept, and the same command continues", err=True)
            sys.exit(INTERRUPTED)
        sys.exit(code or 0)

    return run


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="belonging")
def main() -> None:
    r"""Thematic analysis of interviews on belonging, with a language model and people in charge.

    \b
    belonging init STUDY --sample     make a study with the synthetic interviews
    belonging import STUDY FILES      or bring in your own
    belonging analyse STUDY           find themes, code every segment, write the report

    Exit codes: 0 done; 1 bad input or failed; 2 wrong usage; 3 finished incomplete (a rerun
    continues); 130 interrupted (state is kept).
    """


@main.command()
@_STUDY
@click.option("--framework", default="odl-belonging", show_default=True, help="A built-in framework's id, or a file.")
@click.option("--sample", is_flag=True, help="Copy in the synthetic sample interviews and their gold codings.")
@_plainly
def init(study: Path, framework: str, sample: bool) -> None:
    """Make the folder STUDY with its settings (study.toml), database and report folders."""
    from belonging_llm.importing import import_paths
    from belonging_llm.study import create

    made = create(study, framework=framework, sample=sample)
    click.echo(f"{made.folder}: study made, with the codebook {made.framework().name}")
    if sample:
        _show(import_paths(made, [study / "transcripts", study / "participants.csv", study / "gold"]), as_json=False)


@main.command("import")
@_STUDY
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--kind",
    type=click.Choice(["transcripts", "segments", "codings", "coded-by", "codebook", "participants"]),
    help="What the files are; found out from ending and columns when left out.",
)
@_JSON
@_plainly
def import_(study: Path, paths: Sequence[Path], kind: str | None, as_json: bool) -> int:
    r"""Bring files (or folders of files) into STUDY; a file already in changes nothing.

    \b
    transcripts   .txt or .md with speaker labels, or prose with front matter
    segments      table: segment_id, document_id, text [participant_id, speaker, …]
    codings       table: segment_id, coder, code [polarity, evidence]; an empty code: none applies
    coded-by      table: segment_id, coder (who judged what)
    codebook      table: code, name, definition [include, exclude, examples, parent, kind]; or .yaml
    participants  table: participant_id and any attributes
    """
    from belonging_llm.importing import Kind, import_paths
    from belonging_llm.study import Study

    done = import_paths(Study(study), list(paths), Kind(kind) if kind else None)
    return _show(done, as_json=as_json)


@main.command()
@_STUDY
@click.option(
    "--llm",
    help="local, local:FILE.gguf, openai:MODEL, langchain:PROVIDER:MODEL, http://HOST:PORT/v1#MODEL, or none.",
)
@click.option("--embedder", help="local, all-MiniLM-L6-v2, all-mpnet-base-v2, or the folder of a model.")
@click.option("--budget", type=click.FloatRange(0), metavar="USD", help="Stop when the run has cost so much.")
@click.option("--calls", type=click.IntRange(0), metavar="N", help="Stop when the run has made so many model calls.")
@click.option("--yes", is_flag=True, help="Agree beforehand to what a model elsewhere is asked and costs.")
@_JSON
@_plainly
def analyse(
    study: Path,
    llm: str | None,
    embedder: str | None,
    budget: float | None,
    calls: int | None,
    yes: bool,
    as_json: bool,
) -> int:
    """Analyse STUDY: segments, embeddings, themes, codings, report.

    Resumes where an interrupted run stopped; without any change it makes no model call. Text
    leaves this machine only if --llm names a remote service and study.toml allows it.

    Before a remote service is asked anything, an estimate of calls, tokens and money is shown and
    has to be agreed to. --budget and --calls count the whole run, interruptions included: once one
    is reached no further call begins, the command ends with exit code 3, and a rerun with a higher
    limit continues. Calls in flight are still paid for.
    """
    from belonging_llm.summaries import analysis_lines
    from belonging_llm.usecases import analyse as use_case

    result = use_case(study, llm, embedder, agree=lambda offer: _agree(offer, yes=yes), budget=budget, calls=calls)
    if as_json:
        click.echo(json.dumps(result.as_json(), indent=2, ensure_ascii=False))
    else:
        for line in analysis_lines(result):
            click.echo(line)
    return 0 if result.complete else 3


def _agree(offer: Offer, *, yes: bool) -> None:
    """Show what a run may cost and have it agreed to."""
    from belonging_llm.summaries import offer_lines

    for line in offer_lines(offer):
        click.echo(line, err=True)
    if yes:
        return
    if not _somebody_is_there():
        raise InputError("nobody is at a terminal to agree to this; nothing was sent. Add --yes to go ahead")
    try:
        agreed = click.confirm("Go ahead?", err=True)
    except click.Abort:
        raise KeyboardInterrupt from None
    if not agreed:
        raise InputError("stopped; nothing was sent")


def _somebody_is_there() -> bool:
    return sys.stdin.isatty()


@main.command()
@_STUDY
@_JSON
@_plainly
def status(study: Path, as_json: bool) -> None:
    """Say what is in STUDY, what is coded, what waits, what failed, and what it took and cost so far."""
    from belonging_llm.summaries import status_lines
    from belonging_llm.usecases import status as use_case

    result = use_case(study)
    if as_json:
        click.echo(json.dumps(result.as_json(), indent=2, ensure_ascii=False))
        return
    for line in status_lines(result):
        click.echo(line)


@main.command()
@_STUDY
@_plainly
def report(study: Path) -> None:
    """Write the findings report of STUDY's last run again: reports/findings.html."""
    from belonging_llm.usecases import write_report

    click.echo(f"report: {write_report(study)}")


@main.command()
@_STUDY
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
@_JSON
@_plainly
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
@_STUDY
@click.option("--half-width", default=0.15, show_default=True, help="Wanted reach of kappa's 95 % interval.")
@click.option("--kappa", default=0.7, show_default=True, help="Agreement that is expected.")
@click.option("--participants", type=int, help="How many participants to draw.  [all]")
@click.option("--segments", type=int, help="How many segments to draw.  [what the codes need]")
@click.option("--group", default="", help="A participant attribute whose values must all be covered.")
@click.option("--seed", default=0, show_default=True, help="Of the draw.")
@click.option("--sheet", type=click.Path(path_type=Path), help="Where the coding sheet goes.  [gold/audit-N.csv]")
@_JSON
@_plainly
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
@_STUDY
@click.option("--segments", default=30, show_default=True, type=click.IntRange(5), help="How many.")
@_plainly
def sentinels(study: Path, segments: int) -> None:
    """Fix gold segments of STUDY's development split whose coding is compared from run to run."""
    from belonging_llm.auditing.sentinels import choose
    from belonging_llm.study import Study

    chosen = choose(Study(study), segments)
    click.echo(f"{len(chosen)} sentinels fixed; `belonging evaluate` shows every run's agreement on them")


_LLM = click.option(
    "--llm",
    default="local",
    show_default=True,
    help="local, local:FILE.gguf, openai:MODEL, langchain:PROVIDER:MODEL, http://HOST:PORT/v1#MODEL, or none.",
)
_EMBEDDER = click.option(
    "--embedder",
    default="local",
    show_default=True,
    help="local, all-MiniLM-L6-v2, all-mpnet-base-v2, or the folder of a model.",
)
_OUTPUT = click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Table to write.")


@main.command()
@click.argument("segments", type=click.Path(path_type=Path))
@click.option("--codebook", required=True, type=click.Path(path_type=Path), help="Table or .yaml of the codes.")
@_OUTPUT
@click.option("--examples", type=click.Path(path_type=Path), help="Table segment_id, coder, code to learn from.")
@click.option(
    "--ask-share",
    default=0.3,
    show_default=True,
    type=click.FloatRange(0, 1),
    help="Largest share of segments that the language model is asked about.",
)
@_LLM
@_EMBEDDER
@_plainly
def code(segments: Path, codebook: Path, output: Path, **options: Any) -> int:
    """Code the table SEGMENTS (segment_id, document_id, text), no study needed.

    Every segment gets an outcome for every code: assigned, not_assigned, abstained (left to people)
    or failed; with confidence, evidence as it stands in the text, and a rationale. With examples
    the codes that they teach are learned and confidence is calibrated. What is asked is kept beside
    the output (OUTPUT.study), so that the same command continues after an interruption.
    """
    from belonging_llm.table_jobs import code as job

    done = job(segments, codebook, output, **options)
    for problem in done.problems:
        click.echo(f"belonging: {problem}", err=True)
    click.echo(f"{done.segments} segments coded; {done.learned} codes learned from examples")
    click.echo(", ".join(f"{n} {outcome.replace('_', ' ')}" for outcome, n in sorted(done.outcomes.items())))
    click.echo(f"segments asked about: {done.asked}; model calls: {done.calls}")
    click.echo(f"codings: {done.path}")
    return 0 if done.complete else 3


@main.command()
@click.argument("segments", type=click.Path(path_type=Path))
@_OUTPUT
@click.option("--embeddings", type=click.Path(path_type=Path), help="A .npy file with one row a row of SEGMENTS.")
@_LLM
@_EMBEDDER
@_plainly
def discover(segments: Path, output: Path, **options: Any) -> int:
    """Find themes in the table SEGMENTS (segment_id, document_id, text), no study needed.

    OUTPUT has a row for every segment: segment_id, theme_id, theme, membership; a segment that fits
    no theme has an empty theme_id. With --llm none themes are called by words of their segments.
    """
    from belonging_llm.table_jobs import discover as job

    done = job(segments, output, **options)
    for problem in done.problems:
        click.echo(f"belonging: {problem}", err=True)
    click.echo(f"{len(done.themes)} themes in {done.segments} segments; {done.unassigned} fit none of them")
    for name, n in done.themes.items():
        click.echo(f"  {name}  {n} segments")
    click.echo(f"model calls: {done.calls}")
    click.echo(f"themes: {done.path}")
    return 3 if done.problems else 0


@main.command()
@click.argument("codes", type=click.Path(path_type=Path))
@click.option("--coded-by", type=click.Path(path_type=Path), help="Table segment_id, coder: who judged what.")
@click.option(
    "--segments", type=click.Path(path_type=Path), help="Table segment_id, document_id [participant_id]: for intervals."
)
@click.option("--cluster", help="Column of SEGMENTS whose units are resampled together.  [participant_id, document_id]")
@click.option("--against", metavar="CODER", help="Take this coder as the reference: adds precision, recall and F1.")
@click.option("--single", is_flag=True, help="Every segment has one code: also compare the categories.")
@click.option("--draws", default=2000, show_default=True, type=click.IntRange(100), help="Resamples of participants.")
@click.option("--bca", is_flag=True, help="Bias-corrected and accelerated intervals instead of percentiles.")
@click.option("--seed", default=0, show_default=True, help="Of the resampling.")
@_JSON
@_plainly
def agreement(codes: Path, as_json: bool, **options: Any) -> None:
    r"""Agreement of coders on the table CODES (no study needed), per code and overall.

    \b
    CODES   segment_id, coder, code; one row a code, an empty code says: judged, none applies
            or document_id, start, end, coder, code where people cut the text differently

    Intervals resample participants (or documents) when SEGMENTS says which. A statistic that is
    not defined is null (`undefined`) and says why.
    """
    from belonging_llm.auditing.agreement_lines import agreement_lines
    from belonging_llm.usecases import agreement as use_case

    found, notes = use_case(codes, **options)
    if as_json:
        click.echo(json.dumps(found.as_json() | {"notes": list(notes)}, indent=2, ensure_ascii=False, allow_nan=False))
        return
    for line in agreement_lines(found, notes):
        click.echo(line)


@main.command()
@click.argument("study", type=click.Path(path_type=Path), required=False)
@click.option("--llm", metavar="SPEC", help="Look at this model.  [the study's, else local]")
@_JSON
@_plainly
def doctor(study: Path | None, llm: str | None, as_json: bool) -> int:
    """Find out whether an analysis could run here, of STUDY or at all.

    Looks at Python, packages, disk and model files, then sends the language model at most four
    small requests about made-up text, never interview text: does it answer, obey a JSON schema,
    repeat itself, give log-probabilities, tell its context window? Says what an analysis would
    send elsewhere. A remote service is asked nothing if STUDY does not allow it; without STUDY,
    only when --llm names it. Exit code 1 if something would stop an analysis.
    """
    from belonging_llm.doctor import examine
    from belonging_llm.progress import Progress
    from belonging_llm.summaries import health_lines

    with Progress("looking at models and environment"):
        health = examine(study, llm)
    if as_json:
        click.echo(json.dumps(health.as_json(), indent=2, ensure_ascii=False))
    else:
        for line in health_lines(health):
            click.echo(line)
    return 0 if health.well else 1


@main.command("eval")
@click.argument("suite", type=click.Path(path_type=Path))
@click.option("--data", required=True, type=click.Path(path_type=Path), help="Folder with the suite's tables.")
@click.option("--accept", is_flag=True, help="Keep this result as the accepted one.")
@click.option("--llm", default="none", show_default=True, help="Spec of the language model, or none.")
@_EMBEDDER
@_JSON
@_plainly
def evaluate_suite(suite: Path, data: Path, accept: bool, as_json: bool, **models: str) -> int:
    """Measure coding against people on a data set, as SUITE (a .yaml file) says, and compare with the accepted result.

    The accepted result lies beside the suite. Exit code 1 when a floor of the suite is not reached.
    Without its data a suite is skipped.
    """
    from belonging_llm.summaries import suite_lines
    from belonging_llm.usecases import run_suite

    if not data.is_dir():
        click.echo(f"skipped: {data} is not here")
        return 0
    done = run_suite(suite, data, accept=accept, **models)
    if as_json:
        click.echo(json.dumps(done.found, indent=2, ensure_ascii=False))
    else:
        for line in suite_lines(done.found):
            click.echo(line)
    for line in [*(f"changed: {x}" for x in done.changed), *(f"below its floor: {x}" for x in done.below)]:
        click.echo(line, err=True)
    return 1 if done.below else 0


@main.group()
def models() -> None:
    """The embedded models' files: fetched once, verified by sha256, kept in a cache folder."""


@models.command("list")
@_plainly
def list_models() -> None:
    """List the known models, their size and licence, and whether they are here."""
    from belonging_llm import model_files

    for name, model in model_files.catalogue().items():
        here = "here" if _is_here(name) else f"not here: belonging models pull {name}"
        click.echo(f"{name:32} {model.kind:8} {model.size / 1e6:7.0f} MB  {model.licence}  {here}")


@models.command()
@click.argument("names", nargs=-1, required=True)
@_plainly
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
@_plainly
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


def _show(done: Sequence[Imported], *, as_json: bool) -> int:
    """One line a file; the exit code says whether anything went wrong."""
    if as_json:
        rows = [
            {"file": str(d.path), "kind": d.kind, "added": d.added, "note": d.note, "problem": d.problem} for d in done
        ]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    for item in done:
        if not as_json and item.kind and (item.added or not item.problem):
            what = item.kind.removesuffix("s") if item.added == 1 else item.kind
            click.echo(f"{item.path.name}: {item.added} {what}" + (f" ({item.note})" if item.note else ""))
        if item.problem:
            click.echo(f"belonging: {item.problem}", err=True)
    return 1 if any(item.problem for item in done) else 0


if __name__ == "__main__":
    main()
