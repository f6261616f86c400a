"""Take another program's project into a study: texts, codebook, people's passages and codings, notes, cases."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from belonging_llm.exchange import blind, coding_notes
from belonging_llm.exchange.adopting import Adopted, adopt
from belonging_llm.exchange.guids import guid
from belonging_llm.exchange.project import Case, Mark, Memo, Project, Source
from belonging_llm.exchange.project import Passage as Drawn
from belonging_llm.exchange.settling import Settled
from belonging_llm.exchange.transcribing import transcript
from belonging_llm.passages import Passage, PassageCoding
from belonging_llm.store.exchanges import Batch, Brought, CaseRecord, MemoPlace, MemoRecord, SourceRecord
from belonging_llm.study import Study

UNKNOWN = "unknown coder"


@dataclass(frozen=True)
class Received:
    """What came in.

    Attributes:
        texts: Transcripts that were new.
        transcripts: Every transcript that the project's sources are.
        codings: Codings that were kept with their passages.
        notes: What somebody should know, in words.
    """

    texts: int
    transcripts: frozenset[str]
    codings: int
    notes: tuple[str, ...]


def receive(study: Study, settled: Settled, *, digest: str, file: str, codebook: str) -> Received:
    """Keep a project in a study; what is in already stays as it is.

    Args:
        digest: Of the file.
        file: What reports call it.
        codebook: What becomes of the codebook: `auto`, `theirs`, `ours` or `both`.

    Raises:
        ExchangeError: the study has another codebook and somebody has to choose.
        CodebookError: its codes make no codebook.
    """
    project = settled.project
    adopted = adopt(study, project, codebook, file)
    texts = _Texts(study, project, file)
    taken = _Taken(study, project, adopted, texts.ids)
    batch = Batch(
        brought=_brought(settled, adopted, digest, file),
        sources=tuple(_source_records(project, texts.ids)),
        passages=tuple(taken.passages),
        codings=tuple(taken.codings),
        memos=tuple(_memo(m, taken.names) for m in project.notes),
        places=tuple(_places(project, adopted.ids, taken.passage_ids, taken.coding_ids)),
        cases=tuple(_case(c, taken.passage_ids) for c in project.cases),
    )
    study.store.corpus.set_participants(_participants(study, project, texts.speakers))
    study.store.exchanges.add(batch)
    notes = [*adopted.notes, *texts.notes, *taken.notes]
    return Received(texts.added, frozenset(texts.ids.values()), len(taken.codings), tuple(notes))


class _Texts:
    """The project's sources as transcripts of the study.

    Attributes:
        ids: Transcripts' ids by source.
        speakers: Who speaks in a source, where it is one participant.
    """

    def __init__(self, study: Study, project: Project, file: str) -> None:
        self.ids: dict[str, str] = {}
        self.speakers: dict[str, str] = {}
        self.notes: list[str] = []
        self.added = 0
        owners: dict[str, list[str]] = defaultdict(list)
        for case in project.cases:
            for own in case.sources:
                owners[own].append(case.name)
        for source in project.sources:
            self._take(study, source, owners[source.guid], file)

    def _take(self, study: Study, source: Source, owners: Sequence[str], file: str) -> None:
        found = transcript(source, owners, f"{file}, source {source.name}")
        if study.store.corpus.add(found):
            self.added += 1
        else:
            twin = study.store.corpus.names()[found.id]
            self.notes.append(f"the source {source.name} has the same words as {twin}, which is in already")
            found = study.store.corpus.transcript(found.id)
        self.ids[source.guid] = found.id
        voices = {turn.participant for turn in found.turns if turn.participant}
        if len(voices) == 1:
            self.speakers[source.guid] = voices.pop()


class _Taken:
    """The project's passages and codings as the study keeps them.

    Attributes:
        names: Coders' names by user.
        passage_ids: Ids of passages by the GUID in the project; `coding_ids` likewise.
    """

    def __init__(self, study: Study, project: Project, adopted: Adopted, texts: Mapping[str, str]) -> None:
        self.names = {user.guid: user.name for user in project.users}
        self.passages: list[Passage] = []
        self.codings: list[PassageCoding] = []
        self.passage_ids: dict[str, str] = {}
        self.coding_ids: dict[str, str] = {}
        self.notes: list[str] = []
        self._ids = adopted.ids
        self._memos = {m.guid: m.text for m in project.notes}
        drawn = [p for s in project.sources for p in s.passages]
        self._known = study.store.exchanges.passages_called([p.guid for p in drawn])
        self._coded = study.store.exchanges.codings_called([m.guid for p in drawn for m in p.marks])
        free = blind.unseen(project)
        for source in project.sources:
            for one in source.passages:
                self._passage(one, source, texts[source.guid], free)
        anchored = sum(c.saw_model for c in self.codings)
        if anchored:
            self.notes.append(
                f"{anchored} codings by people count as made after seeing the model's, since the project shows them"
            )

    def _passage(self, drawn: Drawn, source: Source, transcript_id: str, free: set[tuple[str, str]]) -> None:
        place = (transcript_id, drawn.start, drawn.end)
        ident = drawn.guid
        if self._known.get(ident, place) != place:
            # The same GUID somewhere else: two projects grew out of one.
            ident = guid("passage", drawn.guid, *place)
        self._known[ident] = place
        self.passage_ids[drawn.guid] = ident
        self.passages.append(
            Passage(
                id=ident,
                transcript_id=transcript_id,
                start=drawn.start,
                end=drawn.end,
                name=drawn.name,
                note=drawn.description,
                coder=self.names.get(drawn.user, ""),
                at=drawn.at,
                whole=drawn.whole,
            )
        )
        for mark in drawn.marks:
            self._coding(mark, ident, source.guid, free)

    def _coding(self, mark: Mark, passage_id: str, source: str, free: set[tuple[str, str]]) -> None:
        coder = self.names.get(mark.user, "")
        key = (passage_id, self._ids[mark.code], coder or UNKNOWN)
        ident = mark.guid
        if self._coded.get(ident, key) != key:
            ident = guid("coding", mark.guid, *key)
        self._coded[ident] = key
        self.coding_ids[mark.guid] = ident
        polarity, reason = coding_notes.read(self._memos[m] for m in mark.memos)
        self.codings.append(
            PassageCoding(
                id=ident,
                passage_id=passage_id,
                code=key[1],
                coder=key[2],
                polarity=polarity,
                rationale=reason,
                saw_model=(coder, source) not in free and not coder.startswith("model:"),
                at=mark.at,
            )
        )


def _source_records(project: Project, texts: Mapping[str, str]) -> Iterator[SourceRecord]:
    names = {user.guid: user.name for user in project.users}
    for s in project.sources:
        yield SourceRecord(
            id=s.guid,
            transcript_id=texts[s.guid],
            name=s.name,
            description=s.description,
            coder=names.get(s.user, ""),
            at=s.at,
            values=s.values,
        )


def _memo(memo: Memo, names: Mapping[str, str]) -> MemoRecord:
    return MemoRecord(id=memo.guid, name=memo.name, text=memo.text, coder=names.get(memo.user, ""), at=memo.at)


def _places(
    project: Project, codes: Mapping[str, str], passages: Mapping[str, str], codings: Mapping[str, str]
) -> Iterator[MemoPlace]:
    """What notes belong to, each once."""
    found = {("project", "", memo): None for memo in project.memos}
    for code in project.codes:
        found |= {("code", codes[code.guid], memo): None for memo in code.memos}
    for source in project.sources:
        found |= {("source", source.guid, memo): None for memo in source.memos}
        for passage in source.passages:
            found |= {("passage", passages[passage.guid], memo): None for memo in passage.memos}
            for mark in passage.marks:
                found |= {("coding", codings[mark.guid], memo): None for memo in mark.memos}
    for kind, target, memo in found:
        yield MemoPlace(memo_id=memo, kind=kind, target=target)


def _case(case: Case, passages: Mapping[str, str]) -> CaseRecord:
    return CaseRecord(
        id=case.guid,
        participant=case.name,
        description=case.description,
        sources=case.sources,
        passages=tuple(passages[p] for p in case.passages if p in passages),
    )


def _participants(study: Study, project: Project, speakers: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Attributes of everybody of whom the project knows something, with what was known before."""
    known = study.store.corpus.participants()
    found: dict[str, dict[str, str]] = {}
    for source in project.sources:
        if source.values and source.guid in speakers:
            who = speakers[source.guid]
            found[who] = {**source.values, **found.get(who, known.get(who, {}))}
    for case in project.cases:
        found[case.name] = {**found.get(case.name, known.get(case.name, {})), **case.values}
    return found


def _brought(settled: Settled, adopted: Adopted, digest: str, file: str) -> Brought:
    project, ids = settled.project, adopted.ids
    return Brought(
        digest=digest,
        file=file,
        name=project.name,
        origin=project.origin,
        description=project.description,
        users={user.name: user.guid for user in project.users},
        codes={ids[c.guid]: {"guid": c.guid, "colour": c.colour} for c in project.codes},
        variables=tuple(v.model_dump() for v in project.variables),
        # Codes by their id: a study may know them under another GUID.
        sets=tuple(s.model_dump(mode="json") | {"codes": [ids[c] for c in s.codes]} for s in project.sets),
        offsets=str(settled.choice) if settled.choice else "",
        codings=settled.codings,
        kept=project.codings,
        left_out=tuple(str(one) for one in settled.left_out),
        notes=settled.notes,
    )
