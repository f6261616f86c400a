"""Real project files come in whole or are refused with a true reason, counted independently, where they are at hand."""

from __future__ import annotations

import re
import sqlite3
import zipfile
from pathlib import Path

import pytest
from lxml import etree
from projects import bring
from pyrefiqda import RefiProject

from belonging_llm.exchange.exporting import export
from belonging_llm.study import create

QDA = Path(__file__).parent.parent.parent.parent / "shared" / "qda"
pytestmark = pytest.mark.skipif(not QDA.is_dir(), reason=f"{QDA} is not here")


def counted(path: Path) -> tuple[int, int]:
    """Codings and codes in a project file, by its text alone."""
    with zipfile.ZipFile(path) as archive:
        text = next(archive.read(n).decode() for n in archive.namelist() if n.endswith(".qde"))
    return len(re.findall(r"<Coding[ >]", text)), len(re.findall(r"<Code[ >]", text))


@pytest.mark.parametrize(
    ("name", "codings", "codes", "texts"),
    [
        ("qc_demo.qdpx", 205, 262, 2),
        ("qc_nvivo_project.qdpx", 0, 262, 0),
        ("ponte_blank-atlas-project.qdpx", 0, 0, 0),
    ],
)
def test_projects_come_in_whole(name: str, codings: int, codes: int, texts: int, tmp_path: Path) -> None:
    assert counted(QDA / name) == (codings, codes)
    study = create(tmp_path / "study")
    item = bring(study, QDA / name)[0]
    assert (item.added, item.problem) == (codings, "")
    assert len(study.store.exchanges.codings()) == codings
    assert len(study.store.corpus.transcript_ids()) == texts
    if codes:
        assert len(study.framework().codes) == codes
    with zipfile.ZipFile(QDA / name) as archive:
        root = etree.fromstring(next(archive.read(n) for n in archive.namelist() if n.endswith(".qde")))
    sources = [e for e in root.iter() if str(e.tag).endswith("}TextSource")]
    named = [line for line in item.details if line.startswith("left out: source ")]
    assert len(sources) == texts + len(named)


def test_offsets_that_do_not_fit_are_refused_and_come_in_when_asked_for(tmp_path: Path) -> None:
    """In this file every second stretch begins or ends in the middle of a word, however it is counted."""
    path = QDA / "qdapy_sample.qdpx"
    assert counted(path) == (7, 4)
    study = create(tmp_path / "study")
    refused = bring(study, path)[0]
    assert refused.added == 0
    assert "only 3 of 8 ends" in refused.problem
    assert study.store.corpus.transcript_ids() == []
    forced = bring(study, path, offsets="best")[0]
    assert forced.added == len(study.store.exchanges.codings()) == 6
    # The seventh is a region of a PDF whose text the file does not have.
    assert "1 codings left out: PDF Leitfaden (1 coding)" in forced.problem
    assert any("picture Whiteboard" in line for line in forced.details)
    assert set(study.store.findings.coders()) == {"Ann", "Bob"}


def test_the_demo_goes_out_and_comes_back_without_a_loss(tmp_path: Path) -> None:
    first = create(tmp_path / "1" / "study")
    bring(first, QDA / "qc_demo.qdpx")
    done = export(first, tmp_path / "1.qdpx")
    assert (done.counts["codings"], done.counts["codes"]) == counted(tmp_path / "1.qdpx") == (205, 262)
    second = create(tmp_path / "2" / "study")
    assert bring(second, tmp_path / "1.qdpx")[0].added == 205
    export(second, tmp_path / "2.qdpx")
    assert (tmp_path / "1.qdpx").read_bytes() == (tmp_path / "2.qdpx").read_bytes()
    assert second.store.exchanges.passages() == first.store.exchanges.passages()
    assert second.store.exchanges.codings() == first.store.exchanges.codings()
    assert second.framework().codes == first.framework().codes
    assert second.store.findings.codings() == first.store.findings.codings()


def test_another_reader_finds_the_demo_s_own_stretches_in_our_export(tmp_path: Path) -> None:
    study = create(tmp_path / "study")
    bring(study, QDA / "qc_demo.qdpx")
    export(study, tmp_path / "out.qdpx")

    def stretches(path: Path, folder: str) -> list[tuple[str, str, str]]:
        """Words, code and coder of every coding, by the other reader."""
        project = RefiProject.load(path, str(tmp_path / folder))
        names = {user.guid: user.name for user in project.users.user}
        found = []
        for source in project.sources.text_source:
            file = tmp_path / folder / "sources" / source.plain_text_path.removeprefix("internal://")
            text = file.read_bytes().decode().replace("\r\n", "\n")
            for p in source.plain_text_selection:
                words = text[p.start_position : p.end_position]
                found += [(words, m.code_ref.target_guid.upper(), names[m.creating_user]) for m in p.coding]
        return sorted(found)

    ours = stretches(tmp_path / "out.qdpx", "ours")
    assert len(ours) == 205
    assert ours == stretches(QDA / "qc_demo.qdpx", "theirs")


def test_taguette_s_database_comes_in_whole(tmp_path: Path) -> None:
    path = QDA / "taguette_carpentries_sample.sqlite3"
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    tagged = connection.execute("SELECT count(*) FROM highlight_tags").fetchone()[0]
    snippets = [row[0] for row in connection.execute("SELECT snippet FROM highlights")]
    documents = connection.execute("SELECT count(*) FROM documents").fetchone()[0]
    connection.close()
    study = create(tmp_path / "study")
    item = bring(study, path)[0]
    assert (item.added, item.problem) == (tagged, "")
    assert len(study.store.corpus.transcript_ids()) == documents
    # Every highlight's words, as Taguette itself keeps them, stand where ours lie.
    texts = {i: study.store.corpus.transcript(i).text for i in study.store.corpus.transcript_ids()}
    plain = sorted(" ".join(re.sub(r"<[^>]*>", " ", s).replace("\xa0", " ").split()) for s in snippets)
    ours = sorted(" ".join(texts[p.transcript_id][p.start : p.end].split()) for p in study.store.exchanges.passages())
    assert ours == plain
