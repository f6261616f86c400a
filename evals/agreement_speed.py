"""How fast everyone's agreement on every code is had, against one library call per resample, pair and code.

Usage: python evals/agreement_speed.py [SEGMENTS] [--out FILE]

The loop calls scikit-learn's `cohen_kappa_score` on the very resamples that `agree` draws. All of it would take hours:
a random part of the (resample, pair, code) combinations is timed in the same run and scaled up to all of them, which
favours the loop, since it is not charged for gathering the resampled rows, for alpha or for any other coefficient.
Figures depend on the machine: compare within a run.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from belonging_llm.evaluation import Agreement, Ratings, Resampling, agree
from belonging_llm.evaluation.intervals import cluster_weights

SEGMENTS, PARTICIPANTS, CODES, CODERS, DRAWS = 10_000, 100, 20, 4, 2000
CALLS = 300
ERROR = 0.05


def main() -> None:
    """Measure and print, as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("segments", type=int, nargs="?", default=SEGMENTS)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    figures = json.dumps(measure(options.segments, DRAWS, CALLS), indent=2)
    print(figures)
    if options.out:
        options.out.write_text(figures + "\n", encoding="utf-8")


@dataclass(frozen=True)
class Loop:
    """The part of the loop that was timed.

    Attributes:
        seconds: Of one call, on average.
        furthest: Largest difference between a call's kappa and the same resample's kappa in `agree`.
    """

    seconds: float
    furthest: float


def measure(segments: int, draws: int, calls: int, seed: int = 0) -> dict[str, object]:
    """Seconds and peak memory of `agree`, the loop's seconds, and how many times as long the loop would take."""
    ratings = simulated(segments, seed)
    before = peak_megabytes()
    start = time.perf_counter()
    found = agree(ratings, resampling=Resampling(draws=draws, seed=seed))
    taken = time.perf_counter() - start
    peak = peak_megabytes()  # before scikit-learn is loaded
    loop = time_loop(found, calls, seed)
    combinations = draws * len(ratings.pairs) * len(ratings.codes)
    return {
        "segments": segments,
        "participants": PARTICIPANTS,
        "codes": CODES,
        "coders": CODERS,
        "draws": draws,
        "seed": seed,
        "agree seconds": round(taken, 2),
        "peak memory megabytes": peak,
        "peak memory megabytes before agree": before,
        "loop calls timed": calls,
        "loop seconds per call": round(loop.seconds, 5),
        "loop calls in all": combinations,
        "loop seconds in all, scaled up": round(loop.seconds * combinations),
        "ratio": round(loop.seconds * combinations / taken),
        "ratio wanted": 50,
        "largest difference in kappa": float(f"{loop.furthest:.1e}"),
    }


def simulated(segments: int, seed: int) -> Ratings:
    """Codes of prevalence 2 to 27 % that vary by participant, and coders who each err on 5 % of the judgements."""
    dice = np.random.default_rng(seed)
    participant = np.arange(segments) % PARTICIPANTS
    prevalence = expit(np.linspace(-4, -1, CODES) + dice.normal(0, 1, (PARTICIPANTS, 1)))
    truth = dice.random((segments, CODES)) < prevalence[participant]
    marks = truth ^ (dice.random((CODERS, segments, CODES)) < ERROR)
    return Ratings(
        units=tuple(f"s{i}" for i in range(segments)),
        coders=tuple(f"coder {i}" for i in range(CODERS)),
        codes=tuple(f"code {i}" for i in range(CODES)),
        marks=marks.astype(np.int8),
        clusters=participant,
        cluster_names=tuple(f"P{i}" for i in range(PARTICIPANTS)),
        clustered_by="participant_id",
    )


def time_loop(found: Agreement, calls: int, seed: int) -> Loop:
    """Time library calls on random combinations of resample, pair of coders and code."""
    # Here, so that loading it does not count towards the memory of `agree`.
    from sklearn.metrics import cohen_kappa_score

    ratings = found.ratings
    weights = cluster_weights(ratings.n_clusters, found.resampling).astype(int)
    dice = np.random.default_rng(seed)
    seconds, differences = 0.0, []
    for _ in range(calls):
        draw, pair, code = (int(dice.integers(n)) for n in found.kappas.draws.shape)
        rows = resampled(ratings.clusters, weights[draw])
        first, second = (ratings.marks[coder, rows, code] for coder in ratings.pairs[pair])
        start = time.perf_counter()
        kappa = cohen_kappa_score(first, second)
        seconds += time.perf_counter() - start
        differences.append(abs(kappa - found.kappas.draws[draw, pair, code]))
    return Loop(seconds / calls, float(np.max(differences)))


def resampled(clusters: NDArray[np.intp], times: NDArray[np.int_]) -> NDArray[np.intp]:
    """Rows of a resample, in which every unit occurs as often as its cluster was drawn."""
    return np.repeat(np.arange(len(clusters)), times[clusters])


def peak_megabytes() -> int:
    """The most memory this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main()
