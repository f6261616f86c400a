"""What may be done with the model on each code, and what that rests on.

*Replace* needs every criterion met. *Human only* needs proof that the model is worse than the margin
allows. *Assist* needs proof that it is better than chance. Where the gold cannot tell, nothing is claimed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from belonging_llm.auditing.gold import Gold
from belonging_llm.auditing.record import AgainstHumans, CodeVerdict, Criterion, Paradox, Repeats, Steadiness, Verdict
from belonging_llm.auditing.steadiness import least_stable_first
from belonging_llm.codes import Kind
from belonging_llm.evaluation import AltTest, Estimate, Flips, Subgroups
from belonging_llm.study import AuditSettings

SAID: dict[Verdict, str] = {
    "replace": "On this code the model may stand in for one of several coders; keep auditing a sample.",
    "assist": "The model may suggest this code; a person decides each segment.",
    "human only": "The model's judgements on this code should not be used.",
    "insufficient evidence": "The human codings at hand cannot tell how good the model is on this code.",
}
BASELINES = {
    "never assigns": "one who never assigns the code",
    "always assigns": "one who always assigns it",
    "majority": "one who always gives the more frequent answer",
}
SIGNIFICANT = 0.05
# What a stable model's outcomes may not hang on.
STEADY = (Kind.AGAIN, Kind.SEED, Kind.ORDER, Kind.WORDING)


@dataclass(frozen=True)
class Evidence:
    """What one code's verdict is judged by."""

    code: str
    positives: int
    coders: int
    alpha: Estimate
    beside: AgainstHumans
    paradox: Paradox
    alternative: AltTest
    repeats: Repeats
    subgroups: Subgroups
    steadiness: Steadiness | None = None


def verdict(given: Evidence, name: str, demanded: AuditSettings) -> CodeVerdict:
    """Weigh the criteria of one code."""
    criteria = (
        _enough(given, demanded),
        _humans(given, demanded),
        _kappa(given.beside.difference, demanded),
        _alternative(given.alternative),
        _score("recall", given.beside.recall_difference, demanded),
        _score("precision", given.beside.precision_difference, demanded),
        _stable(given, demanded),
        _fair(given, demanded),
    )
    found = _decide(given, criteria, demanded)
    return CodeVerdict(given.code, name, found, _in_words(found, given, demanded), criteria, given.positives)


def _decide(given: Evidence, criteria: tuple[Criterion, ...], demanded: AuditSettings) -> Verdict:
    if all(c.met for c in criteria):
        return "replace"
    if not criteria[0].met or given.coders < 2 or given.alternative.trivial or _unknown(given):
        return "insufficient evidence"
    gap, chance = given.beside.difference.interval, given.beside.with_model.interval
    if gap and gap.high < -demanded.kappa_margin:
        return "human only"
    return "assist" if chance and chance.low > 0 else "insufficient evidence"


def _in_words(found: Verdict, given: Evidence, demanded: AuditSettings) -> str:
    """What the verdict means; where the gold cannot tell, why it cannot."""
    if found != "insufficient evidence":
        return SAID[found]
    why = []
    if given.positives < demanded.min_positives:
        why.append(f"only {given.positives} of the {demanded.min_positives} segments wanted have the code")
    if given.coders < 2:
        why.append("one person coded")
    if given.alternative.trivial:
        why.append("a coder who reads nothing would pass the alternative annotator test too")
    if _unknown(given):
        why.append("agreement is undefined")
    if not why:
        why.append("the model cannot be told from chance")
    gap = given.beside.difference.interval
    against = " What there is speaks against the model." if gap and gap.high < -demanded.kappa_margin else ""
    return f"{SAID[found]} Why: {'; '.join(why)}.{against}"


def _unknown(given: Evidence) -> bool:
    return given.beside.difference.value is None or given.paradox.model.kappa.value is None


def _enough(given: Evidence, demanded: AuditSettings) -> Criterion:
    wanted = f"at least {demanded.min_positives} segments that people gave the code"
    return Criterion("enough gold", given.positives >= demanded.min_positives, f"{given.positives} segments", wanted)


def _humans(given: Evidence, demanded: AuditSettings) -> Criterion:
    wanted = f"three coders or more, with alpha at least {demanded.alpha_floor:g}"
    value = given.alpha.value
    met = None if value is None else given.coders >= 3 and value >= demanded.alpha_floor
    return Criterion("people agree", met, f"{given.coders} coders, alpha {_told(given.alpha)}", wanted)


def _kappa(difference: Estimate, demanded: AuditSettings) -> Criterion:
    return _above("model beside people", "kappa", difference, demanded.kappa_margin)


def _score(name: str, difference: Estimate, demanded: AuditSettings) -> Criterion:
    return _above(f"{name} near people's", name, difference, demanded.score_margin)


