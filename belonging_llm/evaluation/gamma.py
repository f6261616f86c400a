"""Agreement on where units begin and end, and on what they are called: gamma, by an optional package."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np

from belonging_llm.evaluation.estimate import Estimate, estimate, undefined
from belonging_llm.evaluation.units import CodedSpan

NOT_HERE = "gamma needs an optional package: pip install 'belonging-llm[gamma]'"
PRECISION = 0.05


def gamma(spans: Sequence[CodedSpan], *, seed: int = 0) -> Estimate:
    """Gamma of one document (Mathet, Widlöcher & Métivier 2015, eq. 17): 1 − observed over expected disorder.

    Positions and categories count 3 to 1, an unmatched unit counts 1; expected disorder is sampled by shuffling each
    coder's units, so that the last digits depend on the seed.

    Args:
        spans: Of one document, by two coders or more.

    Returns:
        Undefined with fewer than two coders, and where the optional package is not installed.

    Raises:
        ValueError: the spans are of several documents.
    """
    if len({span.document for span in spans}) > 1:
        raise ValueError("gamma is computed on one document at a time")
    if len({span.coder for span in spans}) < 2:
        return undefined("gamma needs the units of two coders")
    try:
        import pygamma_agreement as package
        from pyannote.core import Segment
    except ImportError:
        return undefined(NOT_HERE)
    continuum = package.Continuum()
    for span in spans:
        continuum.add(span.coder, Segment(span.start, span.end), span.code)
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - the package draws from numpy's global state
    found = continuum.compute_gamma(
        package.CombinedCategoricalDissimilarity(alpha=3, beta=1, delta_empty=1),
        sampler=package.ShuffleContinuumSampler(),
        precision_level=PRECISION,
    )
    return estimate(float(found.gamma), "no disorder could be expected")
