"""Two codes become one: everywhere, without a coding rewritten, and back again with the version before."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from books import BOOK
from click.testing import CliRunner

from belonging_llm import codebook, revising, study
from belonging_llm.auditing.gold import settled
from belonging_llm.auditing.lessons import teaching
from belonging_llm.cli import main
from belonging_llm.codebook import Code, Framework
from belonging_llm.codes import Coding, Judgement, Outcome, Polarity
from belonging_llm.deliberation import People
from belonging_llm.errors import CodebookError, StaleError
from belonging_llm.exchange import sheets
from belonging_llm.exchange.giving import give
from belonging_llm.importing import import_paths, split_transcripts
from belonging_llm.passages import Passage, PassageCoding
from belonging_llm.segments import Segment
from belonging_llm.store import JudgementKind, Mark, Said
from belonging_llm.store.exchanges import Batch, Brought
from belonging_llm.study import Study
from belonging_llm.themes import Mapping, Theme
from belonging_llm.themes.theme import MappedCode

TALK = "\n\n".join(
    f"Interviewer: How was week {n}?\n\nP01: In week {n} the people in the study group wrote to me every single night."
    for n in range(5)
)


@pytest.fixture
def made(tmp_path: Path) -> Study:
    return build(tmp_path)


def build(tmp_path: Path) -> Study:
    """A and B coded five segments from a file, C one in the application."""
    (tmp_path / "own.yaml").write_text(BOOK, encoding="utf-8")
    opened = study.create(tmp_path / "study", framework=str(tmp_path / "own.yaml"))
    (opened.folder / "transcripts" / "P01.txt").write_text(TALK, encoding="utf-8")
    assert not import_paths(opened, [opened.folder / "transcripts"])[0].problem
    split_transcripts(opened)
    one = ids(opened)
    here, gone = Polarity.EXPERIENCED, Polarity.ABSENT
    said = [
        (one[0], "group", "A", here, Outcome.ASSIGNED),  # yes to group alone
        (one[1], "group", "A", here, Outcome.ASSIGNED),  # both, alike
        (one[1], "home", "A", here, Outcome.ASSIGNED),
        (one[2], "group", "A", here, Outcome.ASSIGNED),  # both, against each other
        (one[2], "home", "A", gone, Outcome.ASSIGNED),
        (one[3], "group", "A", None, Outcome.ABSTAINED),
        (one[0], "home", "B", gone, Outcome.ASSIGNED),
    ]
    opened.store.findings.add_codings(
        [
            Coding(segment_id=s, code=code, coder=who, polarity=polarity, outcome=outcome)
            for s, code, who, polarity, outcome in said
        ]
    )
    opened.store.findings.add_judged([Judgement(segment_id=s, coder=who) for s in one for who in "AB"])
    says(opened, "C", one[0], "group")
    return opened


def ids(opened: Study) -> list[str]:
    found: list[Segment] = opened.store.corpus.segments()
    assert len(found) == 5
    return [s.id for s in found]


def says(opened: Study, coder: str, segment: str, *codes: str) -> None:
    said = Said(
        key=uuid4().hex,
        kind=JudgementKind.BLIND,
        segment_id=segment,
        reviewer=coder,
        coder=coder,
        marks=tuple(Mark(code=code) for code in codes),
        none_fits=not codes,
        codebook_digest=opened.framework().digest,
    )
    opened.store.judgements.submit(said)


def marks(opened: Study, coder: str, code: str = "home") -> list[int]:
    """What gold has of a coder on the five segments."""
    humans, _ = settled(opened, dict.fromkeys(ids(opened), "P01"))
    column = dict(zip(humans.units, humans.coder(coder)[:, humans.codes.index(code)].tolist(), strict=True))
    return [column[s] for s in ids(opened)]


def merge(opened: Study, code: str = "group", into: str = "home") -> None:
    after = revising.with_merged(opened, code, into, opened.framework().digest)
    revising.save(opened, after, by="Ana", reason="one and the same")


def yes(opened: Study, code: str) -> set[tuple[int, str]]:
    place = {s: n for n, s in enumerate(ids(opened))}
    found = opened.store.findings.codings()
    return {(place[c.segment_id], c.coder) for c in found if c.code == code and c.outcome is Outcome.ASSIGNED}


def test_what_it_does_is_said_first_with_conflicts_by_name(made: Study) -> None:
    after = revising.with_merged(made, "group", "home", made.framework().digest)
    proposal = revising.propose(made, after)
    segment = ids(made)[2]
    assert [line for line in proposal.voids.lines if line.startswith(("group", "Of", "home"))] == [
        "group: 5 codings (A 4, C 1) count as home from now on. They stay as they were made: an earlier version, "
        "restored, has them as group again.",
        "Of 1 segment somebody said yes to group and not to home: a yes to home now.",
        "Of 1 segment somebody gave group and home different polarities; as home the polarity is left open: "
        f"segment {segment} (A: experienced and absent).",
        "home: 3 codings (A 2, B 1) were made when it meant something else. They are kept, and still count.",
    ]
    assert proposal.undecided == ()
    assert made.store.codebooks.versions()[-1].number == 1


def test_themes_that_are_mapped_onto_it_are_named(made: Study) -> None:
    run = made.store.runs.start("inputs", {})
    for n, code in enumerate(("group", "home")):
        mapping = Mapping(codes=(MappedCode(code=code, rationale="it is"),))
        made.store.findings.add_themes(
            run.id, [Theme(id=f"T{n}", ordinal=n, name="n", definition="d", mapping=mapping)]
        )
    made.store.runs.finish(run.id, "complete")
    after = revising.with_merged(made, "group", "home", made.framework().digest)
    assert "Themes that are mapped onto group (T0) have to be mapped anew." in revising.propose(made, after).voids.lines


def test_people_and_figures_read_the_merged_code(made: Study) -> None:
    before = made.store.findings.as_made()
    merge(made)
    assert made.store.findings.as_made() == before
    assert yes(made, "home") == {(0, "A"), (1, "A"), (2, "A"), (0, "B"), (0, "C")}
    assert yes(made, "group") == set()
    polarity = {(c.segment_id, c.coder): c.polarity for c in made.store.findings.codings()}
    one = ids(made)
    assert polarity[one[1], "A"] is Polarity.EXPERIENCED
    assert polarity[one[2], "A"] is None
    # Live pages read the same.
    people = People(made.store, "adjudicated")
    people.refresh()
    words = {(s, w.coder): w for s in one for w in people.raw(s)}
    assert {(one.index(s), who) for (s, who), w in words.items() if w.given == {"home"}} == yes(made, "home")
    assert words[one[3], "A"].on("home").outcome is Outcome.ABSTAINED
    assert all(not w.not_asked for w in words.values())
    # So do gold, lessons, counts and exports.
    assert settled(made, dict.fromkeys(one, "P01"))[0].codes == ("home",)
    assert marks(made, "A") == [1, 1, 1, -1, 0]
    assert marks(made, "B") == [1, 0, 0, 0, 0]
    shares = teaching(made, made.store.corpus.segments(), everything=True).development.shares
    assert shares[:, 0].tolist() == [1, 0.5, 0.5, 0, 0]
    table = next(sheet for sheet in sheets.sheets(made) if sheet.name == "codings")
    assert {row[3] for row in table.rows} == {"home"}
    assert not any(
        "lacks" in line for line in give(made).left_out if "not_assigned" not in line and "abstained" not in line
    )


def test_counts_and_words_are_merged_in_either_database(either_store: str, tmp_path: Path) -> None:
    made = build(tmp_path)
    merge(made)
    uses = made.store.codebook_use.by_people(absorbed=made.framework().absorbed)
    assert [(u.code, u.coder, u.codings, u.assigned) for u in uses] == [
        ("home", "A", 4, 3),
        ("home", "B", 1, 1),
        ("home", "C", 1, 1),
    ]
    assert yes(made, "home") == {(0, "A"), (1, "A"), (2, "A"), (0, "B"), (0, "C")}
    people = People(made.store, "adjudicated")
    people.refresh()
    assert {w.coder for w in people.raw(ids(made)[0]) if w.given == {"home"}} == {"A", "B", "C"}


def test_stretches_of_both_go_out_once_under_the_code_that_stays(made: Study) -> None:
    segment = made.store.corpus.segments()[4]
    passage = Passage(id="p", transcript_id=segment.transcript_id, start=segment.start, end=segment.end)
    given = [("c1", "group", "A"), ("c2", "home", "A"), ("c3", "group", "B")]
    codings = tuple(PassageCoding(id=i, passage_id="p", code=code, coder=coder) for i, code, coder in given)
    brought = Brought(
        digest="d",
        file="f",
        name="n",
        origin="o",
        description="",
        users={},
        codes={},
        variables=(),
        sets=(),
        offsets="",
        codings=3,
        kept=3,
        left_out=(),
        notes=(),
    )
    batch = Batch(brought=brought, sources=(), passages=(passage,), codings=codings, memos=(), places=(), cases=())
    made.store.exchanges.add(batch)
    merge(made)
    found = give(made)
    home = next(code.guid for code in found.project.codes if code.name == "At home")
    (own,) = [p for source in found.project.sources for p in source.passages if p.guid == "p"]
    assert sorted(mark.guid for mark in own.marks if mark.code == home) == ["c2", "c3"]
    assert len(own.marks) == 2
    assert any(line.startswith("1 codings of stretches that their coder gave") for line in found.left_out)
    table = next(sheet for sheet in sheets.sheets(made) if sheet.name == "passages")
    assert {row[4] for row in table.rows} == {"home"}
    assert {c.code for c in made.store.exchanges.codings()} == {"group", "home"}


def test_the_version_before_brings_everything_back(made: Study) -> None:
    first, before = made.framework(), made.store.findings.codings()
    merge(made)
    proposal = revising.propose(made, first)
    assert "group: 5 codings (A 4, C 1) count as group again, and no more as home." in proposal.voids.lines
    revising.save(made, first, by="Ana", reason="they differ")
    assert made.store.findings.codings() == before
    assert made.framework().absorbed == {}


def test_what_is_judged_after_it_is_about_both(made: Study) -> None:
    merge(made)
    one = ids(made)
    says(made, "C", one[1])
    says(made, "C", one[2], "home")
    people = People(made.store, "adjudicated")
    people.refresh()
    word = {s: w for s in one for w in people.raw(s) if w.coder == "C"}
    assert [sorted(word[s].given) for s in one[:3]] == [["home"], [], ["home"]]
    assert not any(w.not_asked for w in word.values())


def test_who_was_asked_about_one_of_them_alone_said_nothing_of_both(made: Study) -> None:
    """A code came after A and B judged, and is merged into one that they were asked about."""
    later = codebook.put(made.framework(), Code(id="song", name="Songs", definition="Somebody sings."))
    revising.save(made, later, by="Ana", reason="it came up")
    one = ids(made)
    says(made, "C", one[1], "song")
    after = revising.with_merged(made, "song", "home", made.framework().digest)
    (merging,) = revising.propose(made, after).voids.merged
    assert dict(merging.unasked) == {"A": 5, "B": 5, "C": 1}
    revising.save(made, after, by="Ana", reason="the same")
    assert marks(made, "A") == [-1, 1, 1, -1, -1]
    assert marks(made, "C")[:2] == [-1, 1]


def test_merged_codes_go_along_when_theirs_is_merged_and_come_back_in_turn(made: Study) -> None:
    more = codebook.put(made.framework(), Code(id="all", name="All of it"))
    revising.save(made, more, by="Ana", reason="above both")
    merge(made)
    second = made.framework()
    merge(made, "home", "all")
    assert made.framework().absorbed == {"home": "all", "group": "all"}
    assert yes(made, "all") == {(0, "A"), (1, "A"), (2, "A"), (0, "B"), (0, "C")}
    revising.save(made, second, by="Ana", reason="one step back")
    assert made.framework().absorbed == {"group": "home"}
    assert len(yes(made, "home")) == 5


def test_a_merged_code_that_nothing_absorbs_any_more_goes_only_knowingly(made: Study) -> None:
    merge(made)
    home = made.framework().code("home").model_copy(update={"absorbs": ()})
    after = codebook.put(made.framework(), home)
    with pytest.raises(CodebookError, match="people coded with group"):
        revising.save(made, after, by="Ana", reason="forget it")
    revising.save(made, after, by="Ana", reason="forget it", keep=["group"])
    assert yes(made, "home") == {(1, "A"), (2, "A"), (0, "B")}


def test_what_cannot_be_merged(made: Study) -> None:
    base = made.framework().digest
    for code, into, why in (("group", "group", "itself"), ("top", "home", "heading"), ("group", "top", "heading")):
        with pytest.raises(CodebookError, match=why):
            revising.with_merged(made, code, into, base)
    with pytest.raises(CodebookError, match="not in the codebook"):
        revising.with_merged(made, "group", "elsewhere", base)
    home = made.framework().code("home").model_copy(update={"definition": "Another."})
    revising.save(made, codebook.put(made.framework(), home), by="Ben", reason="clearer")
    with pytest.raises(StaleError, match="Ben changed home"):
        revising.with_merged(made, "group", "home", base)
    with pytest.raises(ValueError, match="merged codes that are in the codebook"):
        Framework(id="b", name="B", codes=(Code(id="x", name="X", absorbs=("y",)), Code(id="y", name="Y")))


def test_codings_by_the_merged_name_still_come_in_and_count(made: Study) -> None:
    merge(made)
    one = ids(made)
    path = made.folder / "more.csv"
    path.write_text(f"segment_id,coder,code\n{one[4]},D,group\n", encoding="utf-8")
    (done,) = import_paths(made, [path])
    assert not done.problem
    assert (4, "D") in yes(made, "home")


def test_codebooks_without_merged_codes_keep_their_digest(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(BOOK, encoding="utf-8")
    book = codebook.read_yaml(tmp_path / "own.yaml")
    assert book.digest == "917b0e2103050bc3da64d42a016877235654ae9cbdc94da68575f5efffe0dd92"
    merged = codebook.merge(book, "group", "home")
    assert merged.digest not in {book.digest, codebook.retire(book, "group").digest}
    (tmp_path / "merged.yaml").write_text(codebook.to_yaml(merged), encoding="utf-8")
    assert codebook.read_yaml(tmp_path / "merged.yaml") == merged


def test_the_command(made: Study) -> None:
    folder = str(made.folder)
    done = CliRunner().invoke(main, ["codebook", "merge", folder, "group", "--into", "home", "--preview"])
    assert done.exit_code == 0, done.output
    assert "voids: group: 5 codings (A 4, C 1) count as home from now on." in done.output
    assert Study(made.folder).framework().absorbed == {}
    assert CliRunner().invoke(main, ["codebook", "merge", folder, "group", "--into", "home"]).exit_code == 1
    done = CliRunner().invoke(
        main, ["codebook", "merge", folder, "group", "--into", "home", "--by", "Ana", "--reason", "one and the same"]
    )
    assert done.exit_code == 0, done.output
    assert Study(made.folder).framework().absorbed == {"group": "home"}
    shown = CliRunner().invoke(main, ["codebook", "show", folder]).output
    assert "merged into home: group (The group), last in version 1; 5 codings kept" in shown
    back = ["codebook", "edit", folder, "--restore", "1", "--by", "Ana", "--reason", "no"]
    assert CliRunner().invoke(main, back).exit_code == 0
    assert Study(made.folder).framework().absorbed == {}
