"""A test of stability as lines that people read on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from belonging_llm.auditing.record import CodeFlips, KindFlips, Steadiness
from belonging_llm.auditing.steadiness import CHANGES
from belonging_llm.codes import Kind, Variation
from belonging_llm.evaluation import Estimate

HEAD = ("code", "pairs", "flips", "among variations", "alpha", "decided", "flips", "alpha")
NOT_VALIDITY = "stability is not validity: a model can be wrong in the same way every time"
HOW_COUNTED = (
    "flips: of pairs of a segment's outcome in the run and under a variation, those that differ; first with assigned, "
    "not assigned and left to people as three outcomes, then where both were decided. Failed ones count nowhere",
    "in brackets: 95 % intervals, participants resampled; * nothing flipped (or all did), so by the rule of three",
)


def steadiness_lines(found: Steadiness) -> Iterator[str]:
    """The sample, then one table a kind of variation; no pooled figure."""
    sample = found.sample
    yield f"run {found.run_id[:8]}, model {found.model}, prompt {found.prompt} ({found.prompt_digest[:12]})"
    yield (
        f"{found.segments} segments of {found.participants} participants coded again, drawn with seed {sample.seed} "
        f"from {sample.asked} that the run asked its model about ({found.asked_share:.1%} of {sample.everything}); "
        "the others cannot flip, since nothing of theirs is varied"
    )
    if found.segments < sample.wanted:
        yield f"note: {sample.wanted} segments were wanted"
    if sample.left_out:
        yield f"note: the test split stays sealed: {sample.left_out} more segments were asked about there"
    if found.tests > 1:
        yield f"note: this run was tested {found.tests} times, each with another draw or plan; the newest counts"
    yield f"note: {NOT_VALIDITY}"
    yield from (f"note: {line}" for line in HOW_COUNTED)
    for kind in found.kinds:
        yield from _kind(kind)
    for name, why in found.not_varied.items():
        yield f"{name}: undefined: {why}"


def _kind(found: KindFlips) -> Iterator[str]:
    yield f"{found.kind}: {CHANGES[found.kind]}"
    for variation in found.variations:
        yield f"  {what_differs(variation)}"
    if found.failed:
        yield f"  {found.failed} pairs of segment and code FAILED: compared with nothing"
    if found.kind is Kind.MODEL:
        yield "  flips against another model are no instability of the run's own"
    yield from _aligned([HEAD, *((code, *_cells(one)) for code, one in found.codes.items())])
    yield from _missing(found)


def _missing(found: KindFlips) -> Iterator[str]:
    """What is undefined, and why."""
    if len(found.variations) < 2:
        yield "  undefined: flips among variations: there is one alone"
    gone: dict[tuple[str, str], list[str]] = {}
    for code, one in found.codes.items():
        for missing in _gone(one):
            gone.setdefault(missing, []).append(code)
    for (what, why), codes in gone.items():
        yield f"  undefined: {what} of {', '.join(codes)}: {why}"


def _cells(one: CodeFlips) -> tuple[str, ...]:
    outcomes, decided = one.outcomes, one.decided
    return (
        *(str(outcomes.pairs), share(outcomes.rate), share(outcomes.among), figure(outcomes.alpha)),
        *(str(decided.pairs), share(decided.rate), figure(decided.alpha)),
    )


def _gone(one: CodeFlips) -> Iterator[tuple[str, str]]:
    """Figures without a value, and why; one variation alone has none to be compared with."""
    for name, found in (("three outcomes", one.outcomes), ("decided", one.decided)):
        for what in ("rate", "alpha"):
            if reason := getattr(found, what).reason:
                yield f"{'flips' if what == 'rate' else what} ({name})", reason


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def what_differs(one: Variation) -> str:
    """What was varied exactly."""
    parts = []
    if one.kind is Kind.MODEL:
        parts.append(f"model {one.model}")
    if one.kind in (Kind.MODEL, Kind.WORDING):
        parts.append(f"prompt {one.prompt} ({one.prompt_digest[:12]})")
    if one.kind is Kind.SEED:
        parts.append(f"request seed {one.seed} at temperature {one.temperature:g}")
    if one.order:
        parts.append(f"codes in the order {', '.join(one.order)}")
    if one.shuffle:
        parts.append(f"segments shuffled with seed {one.shuffle}")
    return f"{one.name}: {'; '.join(parts)}" if parts else one.name


def share(found: Estimate) -> str:
    """A share in per cent with its interval, marked where that is by the rule of three."""
    if found.value is None:
        return "undefined"
    ends = f" [{100 * found.interval.low:.1f}, {100 * found.interval.high:.1f}]" if found.interval else ""
    return f"{100 * found.value:.1f}%{ends}{'*' if found.flag else ''}"


def figure(found: Estimate) -> str:
    """A coefficient with its interval."""
    if found.value is None:
        return "undefined"
    ends = f" [{found.interval.low:.2f}, {found.interval.high:.2f}]" if found.interval else ""
    return f"{found.value:.2f}{ends}"
