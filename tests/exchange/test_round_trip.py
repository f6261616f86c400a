"""What goes out comes back: the same bytes, the same codings, the schema kept, and other readers count the same."""

from __future__ import annotations

import io
import unicodedata
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from exchanged import MODEL, analysed, judged, people, sample
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from projects import ANN, BOB, GROUP, HOME, TALK, bring, coding, qdpx, simple, stretch, text_source
from pyrefiqda import RefiCodebook, RefiProject

from belonging_llm import resources
from belonging_llm.codes import Outcome
from belonging_llm.exchange.composed import Composed
from belonging_llm.exchange.exporting import export
from belonging_llm.exchange.giving import give
from belonging_llm.exchange.refi_output import clean, project_bytes
from belonging_llm.importing import import_paths
from belonging_llm.study import Study, create


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return analysed(tmp_path_factory.mktemp("made") / "study")


@pytest.fixture(scope="module")
def packed(made: Study) -> bytes:
    return project_bytes(give(made).project)


@pytest.fixture(scope="module")
def back(packed: bytes, tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder = tmp_path_factory.mktemp("back")
    (folder / "a.qdpx").write_bytes(packed)
    study = create(folder / "study")
    assert [item.problem for item in bring(study, folder / "a.qdpx")] == [""]
    return study


def follows_schema(data: bytes, name: str) -> bool:
    schema = etree.XMLSchema(etree.parse(str(resources.path("data", "refi", name))))
    return bool(schema.validate(etree.fromstring(data)))


def test_the_same_study_gives_the_same_bytes(made: Study, packed: bytes) -> None:
    assert project_bytes(give(Study(made.folder)).project) == packed


def test_what_comes_back_goes_out_as_the_same_bytes(back: Study, packed: bytes) -> None:
    assert project_bytes(give(back).project) == packed


def test_people_s_codings_come_back_on_the_same_segments(made: Study, back: Study) -> None:
    assert people(back) == people(made)


def test_nobody_who_coded_before_counts_as_having_seen_the_model(back: Study) -> None:
    assert {saw for _, _, saw in judged(back)} == {False}


def test_the_machine_comes_back_as_a_machine_and_judges_nothing(made: Study, back: Study) -> None:
    run = made.store.runs.latest()
    assert run is not None
    assigned = [c for c in made.store.findings.codings(run.id) if c.outcome is Outcome.ASSIGNED]
    assert sum(c.coder == MODEL for c in back.store.exchanges.codings()) == len(assigned) > 100
    assert MODEL not in back.store.findings.coders()


def test_texts_participants_and_codebook_come_back(made: Study, back: Study) -> None:
    assert back.store.corpus.names() == made.store.corpus.names()
    assert back.store.corpus.participants() == made.store.corpus.participants()
    assert back.framework().codes == made.framework().codes


def test_it_follows_the_schema_and_is_plain(packed: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert follows_schema(archive.read("project.qde"), "Project.xsd")
        for name in archive.namelist()[1:]:
            text = archive.read(name).decode()
            assert "\r" not in text
            assert not text.startswith("\ufeff")
            assert unicodedata.is_normalized("NFC", text)
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_another_reader_counts_the_same(made: Study, packed: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.qdpx").write_bytes(packed)
    project = RefiProject.load(tmp_path / "a.qdpx", str(tmp_path / "out"))
    names = {user.guid: user.name for user in project.users.user}
    marks = [m for s in project.sources.text_source for p in s.plain_text_selection for m in p.coding]
    run = made.store.runs.latest()
    assert run is not None
    mine = Counter(c.coder for c in made.store.findings.codings())
    mine.update(c.coder for c in made.store.findings.codings(run.id) if c.outcome is Outcome.ASSIGNED)
    assert Counter(names[m.creating_user] for m in marks) == mine
    assert len(project.cases.case) == len(made.store.corpus.participants())
    assert [s.name for s in project.sets.set] == ["Theme: Nights in the forum"]
    # Every stretch is where it says: the other reader's file and offsets give the segment's words.
    texts = {
        s.guid: RefiProject.resolve_source_path(s.plain_text_path, tmp_path / "out").read_text("utf-8")
        for s in project.sources.text_source
    }
    words = {s.text for s in made.store.corpus.segments()}
    for source in project.sources.text_source:
        for p in source.plain_text_selection:
            said = texts[source.guid][p.start_position : p.end_position]
            assert said in words or any(said in w for w in words)


def test_the_model_s_codings_say_where_they_come_from(made: Study) -> None:
    project = give(made).project
    user = next(u.guid for u in project.users if u.name == MODEL)
    notes = {m.guid: m.text for m in project.notes}
    mark = next(m for s in project.sources for p in s.passages for m in p.marks if m.user == user)
    said = notes[mark.memos[0]]
    for part in ("Polarity: ", "Confidence: 0.7500", "Evidence: 0-9: ", "Reason: likeness of meaning", "Model: tiny"):
        assert part in said


def test_without_the_model_nothing_of_it_goes_out(made: Study) -> None:
    given_ = give(made, model=False)
    assert MODEL not in {u.name for u in given_.project.users}
    assert given_.project.sets == ()
    assert MODEL.encode() not in project_bytes(given_.project)


def test_what_has_no_place_is_counted(made: Study) -> None:
    run = made.store.runs.latest()
    assert run is not None
    counted = made.store.findings.outcomes(run.id)
    line = f"{counted['abstained']} abstained, {counted['not_assigned']} not assigned"
    assert any(line in one for one in give(made).left_out)


def test_codings_made_after_seeing_the_model_s_are_anchored(packed: bytes, tmp_path: Path) -> None:
    """Somebody opens the export, sees the model's codings and adds one of their own to one text."""
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    root = etree.fromstring(files.pop("project.qde"))
    space = {"q": "urn:QDA-XML:project:1.0"}
    users = {u.get("name"): u.get("guid") for u in root.iterfind(".//q:User", space)}
    source = root.find(".//q:TextSource", space)
    coder = next(name for name in sorted(users) if not name.startswith("model:"))
    mark = root.find(".//q:PlainTextSelection/q:Coding", space)
    assert source is not None
    assert mark is not None
    code = mark.find("q:CodeRef", space).get("targetGUID")  # type: ignore[union-attr]
    added = etree.fromstring(
        f'<PlainTextSelection xmlns="urn:QDA-XML:project:1.0" guid="{"1" * 8}-1111-1111-1111-{"1" * 12}" startPosition="0" '
        f'endPosition="3"><Coding guid="{"2" * 8}-1111-1111-1111-{"1" * 12}" creatingUser="{users[coder]}">'
        f'<CodeRef targetGUID="{code}"/></Coding></PlainTextSelection>'
    )
    source.insert(0, added)
    study = create(tmp_path / "study")
    bring(study, qdpx(tmp_path / "b.qdpx", etree.tostring(root).decode(), files))
    changed = {r.transcript_id for r in study.store.exchanges.sources() if r.id == source.get("guid")}
    where = {s.id: s.transcript_id for s in study.store.corpus.segments()}
    anchored = {(who, where[s]) for s, who, saw in judged(study) if saw}
    assert anchored == {(coder, t) for t in changed}


def test_codebooks_go_out_and_come_back(made: Study, tmp_path: Path) -> None:
    done = export(made, tmp_path / "book.qdc")
    assert follows_schema((tmp_path / "book.qdc").read_bytes(), "Codebook.xsd")
    assert done.counts == {"codes": len(made.framework().codes)}
    other = RefiCodebook.load(tmp_path / "book.qdc")
    assert len(other.codes.code) == sum(code.parent is None for code in made.framework().codes)
    study = create(tmp_path / "study")
    item = import_paths(study, [tmp_path / "book.qdc"])[0]
    assert (item.kind, item.problem) == ("codebook", "")
    assert study.framework().codes == made.framework().codes


def test_several_projects_go_out_as_one(tmp_path: Path) -> None:
    one = qdpx(tmp_path / "1.qdpx", simple(text_source(1, stretch(1, *_at("felt at home"), coding(1)), text=TALK)))
    both = stretch(1, *_at("felt at home"), coding(1), coding(2, GROUP, BOB))
    other = stretch(2, *_at("My group met"), coding(3, GROUP))
    two = qdpx(tmp_path / "2.qdpx", simple(text_source(1, both, other, text=TALK)))
    study = create(tmp_path / "study")
    first, second = bring(study, one, two)
    assert (first.added, second.added) == (1, 3)
    assert "the source talk has the same words as talk, which is in already" in second.details
    project = give(study).project
    assert sorted((m.code, m.user) for s in project.sources for p in s.passages for m in p.marks) == sorted(
        [(HOME, ANN), (GROUP, BOB), (GROUP, ANN)]
    )


def _at(words: str) -> tuple[int, int]:
    return TALK.index(words), TALK.index(words) + len(words)


def test_offsets_follow_the_text_into_its_composed_form(tmp_path: Path) -> None:
    text = "Cafe\u0301 evenings felt like home. Then the cafe\u0301 closed, and nobody met any more at all.\n"
    spans = [m for w in ("Cafe\u0301", "home", "closed") for m in [(text.index(w), text.index(w) + len(w))]]
    inner = [stretch(n, a, b, coding(n)) for n, (a, b) in enumerate(spans, 1)]
    study = create(tmp_path / "study")
    bring(
        study,
        qdpx(tmp_path / "a.qdpx", simple(text_source(1, *inner, path="talk.txt")), {"sources/talk.txt": text.encode()}),
    )
    export(study, tmp_path / "b.qdpx")
    project = RefiProject.load(tmp_path / "b.qdpx", str(tmp_path / "out"))
    source = project.sources.text_source[0]
    out = RefiProject.resolve_source_path(source.plain_text_path, tmp_path / "out").read_text("utf-8")
    assert [out[p.start_position : p.end_position] for p in source.plain_text_selection] == ["Café", "home", "closed"]


@given(
    st.text(
        st.one_of(
            st.sampled_from("ae\u0301\u0323\u1100\u1161\u11a8\u0958é👩\u200d"), st.characters(exclude_categories=["Cs"])
        ),
        max_size=40,
    ),
    st.data(),
)
def test_composed_texts_carry_their_offsets(text: str, data: st.DataObject) -> None:
    composed = Composed(text)
    assert composed.text == unicodedata.normalize("NFC", text)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    a, b = composed.span(start, end)
    # Outwards: nothing of the stretch is lost, and whole characters are taken.
    assert 0 <= a <= b <= len(composed.text)
    assert unicodedata.normalize("NFC", text[start:end]) in unicodedata.normalize("NFC", composed.text[a:b]) or (
        unicodedata.normalize("NFD", text[start:end]) in unicodedata.normalize("NFD", composed.text[a:b])
    )


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_words_can_stand_in_xml(text: str) -> None:
    element = etree.Element("a")
    element.text = clean(text)
    element.set("b", clean(text))
    again = etree.fromstring(etree.tostring(element, encoding="utf-8"))
    assert (again.text or "") == clean(text)


def test_names_with_control_characters_still_go_out(tmp_path: Path) -> None:
    study = sample(tmp_path / "study")
    study.store.corpus.set_participants({"P\x0b99": {"mo\x01od": "b\x02d"}})
    data = project_bytes(give(study).project)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert "P\ufffd99" in archive.read("project.qde").decode()
