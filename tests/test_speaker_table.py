"""Who is who: found, shown, corrected by a person, and frozen once somebody has coded."""

from __future__ import annotations

from pathlib import Path

import pytest

from belonging_llm import speaker_table
from belonging_llm.codes import Coding, Judgement, Outcome
from belonging_llm.errors import InputError, TableError
from belonging_llm.importing import Kind, import_paths, split_transcripts
from belonging_llm.speaker_table import Decision, parse
from belonging_llm.study import Study, create
from belonging_llm.transcripts import Basis, Role

CALL = """WEBVTT

00:01.000 --> 00:02.000
Sam Example: Welcome to all of you.

00:02.000 --> 00:03.000
Amina Example: I felt at home there.

00:03.000 --> 00:04.000
Amina Example (Library): From the very first day.

00:04.000 --> 00:05.000
Sam Example: And then you stayed on.

00:05.000 --> 00:06.000
Kofi Sample: So did I, for years.
"""


@pytest.fixture
def study(tmp_path: Path, either_store: str) -> Study:
    made = create(tmp_path / "study")
    (tmp_path / "call.vtt").write_text(CALL, encoding="utf-8")
    assert not import_paths(made, [tmp_path / "call.vtt"])[0].problem
    return made


def cast(study: Study) -> dict[str, tuple[str, str, str]]:
    return {row.speaker: (row.role.value, row.participant, row.known_by.value) for row in speaker_table.rows(study)}


def spoken(study: Study) -> dict[str, list[str]]:
    split_transcripts(study)
    found: dict[str, list[str]] = {}
    for segment in study.store.corpus.segments():
        found.setdefault(segment.participant, []).append(segment.text)
    return found


def edit(study: Study, before: str, after: str) -> None:
    path = study.folder / speaker_table.FILE
    text = path.read_text(encoding="utf-8-sig")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")


def test_speakers_are_found_with_what_they_said(study: Study) -> None:
    rows = {row.speaker: row for row in speaker_table.rows(study)}
    assert [(r.turns, r.words) for r in rows.values()] == [(2, 10), (1, 5), (1, 5), (1, 5)]
    # Two spellings of one name are one participant.
    assert cast(study) == {
        "Sam Example": ("participant", "Sam Example", "label"),
        "Amina Example": ("participant", "Amina Example", "label"),
        "Amina Example (Library)": ("participant", "Amina Example", "label"),
        "Kofi Sample": ("participant", "Kofi Sample", "label"),
    }
    assert (study.folder / "speakers.csv").read_text(encoding="utf-8-sig").startswith("transcript,speaker,turns")


def test_decisions_change_what_is_coded(study: Study) -> None:
    assert "Sam Example" in spoken(study)
    done = speaker_table.apply(
        study,
        [parse("Sam Example=interviewer"), parse("Kofi Sample=P09"), parse("Amina Example (Library)=boilerplate")],
    )
    assert done.refused == ()
    assert done.changed[0] == "call: Sam Example is interviewer now (was participant Sam Example)"
    assert spoken(study) == {"Amina Example": ["I felt at home there."], "P09": ["So did I, for years."]}
    assert cast(study)["Sam Example"] == ("interviewer", "", "person")
    # The interviewer's turn is the question of the answer after it now.
    transcript = study.store.corpus.transcript(study.store.corpus.transcript_ids()[0])
    assert transcript.questions[2].speaker == "Sam Example"


def test_a_table_that_was_changed_is_taken_up_by_whatever_comes_next(study: Study) -> None:
    edit(study, "participant,Kofi Sample,label", "interviewer,,label")
    assert set(spoken(study)) == {"Sam Example", "Amina Example"}
    assert speaker_table.edits(study) == []
    assert "Kofi Sample,1,5,interviewer,,person" in (study.folder / "speakers.csv").read_text(encoding="utf-8-sig")


