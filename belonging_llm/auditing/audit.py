"""One audit, from the study's store to the record that pages are made of."""

from __future__ import annotations

import getpass
from dataclasses import dataclass, replace
from typing import Any

from belonging_llm import __version__
from belonging_llm.auditing import (
    checklists,
    comparison,
    mistakes,
    occurrence,
    repeats,
    seal,
    sources,
    steadiness,
    trust,
)
from belonging_llm.auditing.facts import facts
from belonging_llm.auditing.gold import Candidate, Gold, candidate, gold
from belonging_llm.auditing.guarding import search_for_leaks
from belonging_llm.auditing.record import (
    AgainstHumans,
    Audit,
    CodeVerdict,
    Opening,
    Paradox,
    Repeats,
    Standing,
    Steadiness,
)
from belonging_llm.auditing.splits import Part, parts
from belonging_llm.auditing.verdicts import Evidence, positives, verdict
from belonging_llm.auditing.words import SCOPE, methods
from belonging_llm.errors import StudyError
from belonging_llm.evaluation import Agreement, AltTest, Estimate, Resampling, Subgroups, agree, subgroups
from belonging_llm.evaluation.tallies import cells_between
from belonging_llm.provenance import now
from belonging_llm.study import Study


@dataclass(frozen=True)
class _Compared:
    """Everything that verdicts are weighed from."""

    ceiling: Agreement
    against: tuple[AgainstHumans, ...]
    paradox: tuple[Paradox, ...]
    alternative: dict[str, AltTest]
    repeats: Repeats
    steadiness: Steadiness | None
    subgroups: Subgroups


def audit(
    study: Study,
    *,
    part: Part = Part.DEVELOPMENT,
    wanted: str | None = None,
    who: str = "",
    command: str = "",
    quotes: bool = True,
) -> Audit:
    """Audit a candidate on one part of the study; auditing the test part opens it and logs that.

    Args:
        wanted: The beginning of a run's id or a coder's name; the last finished run when None.
        who: Who opens the test split; the user's login name when empty.
        command: What the reader can run to make this again.
        quotes: Whether the page will show disagreements verbatim.

    Raises:
        StudyError: nothing to judge, or nobody to judge by.
        LeakError: words of the test split stand where the model reads them.
    """
    judged = candidate(study, wanted)
    locked = parts(study)
    searched = search_for_leaks(study, judged.run)
    people = {participant for participant, where in locked.items() if where is part}
    found = gold(study, judged, people)
    opened = _open(study, judged, locked, part, who)
    stale = seal.stale(study, judged)
    how = Resampling(draws=study.settings.audit.draws, seed=study.settings.seed)
    compared = _compare(study, judged, found, how)
    standing = seal.standing(part, judged, opened, stale)
    verdicts = _verdicts(study, found, compared)
    made = sources.provenance(study, judged, locked, opened, part, searched)
    flow = sources.flow(study, locked, found)
    segments = study.store.corpus.segments()
    record = Audit(
        study=study.settings.name,
        synthetic=study.settings.synthetic,
        made_at=now(),
        version=__version__,
        split=str(part),
        command=command,
        standing=standing,
        verdicts=verdicts,
        code_names={code.id: code.name for code in study.framework().assignable},
        provenance=made,
        flow=flow,
        ceiling=compared.ceiling,
        ceiling_sets=compared.ceiling.set_alpha,
        against=compared.against,
        paradox=compared.paradox,
        alternative=compared.alternative,
        errors=mistakes.errors(found),
        repeats=compared.repeats,
        steadiness=compared.steadiness,
        drift=repeats.drift(study, _watched(study, judged, locked, part, found), how),
        confidence=trust.confidence(found),
        prevalence=occurrence.prevalence(study, judged, found, [s for s in segments if s.participant in people]),
        subgroups=compared.subgroups,
        time=trust.over_time(found, how),
        evidence=trust.evidence(study, found, judged.run),
        themes=occurrence.themes(study, judged, found),
        saturation_people=occurrence.saturation_of_people(found),
        saturation_model=occurrence.saturation_of(judged, segments),
        checklists=(),
        methods=methods(made, flow, compared.ceiling, compared.against, standing, verdicts, str(part)),
        scope=SCOPE,
        warnings=_warnings(found, compared, standing),
        undefined=(),
    )
    answers = checklists.fill(facts(record, study, quotes=quotes))
    return replace(record, checklists=answers, undefined=tuple(_undefined(record)))


