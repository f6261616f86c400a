"""A study as a project that other programs open: sources, codebook, codings, themes, notes, participants."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from belonging_llm.codes import Coding, Outcome
from belonging_llm.exchange import blind, coding_notes
from belonging_llm.exchange.adopting import looks
from belonging_llm.exchange.code_tree import describe, lead, seen, to_tree
from belonging_llm.exchange.guids import guid
from belonging_llm.exchange.project import (
    MODEL,
    Case,
    CodeSet,
    Mark,
    Memo,
    Passage,
    Project,
    Source,
    User,
    Variable,
)
from belonging_llm.exchange.values import kind_of
from belonging_llm.segments import Segment
from belonging_llm.store import Run
from belonging_llm.store.exchanges import CaseRecord, SourceRecord
from belonging_llm.study import Study
from belonging_llm.transcripts import Transcript


@dataclass(frozen=True)
class Given:
    """A project made from a study.

    Attributes:
        left_out: What the study holds and the format has no place for, in words.
    """

    project: Project
    left_out: tuple[str, ...]


def give(study: Study, *, model: bool = True) -> Given:
    """Everything of a study that the format has a place for.

    Args:
        model: Whether the codings and themes of the last finished analysis go along; without them, whoever codes on in
            another program does not see what the model says.
    """
    return _Giver(study, model).give()


class _Giver:
    """Gathers a study's parts under GUIDs; those that came from a file keep theirs."""

    def __init__(self, study: Study, model: bool) -> None:
        store = study.store
        self._study = study
        self._framework = study.framework()
        self._absorbed = self._framework.absorbed
        self._looks = looks(study)
        self._codes = seen(self._framework, self._looks)
        self._brought = store.exchanges.brought()
        self._users: dict[str, str] = {}
        self._known_users = {n: g for one in reversed(self._brought) for n, g in one.users.items()}
        self._transcripts = {i: store.corpus.transcript(i) for i in store.corpus.transcript_ids()}
        self._records: dict[str, list[SourceRecord]] = defaultdict(list)
        for record in store.exchanges.sources():
            self._records[record.transcript_id].append(record)
        self._segments = {s.id: s for s in store.corpus.every_segment()}
        self._memos: dict[tuple[str, str], list[str]] = defaultdict(list)
        for place in store.exchanges.places():
            self._memos[place.kind, place.target].append(place.memo_id)
        self._notes: dict[str, Memo] = {
            m.id: Memo(guid=m.id, name=m.name, text=m.text, user=self._user(m.coder), at=m.at)
            for m in store.exchanges.memos()
            if m.name != blind.NOTE
        }
        self._run = store.runs.latest() if model else None
        self._passages: dict[str, dict[str, Passage]] = {i: {} for i in self._transcripts}
        self._left_out: list[str] = []

    def give(self) -> Given:
        """The project."""
        for name in self._known_users:
            self._user(name)
        self._own_passages()
        self._people()
        if self._run:
            self._machine(self._run)
        sources = tuple(self._source(t) for t in sorted(self._transcripts.values(), key=lambda t: (t.name, t.id)))
        variables = self._variables(sources)
        kinds = {v.name for v in variables}
        sets = tuple(self._sets())
        project = Project(
            name=self._study.settings.name or "study",
            origin="belonging-llm",
            description=self._description(),
            users=(),
            codes=to_tree(self._framework, self._looks),
            variables=variables,
            cases=tuple(self._cases(kinds)),
            sources=sources,
            sets=sets,
            memos=tuple(m for m in self._memos["project", ""] if m in self._notes),
        )
        project = self._closed(project)
        return Given(project, tuple(self._left_out))

    def _closed(self, project: Project) -> Project:
        """The project with its users and notes, which are known last."""
        users = tuple(User(guid=ident, name=name) for name, ident in sorted(self._users.items()))
        notes = [self._notes[ident] for ident in sorted(self._notes)]
        project = project.model_copy(update={"users": users, "notes": tuple(notes)})
        if any(name.startswith(MODEL) for name in self._users):
            mine = Memo(guid=guid("note", blind.NOTE), name=blind.NOTE, text=blind.stamp(project, self._seen()))
            update = {"notes": (*notes, mine), "memos": (*project.memos, mine.guid)}
            project = project.model_copy(update=update)
        return project

    def _seen(self) -> set[tuple[str, str]]:
        """Coders and sources where somebody coded after seeing the model's codings."""
        store = self._study.store
        where = {p.id: p.transcript_id for p in store.exchanges.passages()}
        found = {(c.coder, where[c.passage_id]) for c in store.exchanges.codings() if c.saw_model}
        for j in store.findings.judgements():
            if j.saw_model:
                found.add((j.coder, self._segments[j.segment_id].transcript_id))
        return {(coder, self._source_guid(transcript)) for coder, transcript in found}

    def _user(self, name: str) -> str:
        if not name:
            return ""
        return self._users.setdefault(name, self._known_users.get(name) or guid("user", name))

    def _description(self) -> str:
        leads = [lead(one.description) for one in self._brought]
        return "\n\n".join([*dict.fromkeys(filter(None, leads)), describe(self._framework)])

    # Passages

    def _refs(self, kind: str, target: str) -> tuple[str, ...]:
        return tuple(m for m in self._memos[kind, target] if m in self._notes)

    def _own_passages(self) -> None:
        """People's own passages, as they came."""
        marks: dict[str, list[Mark]] = defaultdict(list)
        lost: Counter[str] = Counter()
        twice = 0
        # Those of merged codes last, so that what was said of the code that stays is kept as it is.
        for c in sorted(self._study.store.exchanges.codings(), key=lambda c: c.code in self._absorbed):
            code = self._absorbed.get(c.code, c.code)
            if code not in self._codes:
                lost[c.code] += 1
                continue
            refs = self._refs("coding", c.id)
            mark = Mark(guid=c.id, code=self._codes[code].guid, user=self._user(c.coder), at=c.at, memos=refs)
            if code != c.code and any((m.code, m.user) == (mark.code, mark.user) for m in marks[c.passage_id]):
                twice += 1
                continue
            marks[c.passage_id].append(mark)
        for p in self._study.store.exchanges.passages():
            self._passages[p.transcript_id][p.id] = Passage(
                guid=p.id,
                start=p.start,
                end=p.end,
                name=p.name,
                description=p.note,
                user=self._user(p.coder),
                at=p.at,
                marks=tuple(marks[p.id]),
                memos=self._refs("passage", p.id),
                whole=p.whole,
            )
        if twice:
            self._left_out.append(
                f"{twice} codings of stretches that their coder gave the code that was merged into too"
            )
        if lost:
            named = ", ".join(sorted(lost)[:5])
            self._left_out.append(f"{lost.total()} codings of codes that the codebook lacks ({named})")

    def _people(self) -> None:
        """People's codings of segments, but for those that come from their own passages."""
        own = self._covered()
        lost: Counter[str] = Counter()
        for coding in self._study.store.findings.codings():
            segment = self._segments[coding.segment_id]
            if coding.outcome is not Outcome.ASSIGNED or coding.code not in self._codes:
                lost[f"people's codings that say {coding.outcome}, or of codes that the codebook lacks"] += 1
            elif not any(
                a < segment.end and segment.start < b for a, b in own[segment.transcript_id, coding.coder, coding.code]
            ):
                self._coding(coding, segment, None)
        self._left_out += [f"{n} {what}" for what, n in lost.items()]

    def _covered(self) -> dict[tuple[str, str, str], list[tuple[int, int]]]:
        """Where each coder gave each code to a passage of their own."""
        where = {p.id: p for p in self._study.store.exchanges.passages()}
        found: dict[tuple[str, str, str], list[tuple[int, int]]] = defaultdict(list)
        for c in self._study.store.exchanges.codings():
            passage = where[c.passage_id]
            if not passage.whole:
                code = self._absorbed.get(c.code, c.code)
                found[passage.transcript_id, c.coder, code].append((passage.start, passage.end))
        return found

    def _machine(self, run: Run) -> None:
        """What the model assigned; its other outcomes are tables' matter."""
        outcomes: Counter[str] = Counter()
        for coding in self._study.store.findings.codings(run.id):
            outcomes[str(coding.outcome)] += 1
            if coding.outcome is Outcome.ASSIGNED and coding.code in self._codes:
                self._coding(coding, self._segments[coding.segment_id], run)
        del outcomes[str(Outcome.ASSIGNED)]
        if outcomes:
            said = ", ".join(f"{n} {what.replace('_', ' ')}" for what, n in sorted(outcomes.items()))
            self._left_out.append(f"the model's outcomes other than assigned ({said}): tables have them")

    def _coding(self, coding: Coding, segment: Segment, run: Run | None) -> None:
        coder = coding.coder if run is None or coding.coder.startswith(MODEL) else MODEL + coding.coder
        start, end = segment.start, segment.end
        if run is None and len(coding.evidence) == 1:
            start, end = start + coding.evidence[0].start, start + coding.evidence[0].end
        user = self._user(coder)
        key = (run.id if run else "", segment.id, coding.code, coder)
        note = coding_notes.write(coding, segment.text, run)
        memos: tuple[str, ...] = ()
        if note:
            memo = Memo(guid=guid("coding note", *key), name=f"{coding.code}, {segment.label}", text=note, user=user)
            self._notes[memo.guid] = memo
            memos = (memo.guid,)
        mark = Mark(guid=guid("coding", *key), code=self._codes[coding.code].guid, user=user, memos=memos)
        place = guid("passage", segment.transcript_id, start, end, user)
        there = self._passages[segment.transcript_id]
        known = there.get(place)
        if known and mark.guid in {m.guid for m in known.marks}:
            return
        there[place] = (
            known.model_copy(update={"marks": (*known.marks, mark)})
            if known
            else Passage(guid=place, start=start, end=end, name=segment.label, user=user, marks=(mark,))
        )

    # Sources, cases, sets

    def _source(self, transcript: Transcript) -> Source:
        record = next(iter(self._records[transcript.id]), None)
        passages = [_in_order(p) for p in self._passages[transcript.id].values()]
        passages.sort(key=lambda p: (p.start, p.end, p.guid))
        return Source(
            guid=self._source_guid(transcript.id),
            name=record.name if record else transcript.name,
            text=transcript.text,
            description=record.description if record else "",
            user=self._user(record.coder if record else ""),
            at=record.at if record else "",
            passages=tuple(passages),
            values=record.values if record else {},
            memos=self._refs("source", record.id) if record else (),
        )

    def _source_guid(self, transcript_id: str) -> str:
        record = next(iter(self._records[transcript_id]), None)
        return record.id if record else guid("source", transcript_id)

    def _variables(self, sources: Sequence[Source]) -> tuple[Variable, ...]:
        """Every attribute, of the kind it came with where all its values still are of that kind."""
        values: dict[str, list[str]] = defaultdict(list)
        for given in [*self._study.store.corpus.participants().values(), *(s.values for s in sources)]:
            for name, value in given.items():
                values[name] += [value] if value else []
        known: dict[str, Variable] = {}
        for one in self._brought:
            for fields in one.variables:
                variable = Variable.model_validate(fields)
                known.setdefault(variable.name, variable)
        found = []
        for name in sorted({*values, *known} - {""}):
            variable = known.get(name) or Variable(guid=guid("variable", name), name=name)
            fits = all(kind_of(variable.kind, value) for value in values[name])
            found.append(variable if fits else variable.model_copy(update={"kind": "Text"}))
        return tuple(found)

    def _cases(self, variables: set[str]) -> Iterator[Case]:
        """Participants, with their attributes and the sources in which they speak."""
        speaks: dict[str, dict[str, None]] = defaultdict(dict)
        for transcript in sorted(self._transcripts.values(), key=lambda t: (t.name, t.id)):
            for turn in transcript.turns:
                if turn.participant:
                    speaks[turn.participant][self._source_guid(transcript.id)] = None
        records: dict[str, CaseRecord] = {}
        for record in self._study.store.exchanges.cases():
            records.setdefault(record.participant, record)
        known = self._study.store.corpus.participants()
        there = {p for passages in self._passages.values() for p in passages}
        kept = {self._source_guid(t) for t in self._transcripts}
        for who in sorted({*speaks, *known, *records}):
            case = records.get(who)
            own = [s for s in case.sources if s in kept] if case else []
            yield Case(
                guid=case.id if case else guid("case", who),
                name=who,
                description=case.description if case else "",
                values={n: v for n, v in known.get(who, {}).items() if v and n in variables},
                sources=tuple(dict.fromkeys([*own, *speaks[who]])),
                passages=tuple(p for p in case.passages if p in there) if case else (),
            )

    def _sets(self) -> Iterator[CodeSet]:
        """Sets as they came, then the last analysis's themes."""
        taken: set[str] = set()
        kept = {self._source_guid(t) for t in self._transcripts}
        for one in self._brought:
            for fields in one.sets:
                found = CodeSet.model_validate(fields)
                codes = tuple(self._codes[c].guid for c in found.codes if c in self._codes)
                sources = tuple(s for s in found.sources if s in kept)
                memos = tuple(m for m in found.memos if m in self._notes)
                if found.guid not in taken:
                    taken.add(found.guid)
                    yield found.model_copy(update={"codes": codes, "sources": sources, "memos": memos})
        for found in self._themes(self._run) if self._run else ():
            if found.guid not in taken:
                yield found

    def _themes(self, run: Run) -> Iterator[CodeSet]:
        for theme in self._study.store.findings.themes(run.id):
            members = [self._segments[m.segment_id] for m in theme.members]
            lines = [theme.definition, "", f"Named by {theme.by}; {len(members)} segments:"]
            lines += [f"- {s.label}: {' '.join(s.text.split())}" for s in members]
            quotes = [f"“{self._segments[q.segment_id].text[q.start : q.end]}”" for q in theme.quotes]
            lines += ["", "Quotes:", *quotes] if quotes else []
            memo = Memo(
                guid=guid("theme note", run.id, theme.id), name=f"Theme: {theme.name}", text="\n".join(lines).strip()
            )
            self._notes[memo.guid] = memo
            yield CodeSet(
                guid=guid("theme", run.id, theme.id),
                name=f"Theme: {theme.name}",
                description=theme.definition,
                codes=tuple(self._codes[c.code].guid for c in theme.mapping.codes if c.code in self._codes),
                sources=tuple(sorted({self._source_guid(s.transcript_id) for s in members})),
                memos=(memo.guid,),
            )


def _in_order(passage: Passage) -> Passage:
    marks = sorted(passage.marks, key=lambda m: m.guid)
    return passage.model_copy(update={"marks": tuple(marks)})
