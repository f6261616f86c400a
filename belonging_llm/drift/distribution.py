"""Are codes assigned as often as before? Participants are the units, and all codes of a batch share one level."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from belonging_llm.codes import Coding, Outcome
from belonging_llm.drift.record import CodeShare, Distribution, State, figure, state_of
from belonging_llm.evaluation import Counts, Surprise, Watch, counts, holm, surprise
from belonging_llm.store import PastCount, WatchCount

_TOLD = (Outcome.ASSIGNED, Outcome.NOT_ASSIGNED, Outcome.ABSTAINED)
TOO_FEW = "no count in so few interviews would be beyond what is to be expected"
NO_CODES = "nothing was coded in this batch"


def measure(code: str) -> str:
    """What a code's counts are kept under."""
    return f"code {code}"


def tallies(codings: Iterable[Coding], speakers: Mapping[str, str]) -> list[WatchCount]:
    """Per code and participant, segments with an outcome that did not fail, and those with the code.

    Args:
        speakers: Participant of each segment.
    """
    found: dict[tuple[str, str], list[int]] = {}
    for c in codings:
        if c.outcome in _TOLD and c.segment_id in speakers:
            one = found.setdefault((measure(c.code), speakers[c.segment_id]), [0, 0])
            one[0] += 1
            one[1] += c.outcome is Outcome.ASSIGNED
    return [WatchCount(measure=m, participant=who, n=n, k=k) for (m, who), (n, k) in sorted(found.items())]


def past_counts(past: Iterable[PastCount], wanted: str) -> Counts:
    """Earlier participants' counts of one measure."""
    here = [p for p in past if p.measure == wanted and p.n]
    found = counts([p.n for p in here], [p.k for p in here])
    return Counts(found.n, found.k, counts([p.participants for p in here], [0] * len(here)).n)


def distribution(
    now: Sequence[WatchCount], past: Sequence[PastCount], codes: Sequence[str], watch: Watch
) -> Distribution:
    """Test every code, adjusted by Holm over the codes of the batch.

    Args:
        codes: Ids, in the codebook's order.
    """
    here = {code: [t for t in now if t.measure == measure(code)] for code in codes}
    # The level that the last of Holm's steps does not fall below.
    strict = watch.level / max(len(codes), 1)
    fresh = {code: counts([t.n for t in some], [t.k for t in some]) for code, some in here.items()}
    found = {code: surprise(fresh[code], past_counts(past, measure(code)), strict) for code in codes}
    tested = {code: one.p_value for code, one in found.items() if one.p_value is not None}
    adjusted = dict(zip(tested, holm(list(tested.values())).tolist() if tested else [], strict=True))
    shares = tuple(
        _share(code, fresh[code], past_counts(past, measure(code)), found[code], adjusted.get(code), watch)
        for code in codes
    )
    if not any(len(some) for some in here.values()):
        return Distribution(state=State.UNKNOWN, reason=NO_CODES, codes=shares)
    return Distribution(state=_worst(shares), reason=_why(shares), codes=shares)


def _share(code: str, now: Counts, past: Counts, found: Surprise, adjusted: float | None, watch: Watch) -> CodeShare:
    could = found.least is not None or found.most is not None
    return CodeShare(
        code=code,
        state=state_of(adjusted, watch.level, could=could),
        reason=found.reason or ("" if could else TOO_FEW),
        segments=now.units,
        participants=now.clusters,
        assigned=now.marked,
        past_participants=past.clusters,
        expected=figure(found.expected),
        difference=figure(found.difference),
        p_value=adjusted,
        least=found.least,
        most=found.most,
    )


def _worst(shares: Sequence[CodeShare]) -> State:
    states = {one.state for one in shares}
    return next((s for s in (State.ALARM, State.LOOK, State.STEADY) if s in states), State.UNKNOWN)


def _why(shares: Sequence[CodeShare]) -> str:
    if _worst(shares) is not State.UNKNOWN:
        return ""
    return next((one.reason for one in shares if one.reason), "")
