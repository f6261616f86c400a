"""How often codes occur, when new ones stop coming, and how themes lie beside people's codes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from belonging_llm.auditing.gold import Candidate, Gold
from belonging_llm.auditing.record import Themes
from belonging_llm.codes import Outcome
from belonging_llm.evaluation import Corrected, Saturation, compare, design_based, match, saturation, undefined
from belonging_llm.evaluation.estimate import Floats
from belonging_llm.segments import Segment
from belonging_llm.study import Study

ORDERS = 1000


def prevalence(study: Study, judged: Candidate, gold: Gold, segments: Collection[Segment]) -> dict[str, Corrected]:
    """Prevalence of each code among the segments of the audited part: model's, people's, corrected.

    People's judgements count where their segments were drawn with a known probability: because people judged every
    segment there is, or by the last audit plan that was coded.
    """
    sample = _sample(study, gold, sorted(segments, key=lambda s: s.id))
    population, drawn = sample.population, sample.drawn
    place = {s.id: i for i, s in enumerate(population)}
    people = {who: g for g, who in enumerate(sorted({s.participant for s in population}))}
    clusters = np.array([people[s.participant] for s in population])
    settled = {unit: i for i, unit in enumerate(gold.humans.units)}
    said = {(c.segment_id, c.code): c.outcome for c in judged.codings}
    found = {}
    for k, code in enumerate(gold.humans.codes):
        model = np.array([float(said.get((s.id, code)) is Outcome.ASSIGNED) for s in population])
        human = np.full(len(population), np.nan)
        for unit, row in settled.items():
            if unit in drawn and gold.settled[row, k] >= 0:
                human[place[unit]] = gold.settled[row, k]
        one = design_based(model, human, sample.chance, clusters=clusters)
        found[code] = (
            replace(one, estimate=undefined(sample.why), human_only=undefined(sample.why)) if sample.why else one
        )
    return found


@dataclass(frozen=True)
class _Sample:
    """What people judged of a population, and how it came to be chosen.

    Attributes:
        chance: Of each segment to be audited, shape (n_segments,); None when it is not known.
        drawn: Ids of the audited ones.
        why: Why an audit plan does not help; empty when it does, or when there is none.
    """

    population: Sequence[Segment]
    chance: Floats | None
    drawn: Collection[str]
    why: str = ""


def _sample(study: Study, gold: Gold, segments: Sequence[Segment]) -> _Sample:
    judged, why = set(gold.humans.units), ""
    if judged == {s.id for s in segments}:
        return _Sample(segments, np.ones(len(segments)), judged)
    for number, content in sorted(study.store.audits.plans().items(), reverse=True):
        units = {u.segment_id: u for u in study.store.audits.units(number)}
        drawn = {s.id for s in segments if s.id in units and units[s.id].drawn}
        if drawn and drawn <= judged:
            # Only participants who were drawn are in a part at all: given them, their own chance is 1.
            chances = content["participant_chances"]
            population = [s for s in segments if s.participant in content["participants"]]
            known = [units[s.id].inclusion / chances[s.participant] if s.id in units else np.nan for s in population]
            return _Sample(population, np.array(known), drawn)
        why = why or _unhelpful(number, len(drawn), len(drawn - judged))
    return _Sample(segments, None, judged, why)


def _unhelpful(plan: int, drawn: int, lost: int) -> str:
    if not drawn:
        return f"audit plan {plan} drew no segment of this part"
    return f"{lost} of the {drawn} segments that audit plan {plan} drew in this part lack a coding made unaided"


def saturation_of_people(gold: Gold) -> Saturation:
    """New codes by interview in what people settled on, in the order of the interviews' names."""
    found: dict[str, set[str]] = {s.document: set() for s in sorted(gold.segments.values(), key=lambda s: s.document)}
    for row, unit in enumerate(gold.humans.units):
        codes = np.flatnonzero(gold.settled[row] == 1)
        found[gold.segments[unit].document] |= {gold.humans.codes[k] for k in codes}
    return saturation(list(found.values()), orders=ORDERS)


def saturation_of(judged: Candidate, segments: Collection[Segment]) -> Saturation:
    """New codes by interview in the candidate's codings of all interviews; needs no gold."""
    document = {s.id: s.document for s in segments}
    found: dict[str, set[str]] = {name: set() for name in sorted(set(document.values()))}
    for c in judged.codings:
        if c.outcome is Outcome.ASSIGNED and c.segment_id in document:
            found[document[c.segment_id]].add(c.code)
    return saturation(list(found.values()), orders=ORDERS)


def themes(study: Study, judged: Candidate, gold: Gold) -> Themes | None:
    """The run's themes against people's codes on the audited segments; None where there are no themes."""
    if judged.run is None:
        return None
    found = study.store.findings.themes(judged.run.id)
    units = set(gold.humans.units)
    members = {t.name: {m.segment_id for m in t.members} & units for t in found}
    if not any(members.values()):
        return None
    theme_of = {segment: name for name, inside in members.items() for segment in inside}
    single = [(u, int(np.argmax(r == 1))) for u, r in zip(gold.humans.units, gold.settled, strict=True) if _one(r)]
    apart = compare([theme_of.get(u, f"alone {u}") for u, _ in single], [k for _, k in single])
    themed = [(u, k) for u, k in single if u in theme_of]
    codes = {
        code: {u for u, r in zip(gold.humans.units, gold.settled[:, k], strict=True) if r == 1}
        for k, code in enumerate(gold.humans.codes)
    }
    return Themes(
        outliers_apart=apart,
        outliers_left_out=compare([theme_of[u] for u, _ in themed], [k for _, k in themed]),
        single_coded=len(single),
        matching=match(members, codes, len(units)),
    )


def _one(row: np.ndarray) -> bool:
    return int((row == 1).sum()) == 1 and bool((row >= 0).all())
