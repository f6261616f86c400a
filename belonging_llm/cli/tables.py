"""Jobs on plain tables, without a study."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from belonging_llm.cli import consent
from belonging_llm.cli.consent import MODELS
from belonging_llm.cli.front import JSON, OUTPUT, main, plainly

if TYPE_CHECKING:
    from belonging_llm.table_jobs import Coded, Discovered, Means


@main.command()
@click.argument("segments", type=click.Path(path_type=Path))
@click.option("--codebook", required=True, type=click.Path(path_type=Path), help="Table or .yaml of the codes.")
@OUTPUT
@click.option("--examples", type=click.Path(path_type=Path), help="Table segment_id, coder, code to learn from.")
@click.option(
    "--ask-share",
    default=0.3,
    show_default=True,
    type=click.FloatRange(0, 1),
    help="Largest share of segments that the language model is asked about.",
)
@MODELS
@JSON
@plainly
def code(
    segments: Path, codebook: Path, output: Path, examples: Path | None, ask_share: float, as_json: bool, **means: Any
) -> int:
    """Code the table SEGMENTS (segment_id, document_id, text), no study needed.

    Every segment gets an outcome for every code: assigned, not_assigned, abstained (left to people)
    or failed; with confidence, evidence as it stands in the text, and a rationale. With examples
    the codes that they teach are learned and confidence is calibrated. What is asked is kept beside
    the output (OUTPUT.study), so that the same command continues after an interruption.

    Text leaves this machine only with --allow-remote, and a model that runs elsewhere is asked only
    after somebody agreed to an estimate of calls, tokens and money. Once --budget or --calls is
    reached the command ends with exit code 3; with a higher limit it continues.
    """
    from belonging_llm.summaries import coded_lines
    from belonging_llm.table_jobs import code as job

    done = job(segments, codebook, output, examples=examples, ask_share=ask_share, means=_means(**means))
    _tell(done, coded_lines(done), as_json=as_json)
    return 0 if done.complete else 3


@main.command()
@click.argument("segments", type=click.Path(path_type=Path))
@OUTPUT
@click.option("--embeddings", type=click.Path(path_type=Path), help="A .npy file with one row a row of SEGMENTS.")
@MODELS
@JSON
@plainly
def discover(segments: Path, output: Path, embeddings: Path | None, as_json: bool, **means: Any) -> int:
    """Find themes in the table SEGMENTS (segment_id, document_id, text), no study needed.

    OUTPUT has a row for every segment: segment_id, theme_id, theme, membership; a segment that fits
    no theme has an empty theme_id. With --llm none themes are called by words of their segments.
    A model that runs elsewhere is asked under the same rules as by `belonging code`.
    """
    from belonging_llm.summaries import discovered_lines
    from belonging_llm.table_jobs import discover as job

    done = job(segments, output, embeddings=embeddings, means=_means(**means))
    _tell(done, discovered_lines(done), as_json=as_json)
    return 3 if done.problems else 0


def _means(*, yes: bool, **given: Any) -> Means:
    """The models and limits that a command was given."""
    from belonging_llm.table_jobs import Means

    return Means(agree=lambda offer: consent.agree(offer, yes=yes), **given)


def _tell(done: Coded | Discovered, lines: Iterable[str], *, as_json: bool) -> None:
    """Problems on standard error; figures, or lines for people, on standard output."""
    for problem in done.problems:
        click.echo(f"belonging: {problem}", err=True)
    if as_json:
        click.echo(json.dumps(done.as_json(), indent=2, ensure_ascii=False))
        return
    for line in lines:
        click.echo(line)


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
@JSON
@plainly
def agreement(codes: Path, as_json: bool, **options: Any) -> None:
    """Agreement of coders on the table CODES (no study needed), per code and overall.

    \b
    CODES   segment_id, coder, code; one row a code, an empty code says: judged, none applies
            or document_id, start, end, coder, code where people cut the text differently

    Intervals resample participants (or documents) when SEGMENTS says which. A statistic that is
    not defined is null (`undefined`) and says why.
    """  # noqa: D301 - click looks for the character itself
    from belonging_llm.auditing.agreement_lines import agreement_lines
    from belonging_llm.usecases import agreement as use_case

    found, notes = use_case(codes, **options)
    if as_json:
        click.echo(json.dumps(found.as_json() | {"notes": list(notes)}, indent=2, ensure_ascii=False, allow_nan=False))
        return
    for line in agreement_lines(found, notes):
        click.echo(line)
