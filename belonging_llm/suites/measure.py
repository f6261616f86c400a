"""Measure how well coding agrees with people: every condition on every split, documents never on both sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from belonging_llm import codes
from belonging_llm.adapters import factory
from belonging_llm.asking import Asker
from belonging_llm.codes import Chances, Learned, Lessons, OpenSegment, Signals
from belonging_llm.codes.signals import Floats
from belonging_llm.embeddings import HasMiddle, Vectors
from belonging_llm.llm import tells_likelihoods
from belonging_llm.prompts import load
from belonging_llm.suites.means import Means, asking
from belonging_llm.suites.result import MODEL_ALONE, NEAREST, Measured, between_people, summed, with_intervals
from belonging_llm.suites.suite import Data, Suite


def run(
    suite: Suite, data: Data, *, llm: str = "none", embedder: str = "local", means: Means | None = None
) -> dict[str, Any]:
    """Measure every condition on every split.

    Args:
        means: What the language model may be asked; without, only one on this machine, as much as it takes.

    Returns:
        Plain data: per condition the macro kappa by split, kappa and F1 by code, calibration error, calls.
    """
    encoder = factory.encoder(embedder)
    vectors = encoder.encode([s.text for s in data.segments])
    texts = [s.text for s in data.segments]
    signals = codes.weigh([s.id for s in data.segments], vectors, data.framework, (), encoder.encode, texts=texts)
    inner = encoder.middle().encode(texts) if isinstance(encoder, HasMiddle) else None
    seen = codes.features(vectors, texts, signals, inner)
    counted = [k for k in range(data.marks.shape[2]) if (data.marks[:, :, k] == 1).sum(1).min() >= suite.min_positives]
    unaided = codes.carry_over(codes.strength(signals), seen)
    with asking(llm, means or Means()) as asker:
        parts = _Bench(suite, data, vectors, signals, unaided, seen, counted, asker).conditions()
    found = {name: summed(several, data, counted) for name, several in parts.items()}
    return {
        "suite": suite.name,
        "segments": len(data.segments),
        "documents": len(set(data.documents.tolist())),
        "codes": [data.framework.assignable[k].id for k in counted],
        "embedder": encoder.id,
        "llm": asker.model.id if asker else "none",
        "people": between_people(data, counted),
        "conditions": with_intervals(found, parts, data, counted),
        "tokens": _usage(asker),
    }


def _usage(asker: Asker | None) -> dict[str, float]:
    """Calls that were made, and their seconds."""
    return {"calls": asker.calls, "seconds": round(asker.seconds, 1)} if asker else {"calls": 0, "seconds": 0.0}


@dataclass(frozen=True)
class _Split:
    taught: NDArray[np.intp]
    checks: NDArray[np.intp]
    test: NDArray[np.intp]


@dataclass(frozen=True)
class _Bench:
    """A data set with everything that conditions share."""

    suite: Suite
    data: Data
    vectors: Vectors
    signals: Signals
    unaided: Floats
    seen: Floats
    counted: Sequence[int]
    asker: Asker | None

    def conditions(self) -> dict[str, list[Measured]]:
        """Every condition on every split, by name."""
        found: dict[str, list[Measured]] = {}
        for number in range(self.suite.splits):
            for n in self.suite.teach:
                split = self._split(number, n)
                for name, measured in self._measured(split, n).items():
                    found.setdefault(name, []).append(measured)
        return found

    def _split(self, number: int, n: int) -> _Split:
        """Whole documents in random order: first those to learn from, then to calibrate on, then to test."""
        draw = np.random.default_rng([self.suite.seed, number])
        order = draw.permutation(np.unique(self.data.documents))
        rows = np.concatenate([np.flatnonzero(self.data.documents == d) for d in order])
        ends = np.flatnonzero(np.diff(self.data.documents[rows], append=-1)) + 1
        first = int(ends[np.searchsorted(ends, n)]) if n else 0
        # The same segments are tested whatever was learned: those after the most that any condition learns from.
        most = int(ends[np.searchsorted(ends, max(self.suite.teach))]) if max(self.suite.teach) else 0
        second = int(ends[np.searchsorted(ends, most + self.suite.calibrate)]) if max(self.suite.teach) else 0
        return _Split(rows[:first], rows[most:second] if n else rows[:0], rows[second:])

    def _measured(self, split: _Split, n: int) -> dict[str, Measured]:
        learned = self._learn(split) if n else None
        likely = codes.chances(self.unaided, learned)
        found = {}
        for share in self.suite.ask if self.asker else (0.0,):
            found[f"taught {n}, asked {share:.0%}"] = self._decided(split, likely, share)
        if n:
            found[f"logistic regression on vectors, taught {n}"] = self._plain(split)
        else:
            found["never assigns"] = self._constant(split, False)
            found["always assigns"] = self._constant(split, True)
            found[NEAREST] = self._nearest(split)
            if self._weighs and max(self.suite.ask) == 1:
                found[MODEL_ALONE] = self._alone(split)
        return found

    def _learn(self, split: _Split) -> Learned:
        return codes.learn(self.seen, self._lessons(split.taught), self._lessons(split.checks))

    def _lessons(self, rows: NDArray[np.intp]) -> Lessons:
        return Lessons(rows, self.data.shares[rows], self.data.documents[rows])

    def _decided(self, split: _Split, likely: Chances, share: float) -> Measured:
        here = likely.of(split.test)
        if not share or not self.asker:
            return Measured(split.test, here.leaning >= 0, here.chance, 0)
        moved = self._weighed(split, likely, share) if self._weighs else self._heard(split, here, share)
        chance, leaning = here.chance.copy(), here.leaning.copy()
        for row, shifts in moved.items():
            for k, shift in enumerate(shifts):
                chance[row, k] = codes.after(float(chance[row, k]), float(shift))
            leaning[row] += shifts
        return Measured(split.test, leaning >= 0, chance, len(moved))

    @property
    def _weighs(self) -> bool:
        return self.asker is not None and tells_likelihoods(self.asker.model) and codes.fits(self.data.framework)

    def _weighed(self, split: _Split, likely: Chances, share: float) -> dict[int, Floats]:
        """What weighing all codes at once moves, by row of the test segments; its worth from calibration segments."""
        rows = codes.doubtful(likely.of(split.test).chance, share)
        asked = np.concatenate([split.test[rows], split.checks]).astype(np.intp)
        said = self._ask(asked)
        told = [i for i in asked if i in said]
        shares = np.full((len(told), self.data.marks.shape[2]), np.nan)
        taught = np.isin(told, split.checks)
        shares[taught] = self.data.shares[told][taught]
        scale = codes.scale(
            np.stack([said[i] for i in told]), likely.chance[told], shares if len(split.checks) else None
        )
        return {row: scale.shifts(said[i]) for row in rows if (i := int(split.test[row])) in said}

    def _ask(self, rows: NDArray[np.intp]) -> dict[int, Floats]:
        assert self.asker is not None  # noqa: S101 - only called with one
        items = [OpenSegment(self.data.segments[i], (), "") for i in rows]
        said = codes.score(items, self.data.framework, asker=self.asker, prompt=load("choose_code.v1"))
        answers = {int(i): said[self.data.segments[i].id] for i in rows}
        return {i: one for i, one in answers.items() if not isinstance(one, Exception)}

    def _heard(self, split: _Split, here: Chances, share: float) -> dict[int, Floats]:
        """What the model's word on single codes moves, by row of the test segments."""
        assert self.asker is not None  # noqa: S101 - only called with one
        open_to = codes.open_pairs(here, share)
        ids = [code.id for code in self.data.framework.assignable]
        asked = [
            OpenSegment(self.data.segments[split.test[row]], tuple(ids[k] for k in columns), "")
            for row, columns in open_to.items()
        ]
        said = codes.judge(asked, self.data.framework, asker=self.asker, prompt=load("code_segment.v1"))
        found: dict[int, Floats] = {}
        for row in open_to:
            answer = said[self.data.segments[split.test[row]].id]
            if not isinstance(answer, Exception):
                shifts = [codes.UNHEARD.shift(answer[c].counts) if c in answer else 0.0 for c in ids]
                found[row] = np.array(shifts)
        return found

    def _plain(self, split: _Split) -> Measured:
        """The usual baseline: a logistic regression on the vectors, balanced, on what most coders said."""
        guess = np.zeros((len(split.test), self.data.marks.shape[2]), bool)
        said = self.data.shares[split.taught] >= 0.5
        for k in range(said.shape[1]):
            if 1 < said[:, k].sum() < len(said):
                model = LogisticRegression(C=10, class_weight="balanced", max_iter=1000)
                guess[:, k] = model.fit(self.vectors[split.taught], said[:, k]).predict(self.vectors[split.test])
        return Measured(split.test, guess, np.full(guess.shape, np.nan), 0)

    def _nearest(self, split: _Split) -> Measured:
        """The nearest definition alone, one code a segment."""
        near = self.signals.similarity[split.test]
        guess = near == near.max(axis=1, keepdims=True)
        return Measured(split.test, guess, np.full(guess.shape, np.nan), 0)

    def _alone(self, split: _Split) -> Measured:
        """The model alone: the letter that it finds likelier here than over all segments, one code a segment."""
        said = self._ask(split.test)
        scores = np.stack([said.get(int(i), np.full(self.data.marks.shape[2], np.nan)) for i in split.test])
        above = np.nan_to_num(scores - np.nanmean(scores, axis=0), nan=-np.inf)
        guess = (above == above.max(axis=1, keepdims=True)) & np.isfinite(above)
        return Measured(split.test, guess, np.full(guess.shape, np.nan), len(said))

    def _constant(self, split: _Split, answer: bool) -> Measured:
        shape = (len(split.test), self.data.marks.shape[2])
        return Measured(split.test, np.full(shape, answer), np.full(shape, np.nan), 0)
