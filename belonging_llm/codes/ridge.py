"""One logistic regression with a ridge penalty, on answers that people gave in part."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from belonging_llm.codes.signals import Floats

# Inverse of the penalty, for features as `probe.features` scales them.
STRENGTH = 0.1


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
    if not 0 < len(rows) < seen.shape[1]:
        return seen
    basis, _ = np.linalg.qr(np.asarray(seen[rows], np.float64).T)
    return np.asarray(seen @ basis)
