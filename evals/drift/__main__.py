"""Simulate, print and write the figures."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import evals.drift
from evals.drift import counted, made, talk, ways
from evals.drift.rates import Simulation, as_json, table

ON_TALK = (*talk.SIMULATIONS, *ways.SIMULATIONS)
KNOWN = (*counted.SIMULATIONS, *made.SIMULATIONS)
NEEDED = {
    "paraphrases": ["large_intents"],
    "unrelated": ["large_intents"],
    "interviews": ["serdif_interviews"],
    "diaries": ["cered"],
    "ways": ["large_intents", "cered"],
}
ORDER = [one.__name__ for one in (*KNOWN, *ON_TALK)]


def main() -> None:
    """All simulations, or those that are named."""
    parser = argparse.ArgumentParser(
        description=evals.drift.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="few repetitions: does it run at all?")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=ORDER, default=ORDER, help="these simulations alone")
    parser.add_argument("--sets", type=Path, help="where data sets of real sentences lie")
    parser.add_argument("--out", type=Path, help="where to write the figures as JSON")
    options = parser.parse_args()
    for name, simulate in _chosen(options.only, options.sets):
        done = simulate(20 if options.quick else 200, options.seed)
        print(table(done), flush=True)
        if options.out:
            _keep(options.out, name, done, options.seed)


def _chosen(names: list[str], sets: Path | None) -> Iterator[tuple[str, Callable[[int, int], Simulation]]]:
    for simulate in KNOWN:
        if simulate.__name__ in names:
            yield simulate.__name__, simulate
    for on_talk in ON_TALK:
        if on_talk.__name__ not in names:
            continue
        if sets is None or (lacking := [one for one in NEEDED[on_talk.__name__] if not (sets / one).is_dir()]):
            what = "there is no --sets FOLDER" if sets is None else f"{sets} has no {', '.join(lacking)}"
            print(f"\n{on_talk.__name__}: left out, since {what}")
            continue
        yield on_talk.__name__, lambda repetitions, seed, run=on_talk: run(repetitions, seed, sets)


def _keep(out: Path, name: str, done: Simulation, seed: int) -> None:
    """Write as soon as a simulation is done: some take long."""
    known = json.loads(out.read_text(encoding="utf-8"))["simulations"] if out.is_file() else []
    found = {one["name"]: one for one in known} | {name: done.as_json() | {"seed": seed}}
    out.write_text(as_json([found[n] for n in ORDER if n in found]), encoding="utf-8")


if __name__ == "__main__":
    main()