def test_a_table_may_be_brought_in_from_elsewhere(study: Study, tmp_path: Path) -> None:
    table = tmp_path / "who.csv"
    table.write_text(
        "speaker;role;known_by;participant\nSam Example;Interviewer;x;\nNobody;interviewer;x;\n", encoding="utf-8"
    )
    (item,) = import_paths(study, [table])
    assert (item.kind, item.added) == (Kind.SPEAKERS, 1)
    assert "row 3: no transcript has a speaker 'Nobody'" in item.problem
    assert cast(study)["Sam Example"][0] == "interviewer"


@pytest.mark.parametrize("by", ["coding", "judgement"])
def test_what_somebody_has_coded_stays_as_it_is(study: Study, by: str) -> None:
    split_transcripts(study)
    before = study.store.corpus.segments()
    if by == "coding":
        coding = Coding(segment_id=before[0].id, code="ownership", coder="A", outcome=Outcome.ASSIGNED)
        study.store.findings.add_codings([coding])
    else:
        study.store.findings.add_judged([Judgement(segment_id=before[0].id, coder="A")])
    done = speaker_table.apply(study, [parse("Sam Example=interviewer")])
    assert (done.changed, len(done.refused)) == ((), 1)
    assert "call: its segments have been coded" in done.refused[0]
    edit(study, "participant,Sam Example,label", "interviewer,,label")
    with pytest.raises(InputError, match="belonging speakers study"):
        split_transcripts(study)
    speaker_table.write(study)
    split_transcripts(study)
    assert study.store.corpus.segments() == before


def test_a_decision_may_be_for_one_transcript(study: Study, tmp_path: Path) -> None:
    (tmp_path / "second.vtt").write_text(CALL.replace("years", "weeks"), encoding="utf-8")
    import_paths(study, [tmp_path / "second.vtt"])
    speaker_table.apply(study, [parse("Sam Example=interviewer", "second")])
    roles = {row.transcript: row.role for row in speaker_table.rows(study) if row.speaker == "Sam Example"}
    assert roles == {"call": Role.PARTICIPANT, "second": Role.INTERVIEWER}


def test_decisions_as_typed() -> None:
    assert parse("Sam = Interviewer") == Decision("Sam", Role.INTERVIEWER, None, "", "Sam = Interviewer")
    assert parse("a=b=P07").participant == "P07"
    assert parse("a=b=P07").speaker == "a=b"
    for text in ("Sam", "=P07", "Sam=", ""):
        with pytest.raises(InputError, match="say NAME=interviewer"):
            parse(text)


def test_a_table_with_a_role_that_does_not_exist_is_refused(study: Study) -> None:
    edit(study, "participant,Kofi Sample", "guest,Kofi Sample")
    with pytest.raises(TableError, match=r"speakers\.csv, row 5: 'guest' is no role"):
        split_transcripts(study)


def test_names_that_look_like_formulas_come_back_as_they_are(study: Study, tmp_path: Path) -> None:
    (tmp_path / "odd.csv").write_text("speaker,text\n=Sum,Some words here.\n@me,Other words here.\n", encoding="utf-8")
    import_paths(study, [tmp_path / "odd.csv"])
    assert "'=Sum" in (study.folder / "speakers.csv").read_text(encoding="utf-8-sig")
    assert speaker_table.edits(study) == []


def test_who_asks_is_guessed_and_the_guess_is_marked(tmp_path: Path) -> None:
    study = create(tmp_path / "study")
    pairs = "Sam: And how was it?\nAmina: It was good, since I knew everybody there by then.\n" * 3
    (tmp_path / "a.txt").write_text(pairs, encoding="utf-8")
    (item,) = import_paths(study, [tmp_path / "a.txt"])
    assert [(r.speaker, r.role, r.known_by) for r in item.speakers] == [
        ("Sam", Role.INTERVIEWER, Basis.GUESS),
        ("Amina", Role.PARTICIPANT, Basis.GUESS),
    ]


def test_a_row_that_outlived_its_transcript_says_nothing(study: Study) -> None:
    path = study.folder / speaker_table.FILE
    gone = "gone,Nobody,1,1,interviewer,,label,0123456789abcdef\n"
    path.write_text(path.read_text(encoding="utf-8-sig") + gone, encoding="utf-8")
    assert speaker_table.edits(study) == []
