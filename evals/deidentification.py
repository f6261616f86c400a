"""What is found of identifying words that were planted into the sample, by rules and by a model beside them?

Usage: python evals/deidentification.py [--model] [--out FILE]

Each sentence of `data/deidentification.csv` (all names invented, numbers and addresses of the kind kept for
fiction) goes to the end of a participant's turn. The review table is then made as `belonging deidentify`
makes it. An identifier is found when its whole stretch is covered by rows, and touched when a part of it is.
A row's stretch is right when it touches a planted identifier or is a name that the sample had before
(`data/deidentification_sample.txt`: chosen by hand from the rules' own suggestions, so that recall on the
sample's own names is not measured). Kinds may differ: a person who decides sees the words. Sentences were
written by the author of the rules, so that figures on real talk will be lower.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import Counter, defaultdict
from pathlib import Path

from belonging_llm import resources
from belonging_llm.deidentification.entities import ModelNames
from belonging_llm.deidentification.spelling import Words, folded, may_hold, same
from belonging_llm.deidentification.suggest import suggest
from belonging_llm.deidentification.table import Row
from belonging_llm.transcripts import Role, Transcript, read
from belonging_llm.transcripts.plain import parse_text

DATA = Path(__file__).parent / "data"


def planted() -> list[dict[str, str]]:
    """The identifiers and the sentences that hold them."""
    with (DATA / "deidentification.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def interviews(plants: list[dict[str, str]]) -> tuple[list[Transcript], list[list[tuple[int, int, int]]]]:
    """The sample with the sentences in it, and where each identifier stands: start, end, its row."""
    texts, places = [], []
    files = sorted(resources.path("data", "sample", "transcripts").iterdir())
    for number, path in enumerate(files):
        whole = read(path)
        mine = list(range(number, len(plants), len(files)))
        turns = [turn for turn in whole.turns if turn.role is Role.PARTICIPANT]
        step = max(1, len(turns) // max(1, len(mine)))
        ends: dict[int, list[int]] = {turns[(i * step) % len(turns)].end: [] for i in range(len(mine))}
        for i, plant in enumerate(mine):
            ends[turns[(i * step) % len(turns)].end].append(plant)
        text, spans, at = "", [], 0
        for end in sorted(ends):
            text, at = text + whole.text[at:end], end
            for plant in ends[end]:
                row = plants[plant]
                start = len(text) + 1 + row["sentence"].index(row["identifier"])
                spans.append((start, start + len(row["identifier"]), plant))
                text += " " + row["sentence"]
        texts.append(parse_text(text + whole.text[at:], name=whole.name, place=str(path)))
        places.append(spans)
    return texts, places


def measure(*, model: bool) -> dict[str, object]:
    """Precision and recall, by kind, and what was missed."""
    plants = planted()
    texts, places = interviews(plants)
    rows = [row for row in suggest(texts, {}, (), ModelNames() if model else None) if row.occurrences]
    covers = [cover(text, rows) for text in texts]
    found, touched, wanted = Counter[str](), Counter[str](), Counter[str]()
    missed = []
    for spans, covered in zip(places, covers, strict=True):
        for start, end, plant in spans:
            row = plants[plant]
            name = row["kind"] + (f", {row['hard']}" if row["hard"] not in {"", row["kind"]} else "")
            wanted[name] += 1
            found[name] += all(covered[start:end])
            touched[name] += any(covered[start:end])
            if not all(covered[start:end]):
                missed.append({"kind": name, "words": row["identifier"], "touched": any(covered[start:end])})
    recall = {n: {"planted": wanted[n], "found": found[n], "touched": touched[n]} for n in sorted(wanted)}
    direct = [n for n in wanted if n != "indirect"]
    return {
        "recall": recall,
        "direct": {
            "planted": sum(wanted[n] for n in direct),
            "found": sum(found[n] for n in direct),
            "touched": sum(touched[n] for n in direct),
        },
        "precision": precision(texts, places, rows),
        "missed": missed,
    }


def cover(text: Transcript, rows: list[Row]) -> list[bool]:
    """For each character whether a row stands for it; spaces between two covered words count as covered."""
    covered = [c.isspace() for c in text.text]
    fold = folded(text.text)
    for row in rows:
        if not may_hold(fold, row.found):
            continue
        for start, end in Words(row.found).places(text.text):
            covered[start:end] = [True] * (end - start)
    return covered


def precision(
    texts: list[Transcript], places: list[list[tuple[int, int, int]]], rows: list[Row]
) -> dict[str, dict[str, int]]:
    """Stretches that rows stand for, by the rows' kind, and how many of them identify."""
    known = {same(line) for line in (DATA / "deidentification_sample.txt").read_text(encoding="utf-8").splitlines()}
    figures: dict[str, Counter[str]] = defaultdict(Counter)
    kin: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        kin[same(row.found)].append(row.found)
    finders = [(row, Words(row.found, kin[same(row.found)])) for row in rows]
    for text, spans in zip(texts, places, strict=True):
        fold = folded(text.text)
        for row, words in finders:
            if may_hold(fold, row.found):
                for start, end in words.places(text.text):
                    inside = any(first < end and start < last for first, last, _ in spans)
                    figures[row.kind.value]["stretches"] += 1
                    figures[row.kind.value]["right"] += inside or (same(row.found) in known and row.found[0].isupper())
    return {kind: dict(figures[kind]) for kind in sorted(figures)}


def main() -> None:
    """Print the figures, or write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", action="store_true", help="also with Presidio and spaCy (extra `deid`)")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    result = {"rules": measure(model=False)} | ({"rules and model": measure(model=True)} if given.model else {})
    text = json.dumps(result, indent=1, ensure_ascii=False) + "\n"
    if given.out:
        given.out.write_text(text, encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
