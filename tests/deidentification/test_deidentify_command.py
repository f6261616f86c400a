"""`belonging deidentify`, from suggestions to a study without the words; interrupted at every step, and run again."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from belonging_llm import codebook, revising
from belonging_llm.cli import main
from belonging_llm.codes import Coding, EvidenceSpan, Judgement, Outcome
from belonging_llm.deidentification import Originals, apply, open_key, review
from belonging_llm.deidentification import originals as originals_module
from belonging_llm.importing import import_paths, split_transcripts
from belonging_llm.store.rewording import Rewording
from belonging_llm.study import Study, create

SECRET = "a passphrase of several words"  # noqa: S105 - for tests
TALK = """Interviewer: Who helped you at the start?

P01: My name is Priya Sharma and it was Bernie who helped. Bernie rang me on 07700 900123 every week.

Interviewer: And where was that?

P01: At Northfell University, while I lived in Derby. You can write to p.sharma@example.org if you like.
"""
PLANTED = ("Priya Sharma", "Bernie", "07700 900123", "Northfell University", "Derby", "p.sharma@example.org")


@pytest.fixture
def study(tmp_path: Path, either_store: str) -> Study:
    made = create(tmp_path / "study")
    (made.folder / "transcripts" / "Priya Sharma.txt").write_text(TALK, encoding="utf-8")
    assert not import_paths(made, [made.folder / "transcripts"])[0].problem
    split_transcripts(made)
    for segment in made.store.corpus.segments():
        at = segment.text.find("helped")
        evidence = (EvidenceSpan(start=at, end=at + 6),) if at >= 0 else ()
        code = made.framework().assignable[0].id
        made.store.findings.add_codings(
            [
                Coding(
                    segment_id=segment.id,
                    code=code,
                    coder="A",
                    outcome=Outcome.ASSIGNED,
                    evidence=evidence,
                    rationale="Bernie helps",
                )
            ]
        )
        made.store.findings.add_judged([Judgement(segment_id=segment.id, coder="A")])
    return made


def decide(study: Study, *found: str) -> None:
    path = study.folder / "deidentification.csv"
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert set(found) <= {row["found"] for row in rows}
    for row in rows:
        row["decision"] = "yes" if row["found"] in found else "no"
    with path.open("w", encoding="utf-8", newline="") as stream:
        out = csv.DictWriter(stream, list(rows[0]))
        out.writeheader()
        out.writerows(rows)


def state(study: Study) -> object:
    corpus = study.store.corpus
    return (
        [corpus.transcript(i).model_dump() for i in corpus.transcript_ids()],
        corpus.every_segment(),
        study.store.findings.codings(),
        (study.folder / "deidentification.csv").read_text(encoding="utf-8-sig"),
        sorted(str(p.relative_to(study.folder)) for p in study.folder.rglob("*.txt")),
    )


def test_nothing_is_replaced_undecided(study: Study, tmp_path: Path) -> None:
    before = study.store.corpus.every_segment()
    rows = review(study)
    assert set(PLANTED) <= {row.found for row in rows}
    done = apply(study, open_key(tmp_path / "key", SECRET, study.folder, new=True))
    assert (done.replaced, done.sealed) == ({}, 0)
    assert done.undecided == len(rows)
    assert study.store.corpus.every_segment() == before


def test_what_to_run_next_is_told(study: Study) -> None:
    def told() -> str:
        return CliRunner().invoke(main, ["deidentify", str(study.folder)]).output

    first = told()
    assert "Decide in the column decision" in first
    assert f"Then run: belonging deidentify {study.folder} --apply --key FILE" in first
    assert "its passphrase is asked for, or taken from BELONGING_PASSPHRASE" in first
    decide(study, *PLANTED)
    second = told()
    assert "Everything here is decided" in second
    assert f"Now run: belonging deidentify {study.folder} --apply --key FILE" in second


def test_the_words_are_gone_and_codings_stay(study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BELONGING_PASSPHRASE", SECRET)
    before = {c.segment_id: c for c in study.store.findings.codings()}
    run = CliRunner()
    assert run.invoke(main, ["deidentify", str(study.folder)]).exit_code == 0
    decide(study, *PLANTED)
    key = tmp_path / "keys" / "key"
    result = run.invoke(main, ["deidentify", str(study.folder), "--apply", "--key", str(key), "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["remaining"] == []
    assert not any(word in result.output for word in PLANTED)
    for segment in study.store.corpus.segments():
        text = study.store.corpus.transcript(segment.transcript_id).text
        assert segment.text == text[segment.start : segment.end]
    after = {c.segment_id: c for c in study.store.findings.codings()}
    assert after.keys() == before.keys()
    for coding in after.values():
        words = study.store.corpus.segment_text(coding.segment_id) or ""
        assert all(words[span.start : span.end] == "helped" for span in coding.evidence)
        assert coding.rationale == "[person-2] helps" or "Bernie" not in coding.rationale
    study.store.close()
    for path in study.folder.rglob("*"):
        raw = path.read_bytes() if path.is_file() else b""
        assert not [word for word in PLANTED if word.encode() in raw], path
        assert not any(word in path.name for word in PLANTED)
    words = run.invoke(main, ["deidentify", str(study.folder), "--reveal", "[phone-1]", "--key", str(key)])
    assert words.output == "07700 900123\n"
    back = tmp_path / "back"
    assert run.invoke(main, ["deidentify", str(study.folder), "--unseal", str(back), "--key", str(key)]).exit_code == 0
    raw = back / "transcripts" / "Priya Sharma.txt"
    assert raw.read_text(encoding="utf-8") == TALK
    assert "de-identified" in run.invoke(main, ["import", str(study.folder), str(raw)]).output
    assert len(study.store.corpus.transcript_ids()) == 1


def test_codings_stay_append_only_afterwards(study: Study, tmp_path: Path) -> None:
    review(study)
    decide(study, "Bernie")
    apply(study, open_key(tmp_path / "key", SECRET, study.folder, new=True))
    with study.store._engine.begin() as connection, pytest.raises(sa.exc.DBAPIError, match="append-only"):
        connection.exec_driver_sql("UPDATE coding SET rationale = ''")


@pytest.mark.parametrize("step", ["apply", "scrub", "seal"])
def test_an_interrupted_command_is_run_again(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    review(study)
    decide(study, *PLANTED)
    key = tmp_path / "key"

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(originals_module if step == "seal" else Rewording, step, killed)
        with pytest.raises(KeyboardInterrupt):
            apply(study, open_key(key, SECRET, study.folder, new=True))
    done = apply(study, open_key(key, SECRET, study.folder))
    assert done.sealed == 1
    assert not done.remaining
    settled = state(study)
    again = apply(study, open_key(key, SECRET, study.folder))
    assert (again.replaced, again.sealed, state(study)) == ({}, 0, settled)


def test_raw_files_may_stay_and_are_named(study: Study, tmp_path: Path) -> None:
    review(study)
    decide(study, *PLANTED)
    done = apply(study, open_key(tmp_path / "key", SECRET, study.folder, new=True), raw=Originals.LEAVE)
    assert [place.where for place in done.remaining] == ["transcripts/Priya Sharma.txt"]


def test_new_interviews_get_the_pseudonyms_that_were_given(study: Study, tmp_path: Path) -> None:
    review(study)
    decide(study, *PLANTED)
    key = open_key(tmp_path / "key", SECRET, study.folder, new=True)
    given = {row.found: row.replacement for row in review(study)}
    apply(study, key)
    (tmp_path / "new.txt").write_text("Interviewer: And?\n\nP02: Bernie again. Interviewer left.\n", encoding="utf-8")
    assert not import_paths(study, [tmp_path / "new.txt"])[0].problem
    rows = {row.found: row for row in review(study, key)}
    assert (rows["Bernie"].replacement, rows["Bernie"].decision) == (given["Bernie"], "yes")


def test_a_passphrase_is_needed_and_never_an_argument(study: Study, tmp_path: Path) -> None:
    review(study)
    result = CliRunner().invoke(main, ["deidentify", str(study.folder), "--apply", "--key", str(tmp_path / "k")])
    assert result.exit_code == 1
    assert "BELONGING_PASSPHRASE" in result.output
    assert not any("passphrase" in name for p in main.commands["deidentify"].params for name in p.opts)


def test_codebooks_and_the_reasons_for_them_are_reworded_too(study: Study, tmp_path: Path) -> None:
    """Every version stays, so that an example which named somebody would name them for ever."""
    first = study.framework()
    one = first.assignable[0].model_copy(update={"examples": ("Bernie rang me.",), "definition": "As Bernie did."})
    quoted = revising.save(study, codebook.put(first, one), by="A", reason="as Bernie said")
    revising.save(study, first, by="A", reason="back")
    review(study)
    decide(study, "Bernie")
    apply(study, open_key(tmp_path / "key", SECRET, study.folder, new=True))
    kept = study.store.codebooks.get(quoted.digest).code(one.id)
    pseudonym = kept.examples[0].removesuffix(" rang me.")
    assert (pseudonym[0], pseudonym[-1]) == ("[", "]")
    assert kept.definition == f"As {pseudonym} did."
    assert "Bernie" not in " ".join(v.reason for v in study.store.codebooks.versions())
    assert study.framework() == first
