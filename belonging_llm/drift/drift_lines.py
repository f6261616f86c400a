"""What was found with a batch, as lines that people read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from belonging_llm.drift.record import CodeShare, Distribution, Drift, Figure, Novelty, Sentinels, State
from belonging_llm.store import Alarm


def drift_lines(found: Drift) -> Iterator[str]:
    """The verdict, then each of the three, with what would have been noticed."""
    yield f"drift: {found.verdict}"
    yield f"  new segments and themes: {novelty_line(found.novelty)}"
    yield f"  the model on the sentinels: {sentinels_line(found.sentinels)}"
    yield from (f"    {line}" for line in endpoint_lines(found.sentinels))
    yield f"  codes: {distribution_line(found.distribution)}"
    for code in found.distribution.codes:
        if code.state in (State.ALARM, State.LOOK):
            yield f"    {code_line(code)}"
    yield f"  {promise(found)}"


def novelty_line(found: Novelty) -> str:
    """One sentence."""
    if found.state is State.UNKNOWN and not found.segments:
        return _unknown(found.reason)
    counted = (
        f"{found.misfits} of {found.segments} segments ({found.participants} participants) fit no theme, "
        f"{found.pocketed} of them close together; {_expected(found.expected)}"
    )
    if found.state is State.UNKNOWN:
        return f"{counted}. {_unknown(found.reason)}"
    tested = f"p {_p(found.p_misfits)} for how many, {_p(found.p_pocketed)} for how many close together"
    due = "Themes are due to be found anew: `belonging batch --recode`." if found.alarm else ""
    return f"{_word(found.state)}: {counted} ({tested}). {due or _enough(found.enough, found.segments)}".strip()


def sentinels_line(found: Sentinels) -> str:
    """One sentence."""
    if found.state is State.UNKNOWN:
        return _unknown(found.reason) + (f" {_agreed(found)}" if found.answered else "")
    changed = f"{_share(found.changed)} of {found.answered} answered otherwise than mostly before ({found.times} times)"
    wavered = f"earlier times differ in {_share(found.wavered)}" if found.wavered.value is not None else ""
    detail = "; ".join(part for part in (changed, wavered, f"p {_p(found.p_value)}") if part)
    return f"{_word(found.state)}: {detail}. {_agreed(found)} {_enough(found.enough, found.answered)}".strip()


def endpoint_lines(found: Sentinels) -> Iterator[str]:
    """What the endpoint says of itself that it did not say before."""
    if found.endpoint.new_models:
        yield f"alarm: the endpoint now names {', '.join(found.endpoint.new_models)} as the model that answers"
    if found.endpoint.new_fingerprints:
        yield f"the endpoint's configuration has another fingerprint: {', '.join(found.endpoint.new_fingerprints)}"
    for code in found.codes:
        if code.p_value is not None and found.state in (State.ALARM, State.LOOK):
            yield f"{code.code}: {code.to_yes} turned to yes, {code.to_no} to no, of {code.steady} steady before"


def distribution_line(found: Distribution) -> str:
    """One sentence."""
    if found.state is State.UNKNOWN:
        return _unknown(found.reason)
    by = {state: [c.code for c in found.codes if c.state is state] for state in State}
    parts = [f"{len(by[State.STEADY])} of {len(found.codes)} as frequent as expected"]
    parts += [f"alarm: {', '.join(by[State.ALARM])}"] if by[State.ALARM] else []
    parts += [f"worth a look: {', '.join(by[State.LOOK])}"] if by[State.LOOK] else []
    parts += [f"cannot tell: {len(by[State.UNKNOWN])}"] if by[State.UNKNOWN] else []
    return "; ".join(parts)


def code_line(found: CodeShare) -> str:
    """One code."""
    return (
        f"{_word(found.state)}: {found.code} in {found.assigned} of {found.segments} segments; "
        f"{_expected(found.expected)}, difference {_share(found.difference)}; p {_p(found.p_value)} (Holm)"
    )


def promise(found: Drift) -> str:
    """How often alarms are false."""
    return (
        f"alarms of each kind are raised at p ≤ {found.error / found.batches:.2g}: "
        f"{found.error:g} false ones at most are to be expected in {found.batches} batches"
    )


def alarm_lines(alarms: Iterable[Alarm]) -> Iterator[str]:
    """Every alarm with what became of it, the first first."""
    for one in alarms:
        seen = "open" if one.open else f"acknowledged by {one.by} on {one.acknowledged_at}: {one.reason}"
        yield f"{one.id[:8]}  {one.at}  batch {one.run_id[:8]}  {one.kind}: {one.subject}  [{seen}]"


def _expected(found: Figure) -> str:
    if found.value is None:
        return found.reason or "nothing is expected yet"
    return f"expected {_share(found)}"


def _agreed(found: Sentinels) -> str:
    if found.agreement.value is None:
        return f"Agreement with people: {found.agreement.reason}."
    first = found.agreement_first
    since = f", {first.value:.0%} at the beginning" if first.value is not None and not found.first else ""
    return f"Agreement with people {_share(found.agreement)}{since}."


def _enough(enough: int | None, of: int) -> str:
    return "" if enough is None else f"From {enough} of {of} on it would have been an alarm."


def _share(found: Figure) -> str:
    if found.value is None:
        return f"not known ({found.reason})"
    interval = "" if found.low is None else f" ({found.low:.1%} to {found.high:.1%})"
    return f"{found.value:.1%}{interval}"


def _p(value: float | None) -> str:
    if value is None:
        return "not known"
    return f"{value:.2g}" if value >= 1e-4 else "< 0.0001"


def _unknown(reason: str) -> str:
    return f"cannot tell: {reason}"


def _word(state: State) -> str:
    return {State.ALARM: "ALARM", State.LOOK: "worth a look", State.STEADY: "as expected"}.get(state, str(state))
