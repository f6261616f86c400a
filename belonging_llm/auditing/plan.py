"""Plan an audit: how many segments people should code, which ones, and with what chance each was drawn.

Participants come first, then segments within strata of what the model said. Every segment of a chosen
participant keeps a chance above zero, so that the sample can speak for all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from belonging_llm.codes import Coding, Outcome
from belonging_llm.errors import StudyError
from belonging_llm.evaluation import design_effect, segments_for_kappa, segments_for_kappa_clustered
from belonging_llm.segments import Segment
from belonging_llm.store import AuditUnit
from belonging_llm.study import Study

UNIFORM = 0.5
SURE = 0.8
RAREST = 0.005


@dataclass(frozen=True)
class Wish:
    """What an audit should be able to tell.

    Attributes:
        half_width: Of the 95 % interval of kappa.
        kappa: The agreement that is expected.
        participants: How many to draw; all when None.
        segments: How many to draw; what the codes need when None.
        group: A participant attribute that must be covered; none when empty.
    """

    half_width: float = 0.15
    kappa: float = 0.7
    participants: int | None = None
    segments: int | None = None
    group: str = ""
    seed: int = 0


@dataclass(frozen=True)
class Need:
    """What one code needs.

    Attributes:
        prevalence: Share of segments that the model gave the code.
        intraclass: How much alike a participant's segments are in this code (ANOVA estimate, at least 0).
        alone: Segments if they were independent; `clustered` with this many participants, None if no number is
            enough.
        half_width: What the drawn sample will give.
    """

    code: str
    prevalence: float
    intraclass: float
    alone: int
    clustered: int | None
    half_width: float


@dataclass(frozen=True)
class Plan:
    """A drawn sample.

    Attributes:
        units: Every segment that could have been drawn, with its chance.
        order: Ids of the drawn segments in the random order in which people should code them.
    """

    number: int
    wish: Wish
    participants: tuple[str, ...]
    needs: tuple[Need, ...]
    units: tuple[AuditUnit, ...]
    order: tuple[str, ...]


def plan(study: Study, wish: Wish) -> Plan:
    """Decide how many, draw them, and keep every segment's chance in the study.

    Raises:
        StudyError: nothing to draw from, more participants wanted than there are, or an unknown attribute.
    """
    store = study.store
    segments = sorted(store.corpus.segments(), key=lambda s: s.id)
    run = store.runs.latest()
    if not segments or run is None:
        raise StudyError(f"{study.folder}: run `belonging analyse` first; strata come from what the model said")
    codings = store.findings.codings(run.id)
    draw = np.random.default_rng(wish.seed)
    chances = _participants(study, segments, wish, draw)
    chosen = tuple(sorted(who for who, (drawn, _) in chances.items() if drawn))
    codes = [code.id for code in study.framework().assignable]
    wanted = _wanted(segments, codings, codes, wish, len(chosen))
    rates = _rates(segments, _strata(study, segments, codings, wish.group), wanted, chances)
    units = _drawn(segments, chances, rates, draw)
    drawn = [u.segment_id for u in units if u.drawn]
    needs = _needs(segments, codings, codes, wish, len(chosen), len(drawn))
    content = {"wish": asdict(wish), "participants": chosen, "run": run.id, "segments": len(drawn)}
    content |= {"participant_chances": {who: chance for who, (_, chance) in chances.items()}}
    number = store.audits.add_plan(content, units)
    order = tuple(str(one) for one in draw.permutation(drawn))
    return Plan(number, wish, chosen, needs, units, order)


def sheet(study: Study, made: Plan) -> list[dict[str, str]]:
    """Rows for people to code blind: nothing of the model's and nothing of other coders' is in them."""
    segments = {s.id: s for s in study.store.corpus.segments()}
    transcripts = {i: study.store.corpus.transcript(i) for i in {s.transcript_id for s in segments.values()}}
    rows = []
    for ident in made.order:
        segment = segments[ident]
        transcript = transcripts[segment.transcript_id]
        question = transcript.questions.get(segment.turn)
        rows.append(
            {"segment_id": ident, "coder": "", "code": "", "polarity": "", "evidence": "", "memo": ""}
            | {"question": transcript.said(question) if question else "", "text": segment.text}
        )
    return rows


def _participants(
    study: Study, segments: Sequence[Segment], wish: Wish, draw: np.random.Generator
) -> dict[str, tuple[bool, float]]:
    """Whether each participant was drawn, and their chance: simple random sampling, within groups if wished."""
    people = sorted({s.participant for s in segments})
    attributes = study.store.corpus.participants()
    if wish.group and not any(wish.group in known for known in attributes.values()):
        raise StudyError(f"{study.folder}: no participant has the attribute {wish.group}")
    if wish.participants is None:
        return dict.fromkeys(people, (True, 1.0))
    if not 0 < wish.participants <= len(people):
        raise StudyError(f"{study.folder}: {wish.participants} participants wanted of {len(people)}")
    groups: dict[str, list[str]] = {}
    for who in people:
        groups.setdefault(attributes.get(who, {}).get(wish.group, ""), []).append(who)
    found: dict[str, tuple[bool, float]] = {}
    for members in groups.values():
        n = min(len(members), max(1, round(wish.participants * len(members) / len(people))))
        drawn = set(draw.choice(members, size=n, replace=False).tolist())
        found |= {who: (who in drawn, n / len(members)) for who in members}
    return found


def _strata(study: Study, segments: Sequence[Segment], codings: Sequence[Coding], group: str) -> dict[str, str]:
    """What the model said of each segment, how sure it was, and whose it is."""
    attributes = study.store.corpus.participants()
    by_segment: dict[str, list[Coding]] = {}
    for coding in codings:
        by_segment.setdefault(coding.segment_id, []).append(coding)
    return {
        s.id: _stratum(by_segment.get(s.id, []), attributes.get(s.participant, {}).get(group, "")) for s in segments
    }


def _stratum(given: Sequence[Coding], group: str) -> str:
    assigned = [c for c in given if c.outcome is Outcome.ASSIGNED]
    if any(c.outcome in (Outcome.ABSTAINED, Outcome.FAILED) for c in given):
        label = "left open"
    elif assigned:
        label = "assigned, sure" if min(c.confidence or 0 for c in assigned) >= SURE else "assigned, unsure"
    else:
        label = "none, sure" if min((c.confidence or 0 for c in given), default=0) >= SURE else "none, unsure"
    return f"{label}; {group}" if group else label


def _wanted(
    segments: Sequence[Segment], codings: Sequence[Coding], codes: Sequence[str], wish: Wish, participants: int
) -> int:
    """As many segments as the neediest code that can be served needs, or as many as were asked for."""
    if wish.segments is not None:
        if wish.segments < 1:
            raise StudyError(f"{wish.segments} segments wanted; an audit needs one at least")
        return min(wish.segments, len(segments))
    needs = _needs(segments, codings, codes, wish, participants, len(segments))
    return min(len(segments), max((n.clustered for n in needs if n.clustered is not None), default=len(segments)))


def _rates(
    segments: Sequence[Segment], strata: Mapping[str, str], wanted: int, chances: Mapping[str, tuple[bool, float]]
) -> dict[str, tuple[str, float]]:
    """Each segment's stratum and its chance once its participant is drawn.

    Half of the sample is spread evenly over all segments, half equally over strata, so that rare ones are seen.
    """
    sizes = Counter(strata[s.id] for s in segments if chances[s.participant][0])
    n = min(wanted, sum(sizes.values()))
    even = UNIFORM * n / sum(sizes.values())
    rate = {h: min(1.0, even + (1 - UNIFORM) * n / len(sizes) / size) for h, size in sizes.items()}
    for _ in range(len(rate)):
        # What full strata cannot take goes to the others, in proportion.
        short = n - sum(rate[h] * sizes[h] for h in rate)
        room = sum((1 - rate[h]) * sizes[h] for h in rate)
        if short <= 1e-9 or room <= 1e-9:
            break
        rate = {h: min(1.0, r + short / room * (1 - r)) for h, r in rate.items()}
    # A stratum that no drawn participant has is still possible: it keeps the even chance.
    return {s.id: (strata[s.id], rate.get(strata[s.id], even)) for s in segments}


def _drawn(
    segments: Sequence[Segment],
    chances: Mapping[str, tuple[bool, float]],
    rates: Mapping[str, tuple[str, float]],
    draw: np.random.Generator,
) -> tuple[AuditUnit, ...]:
    """Systematic sampling from a random order: each segment's chance is exactly its rate, and sizes hardly vary."""
    here = [s for s in segments if chances[s.participant][0]]
    order = draw.permutation(len(here))
    upto = np.cumsum([rates[here[i].id][1] for i in order]) + draw.uniform()
    hit = np.floor(upto) > np.floor(np.concatenate([[upto[0] - rates[here[order[0]].id][1]], upto[:-1]]))
    drawn = {here[i].id for i, yes in zip(order, hit, strict=True) if yes}
    return tuple(
        AuditUnit(
            segment_id=s.id,
            inclusion=chances[s.participant][1] * rates[s.id][1],
            stratum=rates[s.id][0],
            drawn=s.id in drawn,
        )
        for s in segments
    )


