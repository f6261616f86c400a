"""A project in a study: people's codings are usable at once, and stay as they were drawn."""

from __future__ import annotations

from pathlib import Path

import pytest
from projects import (
    ANN,
    BOB,
    CODES,
    GROUP,
    TALK,
    USERS,
    bring,
    coding,
    ident,
    project,
    qdpx,
    simple,
    stretch,
    text_source,
)

from belonging_llm.auditing.coding_tables import read_judgements
from belonging_llm.auditing.gold import candidate, gold
from belonging_llm.codes import Coding, Outcome
from belonging_llm.exchange.exporting import export
from belonging_llm.importing import split_transcripts
from belonging_llm.study import Study, create


def at(words: str, text: str = TALK) -> tuple[int, int]:
    return text.index(words), text.index(words) + len(words)


@pytest.fixture
def study(tmp_path: Path, either_store: str) -> Study:
    return create(tmp_path / "study")


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    inner = (
        stretch(1, *at("felt at home"), coding(1), coding(2, user=BOB)),
        stretch(2, *at("How was the first term?"), coding(3)),
        stretch(3, *at("My group met online"), coding(4, GROUP)),
    )
    return qdpx(tmp_path / "talk.qdpx", simple(text_source(1, *inner, text=TALK)))


def test_codings_find_their_segments_and_stay_as_they_were_drawn(study: Study, talk: Path) -> None:
    item = bring(study, talk)[0]
    assert (item.kind, item.added, item.problem) == ("refi", 4, "")
    assert "4 codings in the file: 4 kept, 0 left out" in item.note
    assert any("1 codings touch no segment" in line for line in item.details)
    texts = {s.id: s.text for s in study.store.corpus.segments()}
    said = {
        (c.coder, c.code, texts[c.segment_id][c.evidence[0].start : c.evidence[0].end])
        for c in study.store.findings.codings()
    }
    assert said == {
        ("Ann", "home", "felt at home"),
        ("Bob", "home", "felt at home"),
        ("Ann", "group", "My group met online"),
    }
    assert study.store.findings.coders() == {"Ann": 2, "Bob": 2}
    spans = [(p.start, p.end) for p in study.store.exchanges.passages()]
    assert spans == sorted([at("felt at home"), at("How was the first term?"), at("My group met online")])


def test_a_file_that_is_in_changes_nothing(study: Study, talk: Path) -> None:
    bring(study, talk)
    again = bring(study, talk)[0]
    assert (again.added, again.note, again.problem) == (0, "already in", "")
    assert len(study.store.exchanges.codings()) == 4


def test_people_from_a_project_are_gold(study: Study, talk: Path) -> None:
    bring(study, talk)
    segments = study.store.corpus.segments()
    run = study.store.runs.start("inputs", {"llm": "tiny"})
    study.store.findings.add_codings(
        [
            Coding(segment_id=s.id, code=code, coder="model:tiny", outcome=Outcome.ASSIGNED)
            for s in segments
            for code in ("home", "group")
        ],
        run.id,
    )
    study.store.runs.finish(run.id, "complete")
    found = gold(study, candidate(study, None), {s.participant for s in segments})
    assert found.humans.coders == ("Ann", "Bob")
    # Ann: home on the first segment, group on the second. Bob: home on the first, nothing on the second.
    order = [found.segments[unit].start for unit in found.humans.units]
    marks = {
        coder: [found.humans.marks[c, place].tolist() for place in sorted(range(2), key=lambda i: order[i])]
        for c, coder in enumerate(found.humans.coders)
    }
    codes = found.humans.codes
    assert marks == {
        "Ann": [[int(c == "home") for c in codes], [int(c == "group") for c in codes]],
        "Bob": [[int(c == "home") for c in codes], [0 for _ in codes]],
    }


def test_another_way_of_cutting_places_them_anew(study: Study, talk: Path) -> None:
    bring(study, talk)
    before = {s.id for s in study.store.corpus.segments()}
    path = study.folder / "study.toml"
    path.write_text(
        path.read_text().replace("min_words = 12", "min_words = 1").replace("max_words = 60", "max_words = 5")
    )
    again = Study(study.folder)
    split_transcripts(again)
    segments = {s.id: s for s in again.store.corpus.segments()}
    assert not before & set(segments)
    placed = {segments[c.segment_id].text for c in again.store.findings.codings() if c.segment_id in segments}
    assert any("felt at home" in text for text in placed)


def test_passages_agree_by_character_without_the_study(study: Study, talk: Path, tmp_path: Path) -> None:
    bring(study, talk)
    export(study, tmp_path / "tables", "csv")
    read = read_judgements(tmp_path / "tables" / "passages.csv", segments=tmp_path / "tables" / "documents.csv")
    assert read.unit == "character"
    assert read.ratings.coders == ("Ann", "Bob")
    assert read.ratings.weights is not None
    assert read.ratings.weights.sum() == len(TALK)


def test_a_worked_with_codebook_is_not_replaced_without_a_word(study: Study, talk: Path, tmp_path: Path) -> None:
    bring(study, talk)
    other = CODES.replace('name="home"', 'name="house"').replace(ident(1, "c"), ident(9, "c"))
    source = text_source(
        2, stretch(8, 2, 6, coding(8, ident(9, "c"))), stretch(9, 7, 9, coding(9, GROUP)), text="I felt at home."
    )
    path = qdpx(tmp_path / "more.qdpx", project(USERS, other, f"<Sources>{source}</Sources>"))
    refused = bring(study, path)[0]
    assert refused.added == 0
    for choice in ("--codebook theirs", "--codebook both", "--codebook ours", "has 1 codes that"):
        assert choice in refused.problem
    assert len(study.store.corpus.transcript_ids()) == 1


