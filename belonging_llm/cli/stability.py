"""Put a run's stability to the test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from belonging_llm.cli import consent
from belonging_llm.cli.front import JSON, STUDY, main, plainly

if TYPE_CHECKING:
    from belonging_llm.usecases import Offer


@main.command()
@STUDY
@click.option("--segments", default=40, show_default=True, type=click.IntRange(1), help="How many to code again.")
@click.option("--participants", type=click.IntRange(1), help="How many to draw first.  [all]")
@click.option("--seeds", default=3, show_default=True, type=click.IntRange(0), help="Request seeds to try.")
@click.option(
    "--temperature",
    default=0.7,
    show_default=True,
    type=click.FloatRange(0, 2),
    help="At which seeds are tried; at 0 most models ignore them.",
)
@click.option("--orders", default=2, show_default=True, type=click.IntRange(0), help="Orders of codes and segments.")
@click.option("--llm", metavar="SPEC", help="The last run's model.  [the study's]")
@click.option("--embedder", metavar="SPEC", help="The last run's embedding model.  [the study's]")
@click.option(
    "--also", metavar="SPEC", multiple=True, help="Another model to compare with; may be given several times."
)
@click.option("--seed", default=0, show_default=True, help="Of the draw and of the orders.")
@click.option("--budget", type=click.FloatRange(0), metavar="USD", help="Stop when the test has cost so much.")
@click.option("--calls", type=click.IntRange(0), metavar="N", help="Stop when the test has made so many model calls.")
@click.option("--yes", is_flag=True, help="Agree beforehand to what models elsewhere are asked and cost.")
@JSON
@plainly
def stability(study: Path, llm: str | None, embedder: str | None, yes: bool, as_json: bool, **wished: Any) -> int:
    """Code a sample of STUDY again, one thing varied at a time, and say which outcomes flip.

    The sample is drawn from the segments that the last run asked its model about; the test split
    stays out of it. Everything else stays as in that run.

    \b
    again     the very same questions once more, segments in another order
    seed      the request's seed, at --temperature
    order     codes in another order in the prompt, segments in another order
    wording   the prompt's paraphrases: prompts/NAME.paraphrase1.md and so on
    model     each model given with --also

    Per code: pairs, flip rate and Krippendorff's alpha, with intervals that resample participants.
    The study's own seed (clustering, splits) is not varied here: change it in study.toml and
    analyse again, and `belonging evaluate` compares the runs. The audit shows the result, and its
    verdicts rest on it. Stability is not validity.

    Rerun without change, it asks nothing; interrupted, it continues. Limits and consent are those
    of `belonging analyse`.
    """  # noqa: D301 - click looks for the character itself
    from belonging_llm.summaries import offer_again_lines, steady_lines
    from belonging_llm.usecases import stability as use_case

    def agreed(offer: Offer) -> None:
        consent.confirm(offer_again_lines(offer), yes=yes)

    result = use_case(study, llm, embedder, agree=agreed, **wished)
    if as_json:
        click.echo(json.dumps(result.as_json(), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        for line in steady_lines(result):
            click.echo(line)
    return 0 if result.complete else 3
