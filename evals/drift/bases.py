"""A study that batches are laid on: its themes, and what they make one expect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from belonging_llm import clusters, themes
from belonging_llm.clusters import Belongs
from belonging_llm.drift.novelty import Placed, by_participant, close_together, novelty
from belonging_llm.drift.record import Novelty
from belonging_llm.drift.strangers import REMEMBERED, Strangers, strangers
from belonging_llm.embeddings import Vectors
from belonging_llm.evaluation import Counts, counts
from evals.drift.rates import WATCH

Cores = list[list[int]]


@dataclass(frozen=True)
class Base:
    """Everything that is done when the first batch after an analysis comes, and what it finds.

    Attributes:
        vectors: Of the study's segments, shape (n, dim).
        cores: Rows of every theme's core.
        known: The study's people in themes that did not know them.
    """

    people: Sequence[str]
    vectors: Vectors
    cores: Cores
    known: Strangers

    @classmethod
    def of(cls, people: Sequence[str], vectors: Vectors, keys: Sequence[str], seed: int = 0) -> Base:
        """Themes as an analysis finds them, and what is expected as a study expects it.

        Args:
            keys: Digest of each text.
        """
        found = clusters.find(vectors, keys, seed=seed).clusters
        cores = [[m.index for m in one.members if m.belongs is Belongs.CORE] for one in found]
        return cls(people, vectors, cores, strangers(people, vectors, cores))

    def batch(self, people: Sequence[str], vectors: Vectors) -> Novelty:
        """What is said of a batch of these people's segments."""
        fits = self.fits(vectors)
        close = np.zeros(len(vectors), bool)
        lost = self.vectors[~self.known.fits][:REMEMBERED]
        close[~fits] = close_together(vectors[~fits], lost, self.known.near, among=len(lost))
        misfits, pocketed = (_counted(self.people, flags) for flags in (~self.known.fits, self.known.pocketed))
        return novelty(Placed(people, fits, close, "base"), misfits, pocketed, WATCH)

    def fits(self, vectors: Vectors) -> NDArray[np.bool_]:
        """Which vectors of people to come fit the themes."""
        return themes.fitting(vectors, self.places)

    @cached_property
    def places(self) -> list[themes.Place]:
        """Where the themes are."""
        cores = [core for core in self.cores if core]
        return [themes.locate(str(k), [str(i) for i in core], self.vectors[core]) for k, core in enumerate(cores)]

    @property
    def expected(self) -> float:
        """Share of segments that fit nowhere, in themes found without the speaker."""
        return float((~self.known.fits).mean())

    @property
    def flattered(self) -> float:
        """The same in themes that were found with them."""
        return float((~self.fits(self.vectors)).mean())


def _counted(people: Sequence[str], flags: NDArray[np.bool_]) -> Counts:
    found = by_participant(people, flags).values()
    return counts([n for n, _ in found], [k for _, k in found])
