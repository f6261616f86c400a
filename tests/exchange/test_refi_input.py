"""Projects come in whole, or what stays behind is named: codings in the file = kept + left out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from projects import (
    ANN,
    BOB,
    CODES,
    GROUP,
    HOME,
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

from belonging_llm.errors import BelongingError, ExchangeError
from belonging_llm.exchange.guids import guid
from belonging_llm.exchange.reading import Wish, read
from belonging_llm.exchange.settling import Settled
from belonging_llm.study import create

HOME_AT = (TALK.index("felt at home"), TALK.index("felt at home") + 12)


def settled(path: Path, xml: str, files: dict[str, bytes] | None = None) -> Settled:
    """A project as it is read; every coding in the file is accounted for."""
    found = read(qdpx(path / "p.qdpx", xml, files), Wish())[1]
    inside = len(re.findall(r"<Coding[ >]", xml))
    assert found.codings == inside
    assert found.project.codings + sum(one.codings for one in found.left_out) == inside
    return found


def left_out(found: Settled) -> str:
    return "\n".join(map(str, found.left_out))


@pytest.mark.parametrize(
    ("path", "member"),
    [
        ("internal://talk.txt", "sources/talk.txt"),
        ("internal://talk.txt", "Sources/talk.txt"),
        ("internal://TALK.txt", "Sources/talk.TXT"),
        ("talk.txt", "sources/talk.txt"),
        ("internal://talk.txt", "talk.txt"),
        ("relative://talk.txt", "sources/talk.txt"),
        ("internal://talk.txt", "project/sources/talk.txt"),
    ],
)
def test_texts_are_found_wherever_programs_put_them(path: str, member: str, tmp_path: Path) -> None:
    source = text_source(1, stretch(1, *HOME_AT, coding(1)), path=path)
    found = settled(tmp_path, simple(source), {member: TALK.encode()})
    passage = found.project.sources[0].passages[0]
    assert found.project.sources[0].text[passage.start : passage.end] == "felt at home"


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"\n", "its text is empty (1 byte)"),
        (b"", "its text is empty (0 bytes)"),
        (b"\xef\xbb\xbf", "its text is empty (3 bytes)"),
        (b"a\0b", "NUL"),
        (b"\x81\xff", "neither UTF-8 nor Windows-1252"),
        (None, "its text (talk.txt) is not in the project file"),
    ],
)
def test_texts_that_hold_nothing_are_named_with_their_codings(raw: bytes | None, why: str, tmp_path: Path) -> None:
    source = text_source(1, stretch(1, 0, 1, coding(1), coding(2)), path="internal://talk.txt")
    files = {} if raw is None else {"sources/talk.txt": raw}
    lost = left_out(settled(tmp_path, simple(source), files))
    assert lost.startswith("source talk (2 codings): ")
    assert why in lost


def test_a_text_that_lies_outside_the_project_is_named(tmp_path: Path) -> None:
    source = text_source(1, stretch(1, 0, 1, coding(1)), path="absolute:///home/somebody/talk.txt")
    assert "its text (talk.txt) lies outside the project file" in left_out(settled(tmp_path, simple(source)))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings(encoding: str, tmp_path: Path) -> None:
    text = "Très bien, I felt at home."
    source = text_source(1, stretch(1, 13, 25, coding(1)), path="internal://talk.txt")
    found = settled(tmp_path, simple(source), {"sources/talk.txt": text.encode(encoding)})
    assert found.project.sources[0].text == text


def test_sources_of_one_name_stay_apart(tmp_path: Path) -> None:
    found = settled(tmp_path, simple(text_source(1, text="I felt at home."), text_source(2, text="My group met.")))
    assert [(s.name, s.text) for s in found.project.sources] == [
        ("talk", "I felt at home."),
        ("talk (2)", "My group met."),
    ]
    assert "several sources are called talk; one is kept as talk (2)" in found.notes


def test_folders_and_codes_without_the_attribute(tmp_path: Path) -> None:
    codes = '<CodeBook><Codes><Code name="top" isCodable="0"><Code name="inner"/></Code></Codes></CodeBook>'
    found = settled(tmp_path, project(codes))
    top, inner = found.project.codes
    assert (top.codable, inner.codable, inner.parent) == (False, True, top.guid)
    assert "2 GUIDs were missing or used twice and were made anew" in found.notes
    assert "departs from the REFI-QDA schema" in "\n".join(found.notes)


def test_guids_that_are_missing_twice_there_or_in_braces(tmp_path: Path) -> None:
    double = stretch(1, 0, 1, coding(1)) + stretch(1, 2, 6, coding(1, GROUP), coding(1, GROUP, BOB))
    braces = f'<Coding guid="{{{ident(9, "d").lower()}}}" creatingUser="{{{ANN}}}"><CodeRef targetGUID="{{{HOME}}}"/></Coding>'
    source = text_source(1, double, stretch(2, 7, 9, braces), text="I felt at home.")
    passages = settled(tmp_path, simple(source)).project.sources[0].passages
    marks = [m for p in passages for m in p.marks]
    assert len({p.guid for p in passages}) == 3
    assert len({m.guid for m in marks}) == 4
    assert [m.code for m in marks] == [HOME, GROUP, GROUP, HOME]
    assert marks[-1].guid == ident(9, "d")
    # The same file gives the same GUIDs.
    again = read(tmp_path / "p.qdpx", Wish())[1].project.sources[0].passages
    assert passages == again


def test_who_coded_is_known_from_the_coding_or_the_stretch(tmp_path: Path) -> None:
    bare = f'<Coding guid="{ident(1, "d")}"><CodeRef targetGUID="{HOME}"/></Coding>'
    by_bob = stretch(1, 0, 1, bare).replace('name="s1"', f'creatingUser="{BOB}"')
    stranger = coding(2, user=ident(7, "a"))
    source = text_source(1, by_bob, stretch(2, 2, 6, stranger), stretch(3, 7, 9, bare), text="I felt at home.")
    found = settled(tmp_path, simple(source))
    names = {u.guid: u.name for u in found.project.users}
    users = [names.get(m.user, "") for p in found.project.sources[0].passages for m in p.marks]
    assert users == ["Bob", "unlisted user 1", ""]


def test_users_of_one_name_or_none(tmp_path: Path) -> None:
    users = f'<Users><User guid="{ANN}" name="cp"/><User guid="{BOB}" name="cp"/><User guid="{ident(3, "a")}" id="X"/><User guid="{ident(4, "a")}"/></Users>'
    assert [u.name for u in settled(tmp_path, project(users)).project.users] == ["cp", "cp (2)", "X", "user 4"]


def test_codings_that_lead_nowhere_are_named_one_by_one(tmp_path: Path) -> None:
    text = "I felt at home."
    source = text_source(
        1,
        stretch(1, 0, 1, coding(1, ident(99, "c"))),
        stretch(2, 2, 99, coding(2)),
        stretch(3, 2, 2, coding(3)),
        stretch(4, 2, 6, coding(4)),
        '<PlainTextSelection guid="x" startPosition="a" endPosition="2">' + coding(5) + "</PlainTextSelection>",
        stretch(6, 7, 7),
        text=text,
    )
    found = settled(tmp_path, simple(source))
    lost = left_out(found)
    assert "a coding of a stretch of talk (1 coding): the code that it names is not in the codebook" in lost
    assert "stretch s2 of talk (1 coding): 2 to 99 lies outside its text of 15 characters" in lost
    assert "stretch s3 of talk (1 coding): 2 to 2 marks no character" in lost
    assert "the file does not say where it begins and ends" in lost
    # A place without a code is no coding, but a mark of somebody's.
    assert [(p.start, p.end, len(p.marks)) for p in found.project.sources[0].passages] == [
        (0, 1, 0),
        (2, 6, 1),
        (7, 7, 0),
    ]


def test_pdf_pictures_and_recordings(tmp_path: Path) -> None:
    region = f'<PDFSelection guid="{ident(1, "b")}" name="r" page="1" firstX="0" firstY="0" secondX="1" secondY="1">{coding(1)}</PDFSelection>'
    inner = f'<Representation guid="{ident(8, "e")}"><PlainTextContent>I felt at home.</PlainTextContent>{stretch(2, 2, 6, coding(2))}</Representation>'
    pdf = f'<PDFSource guid="{ident(2, "e")}" name="guide">{region}{inner}{coding(3)}</PDFSource>'
    bare = f'<PDFSource guid="{ident(3, "e")}" name="scan">{coding(4)}</PDFSource>'
    described = '<TextDescription guid="x"><PlainTextContent>A crowded board.</PlainTextContent></TextDescription>'
    area = f'<PictureSelection guid="{ident(5, "b")}" firstX="0" firstY="0" secondX="1" secondY="1">{coding(5)}</PictureSelection>'
    picture = f'<PictureSource guid="{ident(4, "e")}" name="board">{described}{area}</PictureSource>'
    syncs = f'<SyncPoint guid="{ident(1, "f")}" timeStamp="0" position="2"/><SyncPoint guid="{ident(2, "f")}" timeStamp="9" position="6"/>'
    said = f'<TranscriptSelection guid="{ident(6, "b")}" fromSyncPoint="{ident(1, "f")}" toSyncPoint="{ident(2, "f")}">{coding(6)}</TranscriptSelection>'
    lost = (
        f'<TranscriptSelection guid="{ident(7, "b")}" fromSyncPoint="{ident(1, "f")}">{coding(7)}</TranscriptSelection>'
    )
    transcript = f'<Transcript guid="{ident(9, "e")}"><PlainTextContent>I felt at home.</PlainTextContent>{syncs}{said}{lost}</Transcript>'
    time = f'<AudioSelection guid="{ident(8, "b")}" begin="0" end="9">{coding(8)}</AudioSelection>'
    audio = f'<AudioSource guid="{ident(5, "e")}" name="call">{transcript}{time}{coding(9)}</AudioSource>'
    video = f'<VideoSource guid="{ident(6, "e")}" name="film">{coding(10)}</VideoSource>'
    found = settled(tmp_path, simple(pdf, bare, picture, audio, video))
    assert [(s.name, [(p.start, p.end, p.whole) for p in s.passages]) for s in found.project.sources] == [
        ("guide", [(0, 15, True), (2, 6, False)]),
        ("board", []),
        ("call", [(2, 6, False)]),
    ]
    named = left_out(found)
    for what in (
        "stretch r of the PDF guide (1 coding): it is a region of a PDF",
        "PDF scan (1 coding): the file does not have its text as text",
        "of the picture board (1 coding): it is a region of a picture",
        "codings of the recording call as a whole (1 coding)",
        "of the recording call (1 coding): it is a stretch of time",
        "of call (1 coding): the file does not say where it begins and ends",
        "codings of the recording film as a whole (1 coding)",
    ):
        assert what in named


def test_codings_in_odd_places_are_counted_all_the_same(tmp_path: Path) -> None:
    odd = f'<AudioSource guid="{ident(5, "e")}" name="call">{stretch(1, 0, 4, coding(1))}</AudioSource>'
    found = settled(tmp_path, simple(odd, text_source(1, f"<Other>{coding(2)}</Other>", text="I felt at home.")))
    assert "codings in odd places (2 codings): they stand where REFI-QDA has no codings" in left_out(found)


def test_notes_belong_to_what_refers_to_them(tmp_path: Path) -> None:
    def ref(n: int) -> str:
        return f'<NoteRef targetGUID="{ident(n, "9")}"/>'

    def note(n: int, text: str) -> str:
        return f'<Note guid="{ident(n, "9")}" name="n{n}" creatingUser="{ANN}"><PlainTextContent>{text}</PlainTextContent></Note>'

    codes = CODES.replace('name="group" isCodable="true"/>', f'name="group" isCodable="true">{ref(1)}</Code>')
    source = text_source(1, stretch(1, 2, 6, coding(1, inner=ref(2)), ref(3)), ref(4), ref(77), text="I felt at home.")
    coded = f'<Note guid="{ident(6, "9")}" name="n6"><PlainTextContent>six</PlainTextContent>{stretch(9, 0, 3, coding(9))}</Note>'
    notes = "".join(note(n, f"note {n}") for n in range(1, 6)) + coded + f'<Note guid="{ident(7, "9")}" name="n7"/>'
    found = settled(tmp_path, project(USERS, codes, f"<Sources>{source}</Sources><Notes>{notes}</Notes>{ref(5)}"))
    made = found.project
    names = {m.guid: m.name for m in made.notes}
    passage = made.sources[0].passages[0]
    assert [names[m] for m in made.codes[2].memos] == ["n1"]
    assert [names[m] for m in passage.marks[0].memos] == ["n2"]
    assert [names[m] for m in passage.memos] == ["n3"]
    assert [names[m] for m in made.sources[0].memos] == ["n4"]
    assert [names[m] for m in made.memos] == ["n5"]
    assert "codings on the note n6 (1 coding)" in left_out(found)
    assert "note n7: the file has no words for it" in left_out(found)
    assert "1 references to notes lead nowhere and were left out" in found.notes


def test_cases_variables_and_sets(tmp_path: Path) -> None:
    variables = f'<Variables><Variable guid="{ident(1, "8")}" name="age" typeOfVariable="Integer"/></Variables>'
    value = f'<VariableValue><VariableRef targetGUID="{ident(1, "8")}"/><IntegerValue>31</IntegerValue></VariableValue>'
    case = f'<Case guid="{ident(1, "7")}" name="P01"><CodeRef targetGUID="{HOME}"/>{value}<SourceRef targetGUID="{ident(1, "e")}"/><SourceRef targetGUID="{ident(9, "e")}"/></Case>'
    sets = f'<Sets><Set guid="{ident(1, "6")}" name="mine"><MemberCode targetGUID="{HOME}"/><MemberSource targetGUID="{ident(1, "e")}"/></Set></Sets>'
    more = "<Links><Link/></Links>" + sets + "<Graphs><Graph/><Graph/></Graphs><Strange/>"
    xml = project(USERS, CODES, variables, f"<Cases>{case}</Cases><Sources>{text_source(1, text=TALK)}</Sources>{more}")
    found = settled(tmp_path, xml)
    assert (found.project.cases[0].values, found.project.cases[0].sources) == ({"age": "31"}, (ident(1, "e"),))
    assert (found.project.sets[0].codes, found.project.sets[0].sources) == ((HOME,), (ident(1, "e"),))
    for what in ("1 links", "2 graphs", "<Strange>", "1 codes on the case P01", "1 references of the case P01"):
        assert what in left_out(found)


def test_stretches_in_an_inline_text_are_counted_in_it(tmp_path: Path) -> None:
    found = settled(tmp_path, simple(text_source(1, stretch(1, *HOME_AT, coding(1)), text=TALK)))
    assert found.project.sources[0].text == TALK


@pytest.mark.parametrize(
    ("xml", "says"),
    [
        ("<Project", "XML is damaged"),
        ('<CodeBook xmlns="urn:QDA-XML:codebook:1.0"/>', "holds <CodeBook>"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><Project name="&a;"/>', "document type"),
        (
            project("<CodeBook><Codes>" + '<Code name="x">' * 120 + "</Code>" * 120 + "</Codes></CodeBook>"),
            "100 levels",
        ),
    ],
)
def test_what_is_no_project_says_so(xml: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(BelongingError, match=re.escape(says)):
        read(qdpx(tmp_path / "p.qdpx", xml), Wish())


def test_a_container_without_a_project_says_so(tmp_path: Path) -> None:
    import zipfile

    path = tmp_path / "p.qdpx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("sources/talk.txt", "hello")
    with pytest.raises(ExchangeError, match=r"p\.qdpx: holds 0 \.qde files"):
        read(path, Wish())


def test_a_codebook_file_becomes_the_study_s_codebook(tmp_path: Path) -> None:
    book = CODES.removeprefix("<CodeBook>").removesuffix("</CodeBook>")
    sets = f'<Sets><Set guid="{ident(1, "6")}" name="mine"><MemberCode guid="{HOME}"/></Set></Sets>'
    path = tmp_path / "book.qdc"
    path.write_text(f'<CodeBook xmlns="urn:QDA-XML:codebook:1.0">{book}{sets}</CodeBook>')
    study = create(tmp_path / "study")
    item = bring(study, path)[0]
    assert (item.kind, item.added, item.problem) == ("codebook", 3, "")
    assert item.details == ("left out: set mine: sets of codes have no place in this program's codebooks",)
    assert [(c.id, c.assignable, c.definition) for c in study.framework().codes] == [
        ("Belonging", False, ""),
        ("home", True, "Feels at home."),
        ("group", True, ""),
    ]


def test_made_up_guids_do_not_depend_on_how_parts_join() -> None:
    assert guid("ab", "c") != guid("a", "bc")
