"""Several tests at once: which remain when all of them were looked at."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from belonging_llm.evaluation.estimate import Floats


def benjamini_yekutieli(p_values: ArrayLike, q: float = 0.05) -> NDArray[np.bool_]:
    """Which hypotheses to reject at false discovery rate `q` under any dependence (2001, theorem 1.3)."""
    p = np.asarray(p_values, float)
    return np.asarray(adjusted_by_yekutieli(p) <= q)


def adjusted_by_yekutieli(p_values: ArrayLike) -> Floats:
    """Adjusted p-values whose comparison with q is Benjamini & Yekutieli's procedure; shape as given."""
    p = np.asarray(p_values, float)
    m = len(p)
    order = np.argsort(p)
    penalty = (1 / np.arange(1, m + 1)).sum()
    raised = p[order] * m * penalty / np.arange(1, m + 1)
    found = np.empty(m)
    found[order] = np.minimum(np.minimum.accumulate(raised[::-1])[::-1], 1)
    return found


def holm(p_values: ArrayLike) -> Floats:
    """Adjusted p-values that hold the chance of any false rejection (Holm 1979); shape as given."""
    p = np.asarray(p_values, float)
    m = len(p)
    order = np.argsort(p)
    found = np.empty(m)
    found[order] = np.minimum(np.maximum.accumulate(p[order] * (m - np.arange(m))), 1)
    return found
