"""Results as lines that people read on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from belonging_llm.auditing.steadiness_lines import steadiness_lines
from belonging_llm.budget import UNKNOWN
from belonging_llm.doctor import Health
from belonging_llm.drift import drift_lines
from belonging_llm.prices import dollars
from belonging_llm.report.batch import notes, sentences
from belonging_llm.report.findings.words import counted
from belonging_llm.store import Left
from belonging_llm.store.runs import WHOLE
from belonging_llm.table_jobs import Coded, Discovered
from belonging_llm.usecases import Analysed, Offer, Status, Steady

if TYPE_CHECKING:
    from belonging_llm.batch_jobs import Batched

_SHOWN = 10


# What became of themes since the run before that somebody should look at.
_TOLD = ("merged", "split", "born", "retired", "renamed", "unmet")


def analysis_lines(result: Analysed) -> Iterator[str]:
    """What was found, what it took, where the report is."""
    if result.unchanged:
        yield "nothing changed since the last run"
    yield _size(result.interviews, result.participants, result.segments)
    yield f"{len(result.themes)} themes; {result.outliers} segments fit none of them, others may fit several"
    for theme in result.themes:
        place = "outside the framework" if theme["outside"] else ", ".join(theme["codes"]) or "not mapped"
        yield f"  {theme['name']}  [{place}]  {_of_theme(theme)}"
    if changed := {fate: n for fate, n in result.fates.items() if fate in _TOLD}:
        fates = ", ".join(f"{n} {fate}" for fate, n in changed.items())
        yield f"since the analysis before: {fates} (`belonging themes STUDY lineage`)"
    yield f"codings (segment × code): {_outcomes(result.outcomes)}"
    yield from _failures(result.failed)
    for batch in result.batches:
        yield _batch(batch)
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
        yield "a run was interrupted: `belonging analyse` (or, of a batch, `belonging batch`) continues it"
    if result.last_batch:
        yield _last_batch(result.last_batch)
    if result.uncovered and result.last_run:
        yield f"transcripts that no run has covered: {result.uncovered}; `belonging batch` does"
    if result.outcomes:
        yield f"codings (segment × code): {_outcomes(result.outcomes)}"
    yield f"segments waiting to be coded: {result.waiting}"
    for batch in result.batches:
        command = "belonging analyse" if batch["of"] == WHOLE else "belonging batch"
        since = f"waiting for {batch['fates'].get('waiting', 0)} replies since {batch['made_at']}"
        yield f"under way: {_batch(batch)}; {since}; `{command} --batch-api` collects them"
    yield from _failures(result.failed)
    usage = result.usage
    tokens = f"{usage['prompt_tokens']} tokens in, {usage['completion_tokens']} out"
    counted = "tokens not counted" if usage["prompt_tokens"] is None else tokens
    yield f"model calls so far: {usage['calls']} ({usage['seconds']} s, {counted})"
    yield f"cost so far: {result.cost}"
    yield "left this machine: " + (
        ", ".join(f"{n} requests to {endpoint}" for endpoint, n in result.left.items()) or "nothing"
    )
    if result.lacking:
        yield f"no consent to text leaving this machine: {', '.join(result.lacking)}"
    if result.alarms:
        raised = ", ".join(f"{one['kind']}: {one['subject']}" for one in result.alarms)
        yield f"drift, alarms that nobody has looked into: {raised}; `belonging drift` tells more"
    if result.older:
        yield (
            f"outcomes are of an older version of the codebook ({result.older}): `belonging analyse` codes anew, "
            "`belonging codebook diff` tells what changed"
        )
    if result.stale:
        yield "somebody withdrew after the last run: `belonging analyse` finds anew what is there"
    if result.due:
        yield f"themes are due to be found anew ({result.due}): `belonging batch --recode` does it"
    if result.last_word:
        yield f"the last word on finding themes anew: {result.last_word['line']}"
    if result.edited:
        yield "themes were changed after the last run: `belonging analyse` takes that into the codings"


def _last_batch(last: Mapping[str, Any]) -> str:
    files = ", ".join(f"{n} {outcome}" for outcome, n in last["files"].items()) or "none"
    left = f", {last['left']} left for the next" if last["left"] else ""
    failed = f", {last['failed']} segments failed" if last["failed"] else ""
    waits = f"{last['outcomes'].get('abstained', 0)} judgements left to people"
    head = f"last batch: number {last['ordinal']}, {last['status']}, {last['finished_at']}"
    return f"{head}; files: {files}{left}; {waits}{failed}"


def batch_lines(result: Batched) -> Iterator[str]:
    """What a batch brought, what failed, what it took, where its report is."""
    if result.told is None:
        unchanged = "nothing changed since the last analysis: coded anew, everything would be as it is"
        yield unchanged if result.unchanged else "nothing new in the inbox"
    else:
        yield from sentences(result.told)
        yield from notes(result.told)
        for one in (*result.told.files_that("refused"), *(f for f in result.told.files_that("imported") if f.reason)):
            yield f"  {one.outcome}: {one.name}: {one.reason}"
    left = {name: why for name, why in result.left} | {
        one.name: one.reason for one in (result.told.left if result.told else ())
    }
    for name, why in left.items():
        yield f"  left: {name}: {why}"
    if result.told is None:
        if result.kept_out:
            yield f"  {result.kept_out} files stay out: somebody in them withdrew, or they are in, de-identified"
        return
    if result.drift is not None:
        yield from drift_lines(result.drift)
    yield f"time: {result.seconds} s"
    yield f"change report: {result.page}"
    if result.told.waiting:
        yield "sent and left: the same command collects the replies and goes on with this batch"
    elif not result.complete:
        yield "finished incomplete: what failed is tried again with the next new material"


def egress_lines(found: Sequence[Left]) -> Iterator[str]:
    """The egress log as tab-separated lines."""
    yield "\t".join(("time", "endpoint", "leaves this machine", "model", "participants", "bytes", "sha256", "run"))
    for one in found:
        about = "not logged" if one.about is None else ", ".join(one.about)
        away = "yes" if one.away else "no"
        yield "\t".join((one.at, one.endpoint, away, one.model, about, str(one.bytes), one.digest, one.run_id))


def offer_lines(offer: Offer) -> Iterator[str]:
    """What a run may ask and cost, and where text goes, before anything is sent."""
    most = offer.forecast
    about = "none about themes" if most.clustered else f"at most about {most.themes} to name and place themes"
    of = f"{most.asked} segments, {most.together} a call" if most.together > 1 else "segments"
    yield from _offer(offer, f"at most {most.segments} about {of}; {about}")


def offer_again_lines(offer: Offer) -> Iterator[str]:
    """The same for a test of stability."""
    yield from _offer(offer, f"at most {offer.forecast.segments} about the sample, each segment once a variation")


def _offer(offer: Offer, questions: str) -> Iterator[str]:
    most, price = offer.forecast, offer.budget.price
    yield f"{offer.model}: interview text goes to {offer.endpoint}"
    yield f"  questions: {questions}"
    again = "once more, and then one segment at a time" if most.together > 1 else "once more"
    yield f"  calls: at most about {most.calls}, since a reply that cannot be used is asked for {again}"
    yield f"  tokens: about {most.prompt_tokens:,} in and at most {most.completion_tokens:,} out, each asked once"
    money = most.usd(price, batch=offer.batch)
    if price is None or money is None:
        yield f"  cost: {UNKNOWN}; ask the vendor, and limit calls with --calls"
    else:
        yield f"  cost: at most about {dollars(money)} ({price.source}, {price.date}), each asked once"
    if offer.unread:
        files = "file" if offer.unread == 1 else "files"
        yield f"  not counted: {offer.unread} new {files} in the inbox, read once this is agreed to"
    if offer.batch:
        known = price is not None and price.batch < 1
        share = f"at {price.batch:.0%} of the price" if price and known else "no lower price for batches is known"
        yield f"  in batches: questions about segments, {share}; what a batch does not answer is asked by itself"
    if offer.budget.replies:
        spent = UNKNOWN if offer.budget.usd is None else dollars(offer.budget.usd)
        yield f"  so far: {offer.budget.replies} calls of this run, {spent}"
    yield f"  stops at: {_limits(offer)}"


def coded_lines(result: Coded) -> Iterator[str]:
    """What became of a table of segments, what it took, where the codings are."""
    yield f"{result.segments} segments coded; {result.learned} codes learned from examples"
    yield f"codings (segment × code): {_outcomes(result.outcomes)}"
    evidence = result.evidence
    yield f"evidence repaired: {evidence['repaired']}; not in its segment, dropped: {evidence['unlocated']}"
    yield f"segments asked about: {result.asked}"
    yield from _took(result)
    yield f"codings: {result.path}"


def discovered_lines(result: Discovered) -> Iterator[str]:
    """The themes in a table of segments, what it took, where they are."""
    yield f"{len(result.themes)} themes in {result.segments} segments; {result.unassigned} fit none of them"
    for name, n in result.themes.items():
        yield f"  {name}  {n} segments"
    yield from _took(result)
    yield f"themes: {result.path}"


def _took(result: Coded | Discovered) -> Iterator[str]:
    usage = result.usage
    told = f"{usage['prompt_tokens']} tokens in, {usage['completion_tokens']} out"
    yield f"model calls: {result.calls}"
    counted = "tokens not counted" if usage["prompt_tokens"] is None else told
    yield f"whole run: {usage['calls']} calls, {counted}, cost {result.cost}"


def steady_lines(result: Steady) -> Iterator[str]:
    """What a test of stability found, and what it took."""
    if result.unchanged:
        yield "nothing changed since this was tested"
    yield from steadiness_lines(result.found)
    yield f"model calls: {result.calls}"
    yield f"cost of this test: {result.cost}"
    yield "`belonging evaluate` shows this in the audit"
    if not result.complete:
        yield "finished incomplete: rerun the same command to try what failed again"


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
    counts = ((transcripts, "transcript"), (participants, "participant"), (segments, "segment"))
    return ", ".join(counted(n, noun) for n, noun in counts)


def _of_theme(theme: Mapping[str, Any]) -> str:
    return f"{counted(theme['segments'], 'segment')}, {counted(theme['participants'], 'participant')}"


def _outcomes(counts: Mapping[str, int]) -> str:
    names = ("assigned", "not_assigned", "abstained", "failed")
    return ", ".join(f"{counts.get(name, 0)} {name.replace('_', ' ')}" for name in names)


def _batch(batch: Mapping[str, Any]) -> str:
    """A batch, and what became of each of its questions."""
    fates = ", ".join(f"{n} {fate}" for fate, n in batch["fates"].items())
    codes = f" ({', '.join(batch['errors'])})" if batch["errors"] else ""
    name = batch["remote_id"] or "not ordered yet"
    return f"batch {name}: {batch['status'] or batch['state']}{codes}, {batch['requests']} questions: {fates}"


def _failures(failed: list[str]) -> Iterator[str]:
    if failed:
        more = f" and {len(failed) - _SHOWN} more" if len(failed) > _SHOWN else ""
        yield f"FAILED segments: {len(failed)} ({', '.join(failed[:_SHOWN])}{more}): open, not 'no code'"
