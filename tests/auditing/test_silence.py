"""Whoever judged before a code was there said nothing of it: their silence is missing, never *not assigned*."""

from __future__ import annotations

from pathlib import Path

import pytest
from audited import PEOPLE, bring, gold_of, ident, make_talks, people_code, run, write

from belonging_llm import codebook, revising
from belonging_llm.auditing.lessons import teaching
from belonging_llm.codebook import Code
from belonging_llm.codes import Coding, Outcome
from belonging_llm.study import Study


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = make_talks(tmp_path / "study")
    people_code(made)
    opened = Study(made)
    after = codebook.put(opened.framework(), Code(id="song", name="Songs", definition="Somebody sings."))
    revising.save(opened, after, by="A", reason="it came up")
    opened.store.close()
    return made


def test_a_code_that_came_later_was_judged_by_nobody_who_was_not_asked(folder: Path) -> None:
    one = ident(0, 1)
    opened = Study(folder)
    opened.store.findings.add_codings([Coding(segment_id=one, code="song", coder="A", outcome=Outcome.ASSIGNED)])
    opened.store.close()
    run(folder)
    _, found = gold_of(folder)
    song, place = found.humans.codes.index("song"), found.humans.units.index(one)
    marks = {coder: found.humans.coder(coder)[:, song] for coder in PEOPLE}
    assert (marks["A"][place], marks["B"][place], marks["C"][place]) == (1, -1, -1)
    assert all((m == -1).sum() >= len(m) - 1 for m in marks.values())
    home = found.humans.codes.index("home")
    assert (found.humans.marks[:, :, home] >= 0).all(), "about the others they said what they said"
    assert (found.settled[:, song] == -1).sum() == len(found.humans.units) - 1


def test_nothing_is_learned_from_silence_about_a_later_code(folder: Path) -> None:
    opened = Study(folder)
    found = teaching(opened, opened.store.corpus.segments())
    ids = [code.id for code in opened.framework().assignable]
    assert len(found.development.rows)
    shares = found.development.shares
    assert (shares[:, ids.index("song")] != shares[:, ids.index("song")]).all(), "NaN: nobody judged it"
    assert (shares[:, ids.index("home")] == shares[:, ids.index("home")]).all()
    opened.store.close()


def test_a_codebook_that_replaced_another_as_a_whole_changes_nothing(tmp_path: Path) -> None:
    folder = make_talks(tmp_path / "study")
    coded = [(ident(0, s), "A") for s in range(4)]
    opened = Study(folder)
    first = opened.store.codebooks.get(opened.store.codebooks.versions()[0].digest)
    own = opened.framework()
    opened.store.codebooks.use(first)
    bring(folder, write(folder / "coded.csv", ("segment_id", "coder"), coded))
    opened.store.codebooks.use(own)
    opened.store.close()
    run(folder)
    _, found = gold_of(folder)
    assert (found.humans.marks == 0).all()
