"""Published data sets go the whole way with their own codebooks, where they are at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from belonging_llm import analysis
from belonging_llm.adapters import factory
from belonging_llm.adapters.fakes import HashEncoder
from belonging_llm.analysis import Job
from belonging_llm.importing import Kind, import_paths
from belonging_llm.study import create
from belonging_llm.tables import read_rows

DATA = Path(__file__).parent.parent.parent / "shared" / "data"


@pytest.mark.parametrize(("name", "segments", "codes"), [("serdif_interviews", 3009, 22), ("sight", 289, 10)])
def test_a_published_table_is_analysed(
    name: str, segments: int, codes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = DATA / name
    if not source.is_dir():
        pytest.skip(f"{source} is not here")
    monkeypatch.setattr(factory, "encoder", lambda _: HashEncoder())
    study = create(tmp_path / "study")
    import_paths(study, [source / "codebook.csv"], Kind.CODEBOOK)
    brought = import_paths(study, [source / "segments.csv"], Kind.SEGMENTS)[0]
    assert (brought.added, brought.problem) == (segments, "")
    people = import_paths(study, [source / "codes.csv", source / "coded_by.csv"])
    assert [item.problem for item in people] == ["", ""]
    assert len(study.framework().assignable) == codes

    job = Job(str(study.folder), "none", "hashed")
    run, _ = analysis.prepare(job)
    analysis.embed_segments(job)
    assert analysis.find_themes(job, run.id) > 3
    assert analysis.try_model(job, run.id) == 0
    for rows in analysis.batches(job, run.id):
        analysis.code_batch(job, run.id, rows)
    assert analysis.finish(job, run.id).status == "complete"
    # Interviewers' rows are context: every other row has one outcome for each code.
    coded = len(study.store.corpus.segments())
    assert coded == len(read_rows(source / "segments.csv"))
    assert sum(study.store.findings.outcomes(run.id).values()) == coded * codes