def _needs(
    segments: Sequence[Segment], codings: Sequence[Coding], codes: Sequence[str], wish: Wish, participants: int, n: int
) -> tuple[Need, ...]:
    people = {who: g for g, who in enumerate(sorted({s.participant for s in segments}))}
    row = {s.id: i for i, s in enumerate(segments)}
    group = np.array([people[s.participant] for s in segments])
    found = []
    for code in codes:
        has = np.zeros(len(segments))
        has[[row[c.segment_id] for c in codings if c.code == code and c.outcome is Outcome.ASSIGNED]] = 1
        found.append(_need(code, has, group, wish, participants, n))
    return tuple(found)


def _need(code: str, has: np.ndarray, group: np.ndarray, wish: Wish, participants: int, n: int) -> Need:
    # A code that the model never gave still occurs, for all we know.
    share = float(np.clip(has.mean(), RAREST, 1 - RAREST))
    alike = intraclass(has, group)
    alone = segments_for_kappa(wish.kappa, share, wish.half_width)
    served = segments_for_kappa_clustered(
        wish.kappa, share, wish.half_width, participants=participants, intraclass=alike
    )
    worse = design_effect(n / participants, alike)
    reach = wish.half_width * float(np.sqrt(alone * worse / max(n, 1)))
    return Need(code, share, alike, alone, served, reach)


def intraclass(values: np.ndarray, group: np.ndarray) -> float:
    """One-way ANOVA estimate of the intraclass correlation (Donner 1986, eq. 2.1), at least 0."""
    names, index, sizes = np.unique(group, return_inverse=True, return_counts=True)
    g, n = len(names), len(values)
    if g < 2 or n <= g or values.std() == 0:
        return 0.0
    means = np.bincount(index, values) / sizes
    between = float((sizes * (means - values.mean()) ** 2).sum() / (g - 1))
    within = float(((values - means[index]) ** 2).sum() / (n - g))
    usual = (n - (sizes**2).sum() / n) / (g - 1)
    return max(0.0, (between - within) / (between + (usual - 1) * within)) if between + within > 0 else 0.0
