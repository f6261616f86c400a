"""A suite's result: summed over splits, set beside people, and compared with the accepted one."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from belonging_llm.codes.signals import Floats
from belonging_llm.evaluation import calibration
from belonging_llm.evaluation.estimate import ratio
from belonging_llm.evaluation.scores import f1s
from belonging_llm.evaluation.two_coders import kappas
from belonging_llm.suites.suite import Data, Suite

NEW = 0.01
DRAWS = 500
MODEL_ALONE, NEAREST = "language model alone", "nearest definition"
BASELINES = (NEAREST, MODEL_ALONE)
Score = Callable[[NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True)
class Measured:
    """One condition on one split: guesses, chances (NaN where it gives none), and how many segments were asked."""

    test: NDArray[np.intp]
    guess: NDArray[np.bool_]
    chance: Floats
    asked: int


def summed(parts: Sequence[Measured], data: Data, counted: Sequence[int]) -> dict[str, Any]:
    """One condition over its splits: kappa and F1 against each coder, averaged over coders, then splits."""
    by_code = np.array([_against(part, data, kappas)[list(counted)] for part in parts])
    f1 = np.array([_against(part, data, f1s)[list(counted)] for part in parts])
    macro = np.nanmean(by_code, axis=1)
    errors = [e for e in (_error(part, data) for part in parts) if e is not None]
    return {
        "macro_kappa": round(float(macro.mean()), 4),
        "macro_kappa_by_split": [round(float(m), 4) for m in macro],
        "macro_f1": round(float(np.nanmean(f1)), 4),
        "kappa": [_rounded(v) for v in np.nanmean(by_code, axis=0)],
        "f1": [_rounded(v) for v in np.nanmean(f1, axis=0)],
        "ece": round(float(np.mean(errors)), 4) if errors else None,
        "asked": int(np.mean([part.asked for part in parts])),
    }


def with_intervals(
    found: dict[str, dict[str, Any]], parts: Mapping[str, Sequence[Measured]], data: Data, counted: Sequence[int]
) -> dict[str, dict[str, Any]]:
    """The same with 95 % intervals, and how far each condition lies above each baseline that lacks teaching.

    Documents are resampled, and the same draw serves all splits and conditions: splits share segments, and
    differences are paired.
    """
    n = int(data.documents.max()) + 1
    weights = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), DRAWS).astype(float)
    drawn = {name: _drawn(several, data, counted, weights) for name, several in parts.items()}
    for name, condition in found.items():
        condition["macro_kappa_ci"] = _interval(drawn[name])
        condition["above"] = {
            baseline: {"by": round(condition["macro_kappa"] - found[baseline]["macro_kappa"], 4)}
            | {"ci": _interval(drawn[name] - drawn[baseline])}
            for baseline in BASELINES
            if baseline in found and baseline != name
        }
    return found


def _drawn(parts: Sequence[Measured], data: Data, counted: Sequence[int], weights: Floats) -> Floats:
    """Macro kappa in each resample of documents, mean over splits and coders, shape (n_draws,)."""
    macro = []
    for part in parts:
        for coder in data.marks[:, part.test]:
            cells = _cells_by_document(coder, part.guess, data.documents[part.test], weights.shape[1])[:, counted]
            macro.append(_mean(kappas(np.einsum("wd,dkc->wkc", weights, cells, optimize=True)), axis=1))
    return np.asarray(np.mean(macro, axis=0))


def _cells_by_document(one: NDArray[Any], other: NDArray[Any], documents: NDArray[np.intp], n: int) -> Floats:
    """Cells a, b, c, d by document and code, shape (n_documents, n_codes, 4)."""
    both = (one >= 0) & (np.asarray(other, np.int8) >= 0)
    kinds = ((1, 1), (1, 0), (0, 1), (0, 0))
    each = np.stack([(one == x) & (other == y) & both for x, y in kinds], axis=-1).astype(float)
    found = np.zeros((n, *each.shape[1:]))
    np.add.at(found, documents, each)
    return found


def _interval(values: Floats) -> list[float | None]:
    return [_rounded(v) for v in np.nanpercentile(values, (2.5, 97.5))]


def _against(part: Measured, data: Data, score: Score) -> NDArray[np.float64]:
    """A score of guesses with each coder, mean over coders, by code; NaN where no coder defines it."""
    return _mean(np.array([score(_cells(coder, part.guess)) for coder in data.marks[:, part.test]]), axis=0)


def _mean(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Mean of the defined ones; NaN where there is none."""
    there = np.isfinite(values)
    return ratio(np.where(there, values, 0).sum(axis), there.sum(axis))


def _cells(one: NDArray[Any], other: NDArray[Any]) -> NDArray[np.float64]:
    """Cells a, b, c, d by code of two coders' marks (n_units, n_codes), where both judged."""
    return np.asarray(_cells_by_document(one, other, np.zeros(len(one), np.intp), 1)[0])


def _error(part: Measured, data: Data) -> float | None:
    """Expected calibration error, ten bins, of the chance that a coder gives the code."""
    truth = data.shares[part.test]
    told = np.isfinite(part.chance) & np.isfinite(truth)
    return calibration(part.chance[told], truth[told]).ece.value if told.any() else None


def between_people(data: Data, counted: Sequence[int]) -> dict[str, Any] | None:
    """Kappa of each pair of coders, by code; None with one coder."""
    if len(data.coders) < 2:
        return None
    found = {}
    for a in range(len(data.coders)):
        for b in range(a + 1, len(data.coders)):
            kappa = kappas(_cells(data.marks[a], data.marks[b]))[list(counted)]
            found[f"{data.coders[a]}|{data.coders[b]}"] = {
                "macro_kappa": round(float(np.nanmean(kappa)), 4),
                "kappa": [_rounded(v) for v in kappa],
            }
    return found


def _rounded(value: float) -> float | None:
    return round(float(value), 4) if np.isfinite(value) else None


def differences(now: Mapping[str, Any], accepted: Mapping[str, Any]) -> list[str]:
    """What differs from the accepted result, as lines; empty when nothing does by more than 0.01."""
    lines = []
    for name in sorted(now["conditions"].keys() | accepted["conditions"].keys()):
        new, old = now["conditions"].get(name), accepted["conditions"].get(name)
        if new is None or old is None:
            lines.append(f"{name}: {'is new' if old is None else 'is gone'}")
            continue
        for key in ("macro_kappa", "macro_f1", "ece"):
            a, b = old.get(key), new.get(key)
            if (a is None) != (b is None) or (a is not None and b is not None and abs(a - b) > NEW):
                lines.append(f"{name}: {key} was {a}, is {b}")
    return lines


def below(suite: Suite, found: Mapping[str, Any]) -> list[str]:
    """Floors that are not reached, as lines."""
    lines = []
    for n, floor in suite.floors.items():
        reached = [c["macro_kappa"] for name, c in found["conditions"].items() if name.startswith(f"taught {n},")]
        best = max(reached, default=None)
        if best is None or best < floor:
            lines.append(f"taught {n}: macro kappa {best}, wanted {floor}")
    return lines


def write_result(path: Path, found: Mapping[str, Any]) -> None:
    """Write a result for reviewing."""
    path.write_text(json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