def _open(study: Study, judged: Candidate, locked: dict[str, Part], part: Part, who: str) -> tuple[Opening, ...]:
    """Log the opening where the part is the test split; returns every opening so far."""
    pinned = seal.pinned(study, judged, locked)
    if part is Part.TEST:
        study.store.audits.unseal(who=who or _login(), candidate=judged.key, pinned=pinned)
    return seal.openings(study.store.audits.unsealings(), pinned)


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:
        raise StudyError("this system does not know who you are; say with --by who opens the test split") from error


def _watched(study: Study, judged: Candidate, locked: dict[str, Part], part: Part, found: Gold) -> Gold:
    """The development part's gold, where sentinels are, whichever part is audited."""
    if part is Part.DEVELOPMENT or not study.store.audits.sentinels():
        return found
    try:
        return gold(study, judged, {who for who, where in locked.items() if where is Part.DEVELOPMENT})
    except StudyError:
        # Nobody but the candidate judged there: no gold, and no drift to show.
        return found


def _compare(study: Study, judged: Candidate, found: Gold, how: Resampling) -> _Compared:
    cells = cells_between(found.settled, found.candidate, found.humans)
    return _Compared(
        ceiling=agree(found.humans, resampling=how),
        against=comparison.against_humans(found, how),
        paradox=comparison.paradox(found, how),
        alternative=comparison.alternative_tests(found, study.settings.audit.epsilon),
        repeats=repeats.repeats(study, judged, found),
        steadiness=steadiness.of_run(study, judged.run, how),
        subgroups=subgroups(
            cells,
            found.humans.codes,
            found.humans.cluster_names,
            study.store.corpus.participants(),
            smallest=study.settings.audit.smallest_group,
            resampling=how,
        ),
    )


def _verdicts(study: Study, found: Gold, compared: _Compared) -> tuple[CodeVerdict, ...]:
    counts, names = positives(found), {code.id: code.name for code in study.framework().assignable}
    return tuple(
        verdict(
            Evidence(
                code=code,
                positives=counts[code],
                coders=len(found.humans.coders),
                alpha=compared.ceiling.codes[code].alpha,
                beside=compared.against[k],
                paradox=compared.paradox[k],
                alternative=compared.alternative[code],
                repeats=compared.repeats,
                subgroups=compared.subgroups,
                steadiness=compared.steadiness,
            ),
            names[code],
            study.settings.audit,
        )
        for k, code in enumerate(found.humans.codes)
    )


def _warnings(found: Gold, compared: _Compared, standing: Standing) -> tuple[str, ...]:
    lines = list(compared.ceiling.warnings)
    if found.anchored:
        lines.append(f"{found.anchored} judgements were left out: their coders had seen the model's codings")
    if found.anchored_decisions:
        lines.append(
            f"{found.anchored_decisions} of them settle a segment: there what its coders said counts, as if nobody had "
            "settled it"
        )
    ties = int((found.settled < 0).sum())
    if ties:
        lines.append(f"{ties} segment × code pairs were left unsettled by people and count nowhere against them")
    silent = int(((found.candidate < 0) & (found.settled >= 0)).sum())
    if silent:
        lines.append(
            f"on {silent} segment × code pairs the model abstained, failed or said nothing; agreement is over the "
            "others, and abstaining on hard ones makes it look better"
        )
    if standing.kind == "void":
        lines.append("the verdicts are void")
    return tuple(lines)


def _undefined(record: Audit) -> list[dict[str, str]]:
    """Every statistic without a value, and why, wherever it stands in the record."""
    found = [{"where": f"among people, {u['where']}", "reason": u["reason"]} for u in record.ceiling.undefined]
    for name in ("against", "paradox", "errors", "steadiness", "confidence", "prevalence", "time", "drift", "themes"):
        found += _search(getattr(record, name), name)
    unique = {(u["where"], u["reason"]): u for u in found}
    return list(unique.values())


def _search(given: Any, where: str) -> list[dict[str, str]]:
    if isinstance(given, Estimate):
        return [{"where": where, "reason": given.reason}] if given.value is None else []
    if isinstance(given, dict):
        return [line for key, value in given.items() for line in _search(value, f"{where}, {key}")]
    if isinstance(given, tuple | list):
        return [line for i, one in enumerate(given) for line in _search(one, f"{where}, {_name(one, i)}")]
    if hasattr(given, "__dataclass_fields__"):
        return [line for key in given.__dataclass_fields__ for line in _search(getattr(given, key), f"{where} {key}")]
    return []


def _name(one: Any, place: int) -> str:
    return str(
        getattr(one, "code", None)
        or getattr(one, "third", None)
        or getattr(one, "run_id", None)
        or getattr(one, "kind", place + 1)
    )
