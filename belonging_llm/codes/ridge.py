"""One logistic regression with a ridge penalty, on answers that people gave in part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from belonging_llm.codes.signals import Floats

# Inverse of the penalty, for features as `probe.features` scales them.
STRENGTH = 0.1


@dataclass(frozen=True)
class Line:
    """A learned regression: log-odds from features.

    Attributes:
        weights: Shape (d,).
        intercept: Shape ().
    """

    weights: Floats
    intercept: Floats

    def scores(self, seen: Floats) -> Floats:
        """Log-odds of every row, shape (n,), in the arithmetic of the features."""
        return np.asarray(seen @ self.weights.astype(seen.dtype) + float(self.intercept), np.float64)


def line(model: LogisticRegression) -> Line:
    """What a fitted regression comes to."""
    return Line(model.coef_[0], model.intercept_[0])


def fit(seen: Floats, share: Floats) -> LogisticRegression:
    """Each segment counts as a yes and as a no, as far as people said so; yes and no weigh the same in all.

    Args:
        seen: Features, shape (n, d).
        share: Share of people who said yes, shape (n,); NaN where nobody judged.
    """
    judged = ~np.isnan(share)
    x, yes = np.asarray(seen[judged], np.float64), share[judged]
    weight = np.concatenate([yes / max(yes.sum(), 1e-9), (1 - yes) / max((1 - yes).sum(), 1e-9)]) * len(x) / 2
    label = np.concatenate([np.ones(len(x)), np.zeros(len(x))])
    used = weight > 0
    model = LogisticRegression(C=STRENGTH, max_iter=1000)
    return model.fit(np.concatenate([x, x])[used], label[used], sample_weight=weight[used])


def spanned(seen: Floats, rows: NDArray[np.intp]) -> Floats:
    """Features along the directions that some rows span, shape (n, at most as many as rows).

    A ridge regression taught by these rows is the same on either, since what lies across them is penalised to
    nothing; with hundreds of rows and thousands of features it is learned many times faster.
    """
    return along(seen, basis(seen, rows))


def along(seen: Floats, directions: Floats | None) -> Floats:
    """Features along some directions, shape (n, n_directions); as they are without."""
    return seen if directions is None else np.asarray(seen @ directions.astype(seen.dtype))


def taught_by(rows: NDArray[np.intp], share: Floats, seen: Floats) -> Line:
    """A regression on the features of `seen` that some of its rows teach, share by share."""
    directions = basis(seen, rows)
    model = fit(seen[rows] if directions is None else np.asarray(seen[rows], np.float64) @ directions, share)
    return Line(model.coef_[0] if directions is None else directions @ model.coef_[0], model.intercept_[0])


def scores(model: LogisticRegression, seen: Floats) -> Floats:
    """Log-odds of every row, shape (n,), in the arithmetic of the features."""
    return line(model).scores(seen)


def basis(seen: Floats, rows: NDArray[np.intp]) -> NDArray[np.float64] | None:
    """Orthonormal directions that the rows span; None where they are no fewer than the features."""
    if not 0 < len(rows) < seen.shape[1]:
        return None
    return np.asarray(np.linalg.qr(np.asarray(seen[rows], np.float64).T)[0])
