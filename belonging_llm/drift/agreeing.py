"""How far the model's answers about the sentinels are those that people settled on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from belonging_llm.auditing.gold import settled
from belonging_llm.drift.record import Figure, figure
from belonging_llm.errors import StudyError
from belonging_llm.evaluation import Resampling, bootstrap
from belonging_llm.evaluation.estimate import Floats, estimate, ratio
from belonging_llm.evaluation.tallies import by_cluster
from belonging_llm.study import Study

NO_GOLD = "nobody has coded the sentinels"


def agreement(study: Study, ids: Sequence[str], codes: Sequence[str], marks: NDArray[np.int8]) -> Figure:
    """Share of segment × code on which both have a word and it is the same; the interval resamples participants.

    Args:
        marks: The model's yes, no or -1, shape (n_segments, n_codes), columns as `codes`.
    """
    who = {s.id: s.participant for s in study.store.corpus.segments_with(ids)}
    try:
        humans, gold = settled(study, who)
    except StudyError:
        return Figure(reason=NO_GOLD)
    row, column = {s: i for i, s in enumerate(ids)}, {code: k for k, code in enumerate(codes)}
    own = marks[np.ix_([row[u] for u in humans.units], [column[code] for code in humans.codes])]
    both = (own >= 0) & (gold >= 0)
    tallies = by_cluster(humans, np.stack([((own == gold) & both).sum(1), both.sum(1)], axis=1).astype(float))
    how = Resampling(draws=study.settings.audit.draws, seed=study.settings.seed)
    found = bootstrap(tallies, _share, how)
    return figure(found.around(estimate(float(found.point), NO_GOLD)))


def _share(sums: Floats) -> Floats:
    return ratio(sums[:, 0], sums[:, 1])
