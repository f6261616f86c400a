"""Among which segments of before a batch's own look for neighbours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from belonging_llm import study
from belonging_llm.adapters import factory
from belonging_llm.adapters.fakes import HashEncoder
from belonging_llm.analysis import Job, Workbench
from belonging_llm.drift.expecting import Expected
from belonging_llm.drift.watching import _earlier
from belonging_llm.importing import import_paths, split_transcripts
from belonging_llm.study import Study

SAID = [
    "We wrote to each other every night, and somebody always answered what I had asked.",
    "The laboratory was loud, so nobody heard me when I wanted to say something there.",
    "My brother had been here before me, which made the first week very much easier.",
    "At the market on Saturdays we met people from all the other halls of residence.",
]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workbench:
    monkeypatch.setattr(factory, "encoder", lambda _: HashEncoder())
    made = study.create(tmp_path / "study")
    told = "\n\n".join(f"Interviewer: And then?\n\nAna: {line}" for line in SAID)
    (made.folder / "transcripts" / "ana.txt").write_text(told + "\n", "utf-8")
    assert not [done.problem for done in import_paths(made, [made.folder / "transcripts"]) if done.problem]
    split_transcripts(made)
    return Workbench(Job(str(Study(made.folder).folder), "none", "hashed"))


def test_the_newest_come_first_and_no_more_than_the_base_had(bench: Workbench) -> None:
    ident = {s.text: s.id for s in bench.segments}
    first, second, third, fourth = (ident[line] for line in SAID)
    bench.embed(SAID)
    base = bench.store.runs.start("base", {})
    earlier = bench.store.batches.begin(base.id, "one", {})
    bench.store.drift.close(earlier.id, {"misfits": [third]}, [])
    bench.store.runs.finish(earlier.id, "complete", covers=[])
    now = bench.store.batches.begin(base.id, "two", {})
    for kept, expected in (((first, second), [third, first]), ((first, second, fourth), [third, first, second])):
        found = _earlier(bench, now, Expected(near=0.9, misfits=kept))
        wanted = bench.embed([text for one in expected for text, i in ident.items() if i == one])
        assert np.allclose(found, wanted)
        assert len(found) == len(kept)
    assert len(_earlier(bench, now, Expected(near=0.9, misfits=()))) == 0