def test_an_empty_project_does_not_settle_the_codebook(study: Study, talk: Path, tmp_path: Path) -> None:
    empty = qdpx(tmp_path / "empty.qdpx", project(USERS))
    first, second = bring(study, empty, talk)
    assert "it has no codes; the study keeps its codebook" in first.details
    assert (second.added, second.problem) == (4, "")
    assert [code.id for code in study.framework().codes] == ["Belonging", "home", "group"]


@pytest.mark.parametrize(
    ("choice", "codes", "used"),
    [
        ("theirs", ["Belonging", "house", "group"], {"house", "group"}),
        ("both", ["Belonging", "home", "group", "house"], {"house", "group"}),
        ("ours", ["Belonging", "home", "group"], {"group"}),
    ],
)
def test_somebody_chooses(
    choice: str, codes: list[str], used: set[str], study: Study, talk: Path, tmp_path: Path
) -> None:
    bring(study, talk)
    other = CODES.replace('name="home"', 'name="house"').replace(ident(1, "c"), ident(9, "c"))
    text = "I felt at home."
    source = text_source(2, stretch(8, 2, 6, coding(8, ident(9, "c"))), stretch(9, 7, 9, coding(9, GROUP)), text=text)
    path = qdpx(tmp_path / "more.qdpx", project(USERS, other, f"<Sources>{source}</Sources>"))
    assert bring(study, path, codebook=choice)[0].added == 2
    assert [code.id for code in study.framework().codes] == codes
    here = {s.id for s in study.store.corpus.segments() if s.text == text}
    assert {c.code for c in study.store.findings.codings() if c.segment_id in here} == used
    # Whatever was chosen, the codings themselves are kept.
    assert {c.code for c in study.store.exchanges.codings()} >= {"house", "group"}


def test_participants_come_from_cases(study: Study, tmp_path: Path) -> None:
    variable = f'<Variables><Variable guid="{ident(1, "8")}" name="age" typeOfVariable="Integer"/></Variables>'
    value = f'<VariableValue><VariableRef targetGUID="{ident(1, "8")}"/><IntegerValue>31</IntegerValue></VariableValue>'
    cases = f'<Cases><Case guid="{ident(1, "7")}" name="Kit">{value}<SourceRef targetGUID="{ident(1, "e")}"/></Case></Cases>'
    study.store.corpus.set_participants({"Kit": {"mood": "good", "age": "30"}})
    xml = project(USERS, CODES, variable, cases, f"<Sources>{text_source(1, text=TALK)}</Sources>")
    bring(study, qdpx(tmp_path / "a.qdpx", xml))
    assert {s.participant for s in study.store.corpus.segments()} == {"Kit"}
    assert study.store.corpus.participants() == {"Kit": {"mood": "good", "age": "31"}}


def test_what_looks_like_furniture_is_coded_where_people_coded_it(study: Study, tmp_path: Path) -> None:
    text = "Home at last\n\nI felt at home in the forum every single night.\n\nShort line\n"
    source = text_source(1, stretch(1, *at("Home at last", text), coding(1)), text=text)
    bring(study, qdpx(tmp_path / "a.qdpx", simple(source)))
    assert [s.text for s in study.store.corpus.segments()] == [
        "Home at last",
        "I felt at home in the forum every single night.",
    ]


def test_a_text_without_any_prose_comes_in_by_paragraphs(study: Study, tmp_path: Path) -> None:
    source = text_source(1, stretch(1, 0, 4, coding(1)), text="Home\n\nnights online\n")
    bring(study, qdpx(tmp_path / "a.qdpx", simple(source)))
    assert [s.text for s in study.store.corpus.segments()] == ["Home", "nights online"]
    assert len(study.store.findings.codings()) == 1


def test_one_bad_project_does_not_stop_the_others(study: Study, talk: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.qdpx"
    bad.write_bytes(b"PK\x03\x04 and nothing else")
    first, second = bring(study, bad, talk)
    assert "bad.qdpx" in first.problem
    assert second.added == 4


def test_notes_give_polarity_and_reason(study: Study, tmp_path: Path) -> None:
    note = f'<Notes><Note guid="{ident(1, "9")}" name="n"><PlainTextContent>Polarity: absent\nReason: she left</PlainTextContent></Note></Notes>'
    ref = f'<NoteRef targetGUID="{ident(1, "9")}"/>'
    source = text_source(1, stretch(1, *at("felt at home"), coding(1, inner=ref)), text=TALK)
    bring(study, qdpx(tmp_path / "a.qdpx", simple(source, more=note)))
    made = study.store.findings.codings()[0]
    assert (made.polarity, made.rationale) == ("absent", "she left")


def test_coders_are_people_of_the_project(study: Study, talk: Path) -> None:
    bring(study, talk)
    brought = study.store.exchanges.brought()[0]
    assert brought.users == {"Ann": ANN, "Bob": BOB}
    assert (brought.codings, brought.kept, brought.left_out) == (4, 4, ())
