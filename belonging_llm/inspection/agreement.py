"""How far people agree so far, and the model with them: live figures, each with its interval or a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from belonging_llm.auditing.comparison import against_humans, paradox
from belonging_llm.auditing.gold import Gold
from belonging_llm.auditing.record import AgainstHumans, Paradox
from belonging_llm.codes import Outcome
from belonging_llm.deliberation import Anchored, People
from belonging_llm.evaluation import Estimate, Ratings, Resampling, agree, ratings, segments_for_kappa
from belonging_llm.evaluation.ratings import Marks
from belonging_llm.inspection.beside import settled
from belonging_llm.inspection.matrix import NOTHING, OUTCOMES, Matrix

# Below these a figure says nothing, whatever it is.
FEWEST_UNITS, FEWEST_POSITIVES, WIDEST = 30, 5, 0.6
WANTED = 0.1


@dataclass(frozen=True)
class Figure:
    """An estimate, and whether it says anything.

    Attributes:
        notices: What a reader must know; `silent` when these are reasons to read nothing into the figure.
    """

    found: Estimate
    notices: tuple[str, ...] = ()
    silent: bool = False


@dataclass(frozen=True)
class AmongPeople:
    """People with each other, on one code.

    Attributes:
        units: Segments that two people or more judged.
        positives: Of these, how many at least one gave the code.
    """

    code: str
    units: int
    positives: int
    alpha: Figure


@dataclass(frozen=True)
class WithModel:
    """The model beside people, on one code.

    Attributes:
        positives: Segments that people settled to have the code; of `units` that they settled at all and the model
            decided.
        settled: Kappa of the model with what people settled on.
    """

    code: str
    units: int
    positives: int
    among: Figure
    beside: Figure
    difference: Figure
    settled: Figure

    @property
    def notices(self) -> tuple[str, ...]:
        """What a reader must know of any of these figures, each once."""
        every = (self.among, self.beside, self.difference, self.settled)
        return tuple(dict.fromkeys(line for one in every for line in one.notices))


@dataclass(frozen=True)
class Agreed:
    """Agreement as it stands.

    Attributes:
        units: Segments that somebody judged; `twice` those that two or more did.
        left_out: Segments of the sealed test split, whose figures are not made.
        model: Empty with a reason where the model is not compared.
        anchored: Outside the sealed split, what is counted nowhere because whoever said it had seen the model's.
    """

    coders: Mapping[str, int]
    participants: int
    units: int
    twice: int
    left_out: int
    people: tuple[AmongPeople, ...]
    model: tuple[WithModel, ...]
    model_units: int
    anchored: Anchored
    reason: str = ""
    warnings: tuple[str, ...] = ()
    model_warnings: tuple[str, ...] = ()


def of_people(people: People, who: Mapping[str, str], codes: Sequence[str]) -> Ratings | None:
    """Everybody's own word on segments; None where nobody judged any.

    What they abstained on, or were never asked, they did not judge.

    Args:
        who: The participant of each segment that counts.
    """
    looked: dict[str, list[str]] = {}
    given: list[tuple[str, str, str]] = []
    withheld: list[tuple[str, str, str]] = []
    known = set(codes)
    for segment in who:
        for word in people.raw(segment):
            looked.setdefault(word.coder, []).append(segment)
            for code in known & (word.marks.keys() | word.not_asked):
                if word.on(code).assigned:
                    given.append((segment, word.coder, code))
                elif word.on(code).outcome is not Outcome.NOT_ASSIGNED:
                    withheld.append((segment, word.coder, code))
    if not looked:
        return None
    inside = {segment: who[segment] for seen in looked.values() for segment in seen}
    return ratings(looked, given, codes=codes, clusters=inside, clustered_by="participant", withheld=withheld)


def among(found: Ratings, how: Resampling) -> tuple[AmongPeople, ...]:
    """Alpha of people with each other, by code."""
    made = agree(found, resampling=how)
    rows = []
    for k, code in enumerate(found.codes):
        twice = (found.marks[:, :, k] >= 0).sum(0) > 1
        given = (found.marks[:, :, k] == 1).any(0) & twice
        units, positives = int(twice.sum()), int(given.sum())
        alpha = figure(made.codes[code].alpha, units, positives)
        rows.append(AmongPeople(code, units, positives, alpha))
    return tuple(rows)


def with_model(gold: Gold, how: Resampling) -> tuple[WithModel, ...]:
    """The model beside people, by code."""
    beside, alone = against_humans(gold, how), paradox(gold, how)
    return tuple(_row(gold, k, one, other) for k, (one, other) in enumerate(zip(beside, alone, strict=True)))


def gold_of(found: Ratings, people: People, matrix: Matrix, anchored: Anchored) -> Gold:
    """People and a run on the same segments, as audits compare them.

    Args:
        anchored: What was left out because whoever said it had seen the model's.
    """
    rows = np.array([matrix.row.get(unit, NOTHING) for unit in found.units])
    marks = np.where(rows[:, None] == NOTHING, NOTHING, _marks(matrix)[rows]).astype(np.int8)
    outcomes = Counter(str(OUTCOMES[k]) for k in matrix.outcome[rows[rows != NOTHING]].ravel() if k != NOTHING)
    said = [[settled(code, people.raw(u), people.ruling(u)).assigned for code in found.codes] for u in found.units]
    ruled = any(people.ruling(unit) for unit in found.units)
    return Gold(
        humans=found,
        settled=np.array([[-1 if one is None else int(one) for one in row] for row in said], np.int8),
        settled_by=people.adjudicator if ruled else "majority",
        candidate=marks,
        outcomes=outcomes,
        confidence=np.full(marks.shape, np.nan),
        segments={},
        anchored=anchored.judgements,
        codings=(),
        anchored_decisions=anchored.decisions,
    )


def figure(found: Estimate, units: int, positives: int) -> Figure:
    """An estimate with what a reader must know about how much stands behind it."""
    silent, notices = [], []
    if units < FEWEST_UNITS:
        silent.append(f"{units} segments: too few to say anything ({FEWEST_UNITS} at least)")
    if positives < FEWEST_POSITIVES:
        silent.append(f"{positives} with the code: too few to say anything ({FEWEST_POSITIVES} at least)")
    ends = found.interval
    if found.value is not None and ends is None:
        silent.append("no interval can be made")
    if ends is not None and ends.high - ends.low > WIDEST:
        silent.append(f"the interval is {ends.high - ends.low:.2f} wide: it cannot tell good agreement from poor")
    if found.flag:
        notices.append(found.flag)
    return Figure(found, tuple(silent + notices), bool(silent))


def wanted(kappa: float | None, units: int, positives: int) -> int | None:
    """Segments coded twice that would tell kappa to ± 0.1, if it is what it seems; None where that cannot be told."""
    if kappa is None or not 0 < positives < units:
        return None
    return segments_for_kappa(min(max(kappa, 0.0), 0.95), positives / units, WANTED)


def left_out(segments: Collection[str], people: People) -> int:
    """Segments that people coded for themselves, among some."""
    return sum(bool(people.raw(segment)) for segment in segments)


def _marks(matrix: Matrix) -> Marks:
    """Outcomes as marks: 1 assigned, 0 not assigned, -1 abstained, failed or nothing."""
    assigned = matrix.outcome == OUTCOMES.index(Outcome.ASSIGNED)
    refused = matrix.outcome == OUTCOMES.index(Outcome.NOT_ASSIGNED)
    return np.where(assigned, 1, np.where(refused, 0, -1)).astype(np.int8)


def _row(gold: Gold, k: int, beside: AgainstHumans, alone: Paradox) -> WithModel:
    both = (gold.settled[:, k] >= 0) & (gold.candidate[:, k] >= 0)
    units, positives = int(both.sum()), int((both & (gold.settled[:, k] == 1)).sum())
    made = {
        "among": beside.among_humans,
        "beside": beside.with_model,
        "difference": beside.difference,
        "settled": alone.model.kappa,
    }
    return WithModel(beside.code, units, positives, **{key: figure(e, units, positives) for key, e in made.items()})
