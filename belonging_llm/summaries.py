"""Results as lines that people read on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from belonging_llm.budget import UNKNOWN
from belonging_llm.doctor import Health
from belonging_llm.prices import cost, dollars
from belonging_llm.usecases import Analysed, Offer, Status

_SHOWN = 10


def analysis_lines(result: Analysed) -> Iterator[str]:
    """What was found, what it took, where the report is."""
    if result.unchanged:
        yield "nothing changed since the last run"
    yield _size(result.interviews, result.participants, result.segments)
    yield f"{len(result.themes)} themes; {result.outliers} segments fit none of them"
    for theme in result.themes:
        place = "outside the framework" if theme["outside"] else ", ".join(theme["codes"]) or "not mapped"
        yield f"  {theme['name']}  [{place}]  {theme['segments']} segments, {theme['participants']} participants"
    yield f"codings (segment × code): {_outcomes(result.outcomes)}"
    yield from _failures(result.failed)
    share = f", {result.model_seconds / result.seconds:.0%} of it model time" if result.calls else ""
    yield f"model calls: {result.calls}"
    yield f"cost of this run: {result.cost}"
    yield f"time: {result.seconds} s{share}"
    yield f"report: {result.report}"
    if not result.complete:
        yield "finished incomplete: rerun the same command to try what failed again"


def status_lines(result: Status) -> Iterator[str]:
    """What is in, what is coded, what waits, what failed."""
    yield f"{result.name}: {_size(result.transcripts, result.participants, result.segments)}"
    yield f"codebook: {result.codebook}"
    yield "people's codings: " + (", ".join(f"{c} judged {n}" for c, n in result.coders.items()) or "none")
    if result.last_run:
        yield f"last run: {result.last_run['status']}, {result.last_run['finished_at']}"
    else:
        yield "last run: none yet"
    if result.interrupted:
        yield "a run was interrupted: `belonging analyse` continues it"
    if result.outcomes:
        yield f"codings (segment × code): {_outcomes(result.outcomes)}"
    yield f"segments waiting to be coded: {result.waiting}"
    yield from _failures(result.failed)
    usage = result.usage
    tokens = f"{usage['prompt_tokens']} tokens in, {usage['completion_tokens']} out"
    counted = "tokens not counted" if usage["prompt_tokens"] is None else tokens
    yield f"model calls so far: {usage['calls']} ({usage['seconds']} s, {counted})"
    yield f"cost so far: {result.cost}"


def offer_lines(offer: Offer) -> Iterator[str]:
    """What a run may ask and cost, and where text goes, before anything is sent."""
    most, price = offer.forecast, offer.budget.price
    yield f"{offer.model}: interview text goes to {offer.endpoint}"
    about = "themes are named already" if most.clustered else f"at most about {most.themes} to name and place themes"
    of = f"{most.asked} segments, {most.together} a call" if most.together > 1 else "segments"
    yield f"  questions: at most {most.segments} about {of}; {about}"
    again = "once more, and then one segment at a time" if most.together > 1 else "once more"
    yield f"  calls: at most about {most.calls}, since a reply that cannot be used is asked for {again}"
    yield f"  tokens: about {most.prompt_tokens:,} in and at most {most.completion_tokens:,} out, each asked once"
    money = cost(price, most.prompt_tokens, most.completion_tokens)
    if price is None or money is None:
        yield f"  cost: {UNKNOWN}; ask the vendor, and limit calls with --calls"
    else:
        yield f"  cost: at most about {dollars(money)} ({price.source}, {price.date}), each asked once"
    if offer.budget.spent.replies:
        spent = UNKNOWN if offer.budget.usd is None else dollars(offer.budget.usd)
        yield f"  so far: {offer.budget.spent.replies} calls of this run, {spent}"
    yield f"  stops at: {_limits(offer)}"


def health_lines(health: Health) -> Iterator[str]:
    """One line a finding, and what follows from all of them."""
    for check in health.checks:
        yield f"{check.verdict:6} {check.name}: {check.says}"
    if health.requests:
        yield f"requests sent, all on made-up text: {health.requests}"
    yield "all is well" if health.well else "not well: an analysis would stop; lines that begin with `stops` say why"


def _limits(offer: Offer) -> str:
    limit = offer.budget.limit
    money = dollars(limit.usd) if limit.usd is not None else ""
    calls = f"{limit.calls} calls" if limit.calls is not None else ""
    return " or ".join(filter(None, (money, calls))) or "no limit (set one with --budget or --calls)"


def suite_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """A suite's figures, one condition a line, people's own agreement last."""
    for name, figures in found["conditions"].items():
        error = "" if figures["ece"] is None else f", calibration error {figures['ece']:.3f}"
        yield f"{name}: macro kappa {figures['macro_kappa']:.3f}, macro F1 {figures['macro_f1']:.3f}{error}"
    for pair, people in (found["people"] or {}).items():
        yield f"people, {pair}: macro kappa {people['macro_kappa']:.3f}"


def _size(transcripts: int, participants: int, segments: int) -> str:
    return f"{transcripts} transcripts, {participants} participants, {segments} segments"


def _outcomes(counts: Mapping[str, int]) -> str:
    names = ("assigned", "not_assigned", "abstained", "failed")
    return ", ".join(f"{counts.get(name, 0)} {name.replace('_', ' ')}" for name in names)


def _failures(failed: list[str]) -> Iterator[str]:
    if failed:
        more = f" and {len(failed) - _SHOWN} more" if len(failed) > _SHOWN else ""
        yield f"FAILED segments: {len(failed)} ({', '.join(failed[:_SHOWN])}{more}): open, not 'no code'"
