"""Agreement as it stands now, made anew only when something that it rests on has changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from belonging_llm.auditing.gold import Gold
from belonging_llm.auditing.splits import Part
from belonging_llm.deliberation import People
from belonging_llm.evaluation import Ratings, Resampling
from belonging_llm.evaluation.intervals import FEW_CLUSTERS
from belonging_llm.inspection import agreement
from belonging_llm.inspection.agreement import Agreed
from belonging_llm.inspection.matrix import Matrix
from belonging_llm.inspection.sealing import Seal

KEPT = 8
NO_RUN = "No analysis has finished yet."
NOT_DIVIDED = (
    "Participants whom people have coded are not divided into development, calibration and test yet, so the model is "
    "not held against them: whatever was looked at now could never be an untouched test."
)
NOBODY = "Nobody has coded a segment of the {part} split."


@dataclass
class Live:
    """Figures by everything that they rest on."""

    _made: dict[tuple[object, ...], Agreed] = field(default_factory=dict)

    def agreed(
        self,
        people: People,
        participants: Mapping[str, str],
        codes: Sequence[str],
        matrix: Matrix | None,
        seal: Seal,
        part: Part,
        how: Resampling,
    ) -> Agreed:
        """Agreement of people outside the sealed test split, and of the model with them in one part.

        Args:
            participants: Of every segment.
            matrix: The run that is held against people; None where there is none.
            part: Test only where it was opened before.

        Raises:
            ValueError: the test split is sealed.
        """
        if part is Part.TEST and not seal.opened:
            raise ValueError("the test split is sealed")
        run = matrix.run_id if matrix else ""
        on = (people.version, run, tuple(codes), part, how, seal.opened, tuple(sorted(seal.parts.items())))
        if on not in self._made:
            self._made[on] = _agreed(people, participants, codes, matrix, seal, part, how)
            while len(self._made) > KEPT:
                del self._made[next(iter(self._made))]
        return self._made[on]


def _agreed(
    people: People,
    participants: Mapping[str, str],
    codes: Sequence[str],
    matrix: Matrix | None,
    seal: Seal,
    part: Part,
    how: Resampling,
) -> Agreed:
    sealed = frozenset() if seal.opened else seal.of(Part.TEST)
    judged = {s: participants[s] for s in people.segments if s in participants}
    open_ = {s: who for s, who in judged.items() if who not in sealed}
    found = agreement.of_people(people, open_, codes)
    beside, why = _beside(people, judged, codes, matrix, seal, part)
    twice = int(((found.marks >= 0).any(2).sum(0) > 1).sum()) if found else 0
    return Agreed(
        coders=_coders(found),
        participants=found.n_clusters if found else 0,
        units=len(found.units) if found else 0,
        twice=twice,
        left_out=agreement.left_out(judged.keys() - open_.keys(), people),
        people=agreement.among(found, how) if found else (),
        model=agreement.with_model(_gold(beside, people, judged, matrix, seal, part), how) if beside and matrix else (),
        model_units=len(beside.units) if beside else 0,
        reason=why,
        warnings=_warned(found),
        model_warnings=_warned(beside),
        anchored=people.anchored(open_),
    )


def _gold(found: Ratings, people: People, judged: Mapping[str, str], matrix: Matrix, seal: Seal, part: Part) -> Gold:
    return agreement.gold_of(found, people, matrix, people.anchored(_within(judged, seal.of(part))))


def _beside(
    people: People,
    judged: Mapping[str, str],
    codes: Sequence[str],
    matrix: Matrix | None,
    seal: Seal,
    part: Part,
) -> tuple[Ratings | None, str]:
    """People's word in the part that the model is held against; or why it is held against none."""
    if matrix is None:
        return None, NO_RUN
    if not seal.parts:
        return None, NOT_DIVIDED
    inside = seal.of(part)
    found = agreement.of_people(people, _within(judged, inside), codes)
    return found, "" if found else NOBODY.format(part=part)


def _within(judged: Mapping[str, str], people: Collection[str]) -> dict[str, str]:
    return {segment: who for segment, who in judged.items() if who in people}


def _warned(found: Ratings | None) -> tuple[str, ...]:
    """In words that fit a page about participants."""
    if found is None or found.n_clusters >= FEW_CLUSTERS:
        return ()
    few = f"{found.n_clusters} {'participant' if found.n_clusters == 1 else 'participants'}"
    return (f"{few}: intervals from fewer than {FEW_CLUSTERS} are unreliable",)


def _coders(found: Ratings | None) -> dict[str, int]:
    if found is None:
        return {}
    judged = np.asarray((found.marks >= 0).any(2))
    return {coder: int(judged[i].sum()) for i, coder in enumerate(found.coders)}