def _above(name: str, what: str, difference: Estimate, margin: float) -> Criterion:
    """The whole interval lies above the margin."""
    wanted = f"model's {what} less people's: the whole interval above −{margin:g}"
    met = None if difference.interval is None else difference.interval.low > -margin
    return Criterion(name, met, _told(difference), wanted)


def _alternative(test: AltTest) -> Criterion:
    wanted = f"wins over half of the people at ε {test.epsilon:g}, participants as units, and no trivial baseline does"
    if test.trivial:
        who = "; ".join(BASELINES.get(one, one) for one in test.trivial)
        return Criterion("alternative annotator", False, f"a coder who reads nothing would pass as well: {who}", wanted)
    if test.model is None or test.model.at.winning_rate_clustered is None:
        return Criterion("alternative annotator", None, test.refused or "no participants to cluster by", wanted)
    rate = test.model.at.winning_rate_clustered
    return Criterion("alternative annotator", test.passes, f"wins over {rate:.0%} of the people", wanted)


def _stable(given: Evidence, demanded: AuditSettings) -> Criterion:
    """A sample coded again says most; finished runs that differ can only speak against the model then."""
    runs = _over_runs(given, demanded)
    if given.steadiness is None:
        return runs
    varied = _varied(given.steadiness, given.code, demanded)
    return replace(runs, wanted=varied.wanted) if runs.met is False else varied


def _over_runs(given: Evidence, demanded: AuditSettings) -> Criterion:
    wanted = f"at least {demanded.stability_floor:.0%} of repeated judgements the same"
    found = given.repeats.by_code.get(given.code)
    if found is None or found.same is None:
        return Criterion("stable", None, given.repeats.reason or "never coded twice", wanted)
    return Criterion(
        "stable", found.same >= demanded.stability_floor, f"{found.same:.0%} over {found.runs} runs", wanted
    )


def _varied(found: Steadiness, code: str, demanded: AuditSettings) -> Criterion:
    """The whole interval of the least stable kind, on segments that the model was asked about.

    Another model is another coder: its flips say nothing of this one's stability.
    """
    wanted = (
        f"at least {demanded.stability_floor:.0%} of outcomes the same, the whole interval, on segments that the model "
        "was asked about, with another seed, order and wording"
    )
    by_kind = least_stable_first(found, code, STEADY)
    rates = {kind: one.outcomes for kind, one in by_kind.items()}
    told = "; ".join(f"{kind}: {_same(one)}" for kind, one in rates.items()) or "nothing was coded again"
    ceiling = 1 - demanded.stability_floor
    if any(one.rate.interval and one.rate.interval.low > ceiling for one in rates.values()):
        return Criterion("stable", False, told, wanted)
    missing = [kind for kind in STEADY if kind not in rates and kind not in found.idle]
    if missing or any(one.rate.interval is None for one in rates.values()):
        told += f"; not varied: {', '.join(missing)}" if missing else ""
        return Criterion("stable", None, told, wanted)
    met = all(one.rate.interval and one.rate.interval.high <= ceiling + 1e-9 for one in rates.values())
    return Criterion("stable", met, told, wanted)


def _same(one: Flips) -> str:
    if one.rate.value is None:
        return f"undefined ({one.rate.reason})"
    ends = one.rate.interval
    between = f" [{1 - ends.high:.0%}, {1 - ends.low:.0%}]" if ends else " (no interval)"
    return f"{1 - one.rate.value:.0%}{between} of {one.units} segments"


def _fair(given: Evidence, demanded: AuditSettings) -> Criterion:
    wanted = f"no group of participants beyond ±{demanded.subgroup_margin:g} after correction"
    gaps = [g for g in given.subgroups.gaps if g.code == given.code and g.p_adjusted is not None]
    if not gaps:
        return Criterion("same for all groups", None, "no group was large enough to compare", wanted)
    wide = [g for g in gaps if (g.p_adjusted or 0) <= SIGNIFICANT and abs(g.gap.value or 0) > demanded.subgroup_margin]
    if not wide:
        return Criterion("same for all groups", True, f"{len(gaps)} comparisons, none beyond the margin", wanted)
    worst = max(wide, key=lambda g: abs(g.gap.value or 0))
    where = f"{worst.measure.replace('_', ' ')} for {worst.attribute} {worst.group}: {_told(worst.gap)}"
    return Criterion("same for all groups", False, where, wanted)


def _told(found: Estimate) -> str:
    if found.value is None:
        return f"undefined ({found.reason})"
    ends = f" [{_short(found.interval.low)}, {_short(found.interval.high)}]" if found.interval else " (no interval)"
    return f"{_short(found.value)}{ends}"


def _short(value: float) -> str:
    """Two places, and never a zero with a sign."""
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")


def positives(gold: Gold) -> Mapping[str, int]:
    """Segments that people settled to have each code."""
    counts = (gold.settled == 1).sum(0)
    return {code: int(n) for code, n in zip(gold.humans.codes, np.asarray(counts), strict=True)}
