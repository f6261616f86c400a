"""Somebody withdraws who spoke with others: their turns are blanked, everybody else's offsets stay true."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from belonging_llm import codebook, revising, study, withdrawal
from belonging_llm.cli import main
from belonging_llm.codes import Coding, EvidenceSpan, Outcome
from belonging_llm.errors import StudyError
from belonging_llm.importing import import_paths, split_transcripts
from belonging_llm.study import Study

GROUP = """Interviewer: How did the group begin?

Ana: We wrote to each other every night, and somebody always answered me.

Ben: I never read the secret marmalade letters that the others sent around.

Ana: As Ben said, not everybody read them, and that was fine with us.

Ben: It was not fine with my marmalade cat, who walked away from it all.
"""


@pytest.fixture
def folder(tmp_path: Path, either_store: str) -> Path:
    made = study.create(tmp_path / "study")
    (made.folder / "transcripts" / "group.txt").write_text(GROUP, "utf-8")
    assert not import_paths(made, [made.folder / "transcripts"])[0].problem
    split_transcripts(made)
    code = made.framework().assignable[0].id
    made.store.findings.add_codings(
        [
            Coding(
                segment_id=s.id,
                code=code,
                coder="A",
                outcome=Outcome.ASSIGNED,
                evidence=(EvidenceSpan(start=0, end=5),),
            )
            for s in made.store.corpus.segments()
        ]
    )
    made.store.close()
    return made.folder


def test_others_keep_their_words_ids_codings_and_offsets(folder: Path) -> None:
    before = {s.id: s for s in Study(folder).store.corpus.segments() if s.participant == "Ana"}
    made, _ = withdrawal.withdraw(Study(folder), "Ben", "the supervisor")
    opened = Study(folder)
    (ident,) = opened.store.corpus.transcript_ids()
    transcript = opened.store.corpus.transcript(ident)
    assert transcript.id == ident
    assert len(transcript.text) == len(GROUP.strip()) or len(transcript.text) == len(GROUP)
    assert "marmalade" not in transcript.text
    after = opened.store.corpus.segments()
    assert {s.id for s in after} == set(before)
    for s in after:
        assert s.text == before[s.id].text == transcript.text[s.start : s.end]
    assert {c.segment_id for c in opened.store.findings.codings()} == set(before)
    assert {speaker.name for speaker in transcript.speakers} == {"Interviewer", "Ana"}
    assert not (folder / "transcripts" / "group.txt").exists(), "the raw file held their turns"
    assert b"marmalade" not in b"".join(p.read_bytes() for p in folder.rglob("*") if p.is_file())
    assert made.elsewhere == ("transcript group: others name them in 1 turns",)
    assert split_transcripts(opened) == 0
    opened.store.close()


def test_the_raw_file_stays_out(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.txt"
    copy.write_text(GROUP, "utf-8")
    withdrawal.withdraw(Study(folder), "Ben", "")
    (done,) = import_paths(Study(folder), [copy])
    assert "stays out" in done.problem


def test_others_cells_are_kept_where_a_row_is_not_theirs(folder: Path) -> None:
    (folder / "memos.csv").write_text(
        'who,memo\nAna,her own\nAna,"like ""never read the secret marmalade letters that"" again"\nBen,gone\n', "utf-8"
    )
    withdrawal.withdraw(Study(folder), "Ben", "")
    assert (folder / "memos.csv").read_text("utf-8") == "who,memo\nAna,her own\nAna,\n"


def test_a_cell_that_names_them_is_emptied(folder: Path) -> None:
    (folder / "memos.csv").write_text("who,memo\nAna,her own\nAna,met Ben twice\n", "utf-8")
    withdrawal.withdraw(Study(folder), "Ben", "")
    assert (folder / "memos.csv").read_text("utf-8") == "who,memo\nAna,her own\nAna,\n"


def test_suggestions_for_de_identification_go_with_the_places_that_are_theirs(folder: Path) -> None:
    """A name that only they said stands in the table beside where they said it."""
    (folder / "deidentification.csv").write_text(
        'found,where,context\nMarmalade,"Ben, turn 3",\nCastleby,"Ana, turn 2; Ben, turn 3",she said\nMoor,"Ana, turn 2",x\n',
        "utf-8",
    )
    withdrawal.withdraw(Study(folder), "Ben", "")
    left = (folder / "deidentification.csv").read_text("utf-8")
    assert left == 'found,where,context\nMoor,"Ana, turn 2",x\n'


def test_no_version_of_the_codebook_keeps_their_words(folder: Path) -> None:
    """An example that quoted them was replaced long ago; the earlier version and the reason still hold it."""
    opened = Study(folder)
    first = opened.framework()
    one = first.assignable[0]
    quoting = {
        "examples": ("I never read the secret marmalade letters", "A made-up one."),
        "definition": "As one said: who walked away from it all marmalade cat, who walked away from it all.",
    }
    later = [one.model_copy(update=quoting), one]
    for number, code in enumerate(later):
        reason = f"{number}: my marmalade cat, who walked away from it all" if number else "Ben said it well"
        revising.save(opened, codebook.put(first, code), by="Ana's supervisor", reason=reason)
    quoted = opened.store.codebooks.versions()[1]
    made, _ = withdrawal.withdraw(opened, "Ben", "")
    opened = Study(folder)
    assert b"marmalade" not in b"".join(p.read_bytes() for p in folder.rglob("*") if p.is_file())
    assert made.rows["versions of the codebook with their words"] == 1
    assert [v.reason for v in opened.store.codebooks.versions()] == ["the study was made with it", "", ""]
    assert opened.framework() == first, "the one in use never held their words"
    left = opened.store.codebooks.get(quoted.digest).code(one.id)
    assert (left.examples, left.definition) == (("A made-up one.",), "")


def test_a_codebook_in_use_that_quotes_them_is_followed_by_one_that_does_not(folder: Path) -> None:
    opened = Study(folder)
    first = opened.framework()
    one = first.assignable[0].model_copy(update={"examples": ("I never read the secret marmalade letters",)})
    saved = revising.save(opened, codebook.put(first, one), by="S", reason="a good example")
    withdrawal.withdraw(opened, "Ben", "")
    opened = Study(folder)
    last = opened.store.codebooks.versions()[-1]
    assert (last.number, last.reason) == (saved.number + 1, "words of somebody who withdrew went")
    assert opened.framework().digest == last.digest != saved.digest
    assert opened.framework().code(one.id).examples == ()
    assert b"marmalade" not in b"".join(p.read_bytes() for p in folder.rglob("*") if p.is_file())


def test_somebody_who_is_not_there_is_told_before_anything_is_said(folder: Path) -> None:
    done = CliRunner().invoke(main, ["withdraw", str(folder), "P77", "--yes"])
    assert done.exit_code == 1
    assert "has no participant P77; it has Ana, Ben" in done.output
    assert "for good" not in done.output


def test_with_nobody_at_a_terminal_nothing_is_removed(folder: Path) -> None:
    done = CliRunner().invoke(main, ["withdraw", str(folder), "Ben"])
    assert done.exit_code == 1
    assert "nothing was removed. Add --yes" in done.output
    assert "Ben" in {s.participant for s in Study(folder).store.corpus.segments()}


def test_nobody_of_that_name(folder: Path) -> None:
    with pytest.raises(StudyError, match="has no participant P77; it has Ana, Ben"):
        withdrawal.withdraw(Study(folder), "P77", "")
    assert Study(folder).store.withdrawals.open() == []
