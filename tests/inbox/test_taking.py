"""Files come in one by one: known by their bytes, refused with a reason, never moved, never twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from belonging_llm import importing, resources
from belonging_llm.inbox import Inbox, Taken, look, take_in
from belonging_llm.inbox import taking as module
from belonging_llm.provenance import file_digest
from belonging_llm.store import Arrival
from belonging_llm.store.arrivals import Outcome
from belonging_llm.study import Study

TALK = "Interviewer: How was it?\n\nP70: I found friends in the forum, and they kept me going all year long.\n"


def put(study: Study, name: str, words: str | bytes = TALK) -> Path:
    path = study.folder / "inbox" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(words.encode() if isinstance(words, str) else words)
    return path


def take(study: Study) -> Taken:
    settings = study.folder / "study.toml"
    settings.write_text(settings.read_text().replace("settle = 60", "settle = 0"))
    opened = Study(study.folder)
    inbox = Inbox(opened)
    return take_in(opened, inbox, look(opened, inbox).ready, "run-1")


def outcomes(taken: Taken) -> dict[str, str]:
    return {one.name: str(one.outcome) for one in taken.arrivals}


def kept(study: Study) -> dict[str, Arrival]:
    return {one.name: one for one in study.store.arrivals.of_run("run-1")}


def test_a_transcript_comes_in_and_stays_where_it_lies(study: Study) -> None:
    path = put(study, "P70.txt")
    assert outcomes(take(study)) == {"P70.txt": "imported"}
    assert path.read_text() == TALK
    assert list(study.store.corpus.names().values()) == ["P70"]
    one = kept(study)["P70.txt"]
    assert (one.digest, one.kind, one.added, one.reason) == (file_digest(path), "transcripts", 1, "")
    assert not (study.folder / module.INCOMING).exists()
    assert "P70" in (study.folder / "speakers.csv").read_text(encoding="utf-8-sig")


def test_the_same_bytes_under_another_name_are_known(study: Study) -> None:
    put(study, "P70.txt")
    take(study)
    put(study, "copy of P70.txt")
    taken = take(study)
    assert outcomes(taken) == {"copy of P70.txt": "already known"}
    assert "already in as P70" in taken.arrivals[0].reason
    assert len(study.store.corpus.transcript_ids()) == 1


def test_a_file_touched_without_a_change_is_nothing_new(study: Study) -> None:
    import os

    path = put(study, "P70.txt")
    take(study)
    os.utime(path, (1, 1))
    assert outcomes(take(study)) == {}
    assert kept(study)["P70.txt"].outcome is Outcome.IMPORTED


def test_a_refused_file_stops_nobody_and_is_tried_again_when_it_changes(study: Study) -> None:
    bad = put(study, "bad.docx", b"no zip container")
    put(study, "P70.txt")
    taken = take(study)
    assert outcomes(taken) == {"P70.txt": "imported", "bad.docx": "refused"}
    reason = kept(study)["bad.docx"].reason
    assert "docx" in reason
    assert str(study.folder) not in reason, "a reason speaks of the inbox, not of the copy"
    assert bad.read_bytes() == b"no zip container"
    assert outcomes(take(study)) == {}
    put(study, "bad.docx", b"no zip container either")
    assert outcomes(take(study)) == {"bad.docx": "refused"}


@pytest.mark.parametrize(
    ("name", "words", "said"),
    [
        ("book.yaml", "id: x\n", "codebook"),
        ("speakers.csv", "transcript,speaker,turns,words,role,participant,known_by\n", "table of speakers"),
        ("noise.bin", b"\x00\x01", "fit no kind|not a table"),
        ("empty.txt", "", "empty|no "),
    ],
)
def test_what_cannot_come_in_says_why(study: Study, name: str, words: str | bytes, said: str) -> None:
    import re

    put(study, name, words)
    taken = take(study)
    assert outcomes(taken) == {name: "refused"}
    assert re.search(said, taken.arrivals[0].reason)


def test_a_reader_that_fails_refuses_without_the_files_words(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ValueError("I found friends")

    monkeypatch.setattr(importing, "import_file", fails)
    put(study, "P70.txt")
    taken = take(study)
    assert taken.arrivals[0].outcome is Outcome.REFUSED
    assert taken.arrivals[0].reason == "its reader failed on it (ValueError); please report that"


def test_tables_come_after_what_they_refer_to(study: Study) -> None:
    put(study, "a-codings/codings.csv", "segment_id,coder,code\ns1,ann,ownership\n")
    put(study, "segments.csv", "segment_id,document_id,participant_id,text\ns1,d1,P70,I found friends there\n")
    assert outcomes(take(study)) == {"segments.csv": "imported", "a-codings/codings.csv": "imported"}
    assert len(study.store.findings.codings()) == 1


def test_an_import_that_died_before_it_was_noted_counts_as_its_own(study: Study) -> None:
    path = put(study, "P70.txt")
    begun = Arrival(
        name="P70.txt",
        digest=file_digest(path),
        size=path.stat().st_size,
        modified="then",
        at="2026-01-01T00:00:00+00:00",
        run_id="run-1",
        outcome=Outcome.BEGUN,
    )
    study.store.arrivals.note(begun)
    importing.import_file(study, path, options=None)
    assert outcomes(take(study)) == {"P70.txt": "imported"}
    assert len(study.store.corpus.transcript_ids()) == 1


def test_a_file_that_changes_while_it_is_copied_is_left(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    put(study, "P70.txt")
    real = Inbox.fetch

    def slow(self: Inbox, name: str, target: Path) -> None:
        real(self, name, target)
        put(study, "P70.txt", TALK + "P70: And then there was more of it, which I had not expected at all.\n")

    monkeypatch.setattr(Inbox, "fetch", slow)
    taken = take(study)
    assert (outcomes(taken), [name for name, _ in taken.left]) == ({}, ["P70.txt"])
    monkeypatch.undo()
    assert outcomes(take(study)) == {"P70.txt": "imported"}


def test_whoever_withdrew_stays_out_and_is_not_named(study: Study) -> None:
    from belonging_llm.withdrawal import withdraw

    put(study, "P70.txt")
    put(study, "P71.txt", TALK.replace("P70", "P71").replace("friends", "a tutor"))
    take(study)
    opened = Study(study.folder)
    certificate, _ = withdraw(opened, "P70", "Ana")
    assert certificate.rows["lines of the inbox's list"] == 1
    assert not (study.folder / "inbox" / "P70.txt").exists(), "the study's own folder keeps no byte of theirs"
    assert set(kept(study)) == {"P71.txt"}
    again = put(study, "P70 once more.txt")
    taken = take(study)
    assert (outcomes(taken), taken.kept_out) == ({}, 1)
    assert again.exists()
    assert set(kept(study)) == {"P71.txt"}
    assert b"P70" not in (study.folder / "study.sqlite").read_bytes()


def test_the_sample_comes_in_whole(study: Study) -> None:
    for path in sorted((resources.path("data", "sample") / "transcripts").iterdir()):
        put(study, path.name, path.read_bytes())
    taken = take(study)
    assert {one.outcome for one in taken.arrivals} == {Outcome.IMPORTED}
    assert len(study.store.batches.waiting()) == len(taken.arrivals) == 12
