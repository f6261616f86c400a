"""A study with people's and a machine's codings, themes and participants, made without any model."""

from __future__ import annotations

from pathlib import Path

from belonging_llm.clusters import Belongs
from belonging_llm.codes import Coding, EvidenceSpan, Outcome, Polarity, Provenance
from belonging_llm.importing import import_paths, split_transcripts
from belonging_llm.study import Study, create
from belonging_llm.themes import Theme
from belonging_llm.themes.theme import MappedCode, Mapping, Quote, ThemeMember

MODEL = "model:tiny"


def sample(folder: Path) -> Study:
    """The synthetic sample with its people's codings."""
    made = create(folder, sample=True)
    given = [folder / "transcripts", folder / "participants.csv", folder / "gold"]
    assert not [done.problem for done in import_paths(made, given) if done.problem]
    split_transcripts(made)
    return made


def analysed(folder: Path) -> Study:
    """The sample with a finished run: every segment has an outcome for two codes, and there is one theme."""
    made = sample(folder)
    store = made.store
    run = store.runs.start("inputs", {"llm": "tiny"})
    segments = store.corpus.segments()
    codes = [code.id for code in made.framework().assignable[:2]]
    outcomes = [Outcome.ASSIGNED, Outcome.NOT_ASSIGNED, Outcome.ABSTAINED]
    store.findings.add_codings(
        [
            Coding(
                segment_id=s.id,
                code=code,
                coder=MODEL,
                outcome=outcomes[(n + k) % 3],
                polarity=Polarity.ABSENT if n % 2 else Polarity.EXPERIENCED,
                confidence=0.75,
                evidence=(EvidenceSpan(start=0, end=min(9, len(s.text))),),
                rationale="likeness of meaning",
                provenance=Provenance(model="tiny", encoder="hashed", prompt="code_segment.v1", said=True, asked=True),
            )
            for n, s in enumerate(segments)
            for k, code in enumerate(codes)
        ],
        run.id,
    )
    members = tuple(ThemeMember(segment_id=s.id, strength=0.5, belongs=Belongs.CORE) for s in segments[:5])
    theme = Theme(
        id="T1",
        ordinal=1,
        name="Nights in the forum",
        definition="Where they meet.",
        members=members,
        quotes=(Quote(segment_id=segments[0].id, start=0, end=5),),
        by="tiny",
        mapping=Mapping(codes=(MappedCode(code=codes[0], rationale="near"),)),
    )
    store.findings.add_themes(run.id, [theme])
    store.runs.finish(run.id, "complete")
    return made


def judged(study: Study) -> set[tuple[str, str, bool]]:
    return {(j.segment_id, j.coder, j.saw_model) for j in study.store.findings.judgements()}


def people(study: Study) -> set[tuple[str, str, str, str]]:
    return {(c.segment_id, c.code, c.coder, str(c.polarity)) for c in study.store.findings.codings()}
