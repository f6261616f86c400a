"""Studies for these tests: made, coded by people, coded by a run whose codings are known."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from belonging_llm import analysis, study
from belonging_llm.analysis import Job
from belonging_llm.auditing.gold import Candidate, Gold, candidate, gold
from belonging_llm.codes import Coding, Outcome
from belonging_llm.importing import Kind, import_paths
from belonging_llm.segments import Segment
from belonging_llm.study import Study

CODES = ("home", "group")
PEOPLE = ("A", "B", "C")
# Enough segments that no part is so small that rank tests go through every permutation.
PARTICIPANTS, EACH = 12, 8

Said = Callable[[Segment, str], Outcome]


def write(path: Path, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        out = csv.writer(stream)
        out.writerow(names)
        out.writerows(rows)
    return path


def bring(folder: Path, path: Path, kind: Kind | None = None) -> None:
    opened = Study(folder)
    problems = [done.problem for done in import_paths(opened, [path], kind) if done.problem]
    opened.store.close()
    assert problems == []


def demand(folder: Path, **settings: Any) -> None:
    """Change settings in `study.toml`, wherever they stand."""
    path = folder / "study.toml"
    text = path.read_text(encoding="utf-8")
    for name, value in settings.items():
        text, found = re.subn(rf"(?m)^{name} = .*$", f"{name} = {value}", text)
        assert found == 1, name
    path.write_text(text, encoding="utf-8")


def make_sample(folder: Path) -> Path:
    made = study.create(folder, sample=True)
    given = [folder / "transcripts", folder / "participants.csv", folder / "gold"]
    assert not [done.problem for done in import_paths(made, given) if done.problem]
    made.store.close()
    return _cheap(folder)


def make_talks(folder: Path) -> Path:
    """Texts share no words, so that nothing looks like a leak that is none."""
    study.create(folder).store.close()
    book = [("home", "Home", "Feels at home."), ("group", "Group", "Speaks of a group.")]
    bring(folder, write(folder / "codebook.csv", ("code", "name", "definition"), book))
    names = ("segment_id", "document_id", "participant_id", "text")
    rows = [(ident(p, s), f"d{p:02}", who(p), text(p, s)) for p in range(PARTICIPANTS) for s in range(EACH)]
    bring(folder, write(folder / "segments.csv", names, rows))
    people = [(who(p), "night" if p % 3 == 0 else "day") for p in range(PARTICIPANTS)]
    bring(folder, write(folder / "participants.csv", ("participant_id", "shift"), people))
    return _cheap(folder)


def _cheap(folder: Path) -> Path:
    """Few resamples: these tests look at figures, not at their intervals."""
    path = folder / "study.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("[audit]\n", "[audit]\ndraws = 100\n"), encoding="utf-8")
    assert Study(folder).settings.audit.draws == 100
    return folder


def who(p: int) -> str:
    return f"P{p:02}"


def ident(p: int, s: int) -> str:
    return f"s{p:02}{s}"


def text(p: int, s: int) -> str:
    return " ".join(f"word{p}{s}{letter}" for letter in "abcdefghij").capitalize() + "."


def true(segment_id: str, code: str) -> bool:
    """What the made-up people find: home in every second segment, group in every eighth."""
    s = int(segment_id[-1])
    return s % 2 == 0 if code == "home" else s == 1


def people_code(
    folder: Path,
    coders: Sequence[str] = PEOPLE,
    *,
    segments: Iterable[str] | None = None,
    found: Callable[[str, str], bool] = true,
    saw_model: str = "no",
    name: str = "codes.csv",
) -> None:
    """People who agree with each other code the talks (or some segments of any study)."""
    ids = [ident(p, s) for p in range(PARTICIPANTS) for s in range(EACH)] if segments is None else list(segments)
    codes = framework(folder)
    rows: list[Sequence[str]] = []
    for coder in coders:
        for one in ids:
            given = [code for code in codes if found(one, code)]
            rows += [(one, coder, code, saw_model) for code in given or [""]]
    bring(folder, write(folder / name, ("segment_id", "coder", "code", "saw_model"), rows))


def framework(folder: Path) -> list[str]:
    opened = Study(folder)
    codes = [code.id for code in opened.framework().assignable]
    opened.store.close()
    return codes


def segments_of(folder: Path) -> list[Segment]:
    opened = Study(folder)
    found = list(opened.store.corpus.segments())
    opened.store.close()
    return found


def outcome(yes: bool) -> Outcome:
    return Outcome.ASSIGNED if yes else Outcome.NOT_ASSIGNED


def run(folder: Path, said: Said = lambda segment, code: outcome(true(segment.id, code))) -> str:
    """A finished run that said this of every segment and code; returns its id."""
    job = Job(str(folder), "none", "hashed")
    opened, unchanged = analysis.prepare(job)
    assert not unchanged
    bench = analysis.workbench(job)
    codings = [
        Coding(segment_id=s.id, code=c.id, coder="model:none", outcome=said(s, c.id), confidence=0.9)
        for s in bench.segments
        for c in bench.framework.assignable
    ]
    bench.store.findings.add_codings(codings, opened.id)
    analysis.finish(job, opened.id)
    bench.store.close()
    return opened.id


def codings_of(folder: Path, coder: str) -> set[tuple[str, str]]:
    """(segment, code) that a person assigned."""
    opened = Study(folder)
    found = {(c.segment_id, c.code) for c in opened.store.findings.codings() if c.coder == coder}
    opened.store.close()
    return found


def gold_of(folder: Path, wanted: str | None = None, people: Iterable[str] | None = None) -> tuple[Candidate, Gold]:
    """Candidate and gold on all participants (or some)."""
    opened = Study(folder)
    judged = candidate(opened, wanted)
    everybody = {s.participant for s in opened.store.corpus.segments()}
    found = gold(opened, judged, everybody if people is None else set(people))
    opened.store.close()
    return judged, found
