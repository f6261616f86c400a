"""A study as tables with typed columns, each column with its meaning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from belonging_llm.codes import Coding
from belonging_llm.segments import Segment
from belonging_llm.study import Study
from belonging_llm.themes import Theme

Kind = Literal["text", "integer", "number", "boolean"]
Cell = str | int | float | bool | None


@dataclass(frozen=True)
class Column:
    """One column; an empty cell means that nothing is known, never 0 or no."""

    name: str
    kind: Kind
    meaning: str


@dataclass(frozen=True)
class Sheet:
    """One table.

    Attributes:
        about: What one row is.
        rows: Cells in the columns' order; text as it is, nothing neutralised yet.
    """

    name: str
    about: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


def sheets(study: Study, *, model: bool = True) -> list[Sheet]:
    """Every table of a study.

    Args:
        model: Whether the last finished analysis goes along.
    """
    view = _View(study, model)
    made = [view.codings(), view.judged(), view.passages(), view.segments(), view.documents()]
    made += [view.themes(), view.members(), view.codebook(), view.participants(), view.memos()]
    return [sheet for sheet in made if sheet.rows or sheet.name in {"codings", "segments", "codebook"}]


def _columns(*given: tuple[str, Kind, str]) -> tuple[Column, ...]:
    return tuple(Column(*one) for one in given)


class _View:
    """What the tables are made from."""

    def __init__(self, study: Study, model: bool) -> None:
        self._study = study
        self._store = study.store
        self._run = self._store.runs.latest() if model else None
        self._segments = {s.id: s for s in self._store.corpus.every_segment()}
        self._texts = {i: self._store.corpus.transcript(i) for i in self._store.corpus.transcript_ids()}
        times = Counter(t.name for t in self._texts.values())
        self._names = {i: t.name if times[t.name] == 1 else f"{t.name} [{i}]" for i, t in self._texts.items()}

    def codings(self) -> Sheet:
        """People's and the model's, one row a judgement."""
        columns = _columns(
            ("segment_id", "text", "segment that was judged; see segments"),
            ("document_id", "text", "document that holds it"),
            ("participant_id", "text", "whose words they are"),
            ("code", "text", "id of the code; see codebook"),
            ("coder", "text", "a person, or model:…"),
            ("by", "text", "person or model"),
            ("outcome", "text", "assigned, not_assigned, abstained (left to people) or failed"),
            ("confidence", "number", "that the outcome is right, 0 to 1; calibrated where taught; empty for people"),
            ("polarity", "text", "experienced, absent or mixed; empty when not judged"),
            ("evidence", "text", "the words that show the code, as they stand in the segment"),
            ("evidence_start", "integer", "first character of the first evidence in the segment's text, from 0"),
            ("evidence_end", "integer", "one past its last character"),
            ("evidence_spans", "text", "all evidence as start-end, separated by spaces"),
            ("rationale", "text", "why"),
            ("run_id", "text", "analysis that a model's coding comes from"),
            ("model", "text", "language model that was asked; empty when none was"),
            ("encoder", "text", "embedding model"),
            ("prompt", "text", "prompt that was used"),
            ("prompt_digest", "text", "SHA-256 of its file"),
            ("codebook_digest", "text", "SHA-256 of the codebook"),
            ("similarity", "number", "likeness of segment and code, in standard deviations over all segments"),
            ("theme", "number", "strength, 0 to 1, with which a theme mapped to the code holds the segment"),
            ("chance", "number", "probability that a person would give the code"),
            ("taught", "boolean", "whether the code was learned from people's codings"),
            ("asked", "boolean", "whether the language model was asked about this segment"),
            ("said", "boolean", "what it answered for this code; empty when not asked"),
        )
        people = [(c, "") for c in self._store.findings.codings()]
        machine = [(c, self._run.id) for c in self._store.findings.codings(self._run.id)] if self._run else []
        rows = [self._coding(c, run) for c, run in people + machine]
        return Sheet("codings", "one judgement: a coder, a segment, a code", columns, tuple(rows))

    def _coding(self, c: Coding, run: str) -> tuple[Cell, ...]:
        segment, known = self._segments[c.segment_id], c.provenance
        first = c.evidence[0] if c.evidence else None
        made = bool(run)
        return (
            *(c.segment_id, self._names[segment.transcript_id], segment.participant, c.code, c.coder),
            *("model" if made else "person", str(c.outcome), c.confidence, str(c.polarity or "")),
            " […] ".join(segment.text[e.start : e.end] for e in c.evidence),
            *(first.start if first else None, first.end if first else None),
            " ".join(f"{e.start}-{e.end}" for e in c.evidence),
            *(c.rationale, run, known.model, known.encoder, known.prompt, known.prompt_digest),
            *(known.codebook_digest, known.similarity, known.theme, known.chance),
            *(known.taught if made else None, known.asked if made else None, known.said),
        )

    def judged(self) -> Sheet:
        """Who judged what; a judged segment without a coding has none of the codes."""
        columns = _columns(
            ("segment_id", "text", "segment that was judged against the whole codebook"),
            ("coder", "text", "who judged it; without a row in codings none of the codes applies, in their view"),
            ("saw_model", "boolean", "whether they had seen what the model says of it"),
            ("at", "text", "when, ISO 8601; empty when not recorded"),
        )
        rows = [(j.segment_id, j.coder, j.saw_model, j.at) for j in self._store.findings.judgements()]
        return Sheet("judged", "one person judged one segment", columns, tuple(rows))

    def passages(self) -> Sheet:
        """People's own stretches, as `belonging agreement` reads them."""
        columns = _columns(
            ("document_id", "text", "document; see documents"),
            ("start", "integer", "first character of the stretch in the document's text, from 0"),
            ("end", "integer", "one past its last character"),
            ("coder", "text", "who gave the code"),
            ("code", "text", "id of the code"),
            ("text", "text", "the words"),
            ("polarity", "text", "experienced, absent or mixed; empty when not judged"),
            ("rationale", "text", "why"),
            ("saw_model", "boolean", "whether they had seen what the model says"),
            ("at", "text", "when, ISO 8601; empty when not recorded"),
            ("note", "text", "what somebody wrote beside the stretch"),
            ("passage_id", "text", "GUID of the stretch"),
            ("coding_id", "text", "GUID of the coding"),
        )
        where = {p.id: p for p in self._store.exchanges.passages()}
        absorbed = self._study.framework().absorbed
        rows: list[tuple[Cell, ...]] = []
        for c in self._store.exchanges.codings():
            p = where[c.passage_id]
            words = self._texts[p.transcript_id].text[p.start : p.end]
            code = absorbed.get(c.code, c.code)
            own = (self._names[p.transcript_id], p.start, p.end, c.coder, code, words, str(c.polarity or ""))
            rows.append((*own, c.rationale, c.saw_model, c.at, p.note, p.id, c.id))
        return Sheet("passages", "one code that a person gave to a stretch of their own", columns, tuple(rows))

    def segments(self) -> Sheet:
        """The units of coding."""
        columns = _columns(
            ("segment_id", "text", "what codings refer to"),
            ("document_id", "text", "document that holds it"),
            ("participant_id", "text", "whose words they are"),
            ("turn", "integer", "place of the turn in its document, from 1"),
            ("part", "integer", "place in the turn, from 1"),
            ("start", "integer", "first character in the document's text, from 0"),
            ("end", "integer", "one past its last character"),
            ("in_use", "boolean", "whether analyses use it; others belong to an earlier way of cutting the text"),
            ("text", "text", "the words"),
        )
        used = {s.id for s in self._store.corpus.segments()}
        rows = [self._segment(s, s.id in used) for s in self._segments.values()]
        return Sheet("segments", "one unit of coding", columns, tuple(rows))

    def _segment(self, s: Segment, used: bool) -> tuple[Cell, ...]:
        return (s.id, self._names[s.transcript_id], s.participant, s.turn, s.part, s.start, s.end, used, s.text)

    def documents(self) -> Sheet:
        """The texts themselves."""
        columns = _columns(
            ("document_id", "text", "what other tables call it"),
            ("kind", "text", "interview (labelled speakers), prose (one author) or segments (units given)"),
            ("characters", "integer", "length of its text in characters (Unicode code points)"),
            ("text", "text", "the whole text, to which offsets refer"),
        )
        rows = [(self._names[i], t.kind, len(t.text), t.text) for i, t in self._texts.items()]
        return Sheet("documents", "one transcript or other text", columns, tuple(rows))

    def themes(self) -> Sheet:
        """The last analysis's themes."""
        columns = _columns(
            ("theme_id", "text", "the same theme has the same id in every analysis, and no other ever has it"),
            ("theme", "text", "its name"),
            ("definition", "text", "what it is about"),
            ("segments", "integer", "how many segments it holds"),
            ("participants", "integer", "how many participants speak in them"),
            ("codes", "text", "codes that it is mapped to, separated by spaces"),
            ("outside", "boolean", "whether it lies outside the framework: a finding, not an error"),
            ("named_by", "text", "model, or participants' own words"),
            ("terms", "text", "words that set it apart, separated by commas"),
        )
        rows: list[tuple[Cell, ...]] = []
        for t in self._themes():
            people = len({self._segments[m.segment_id].participant for m in t.members})
            codes = " ".join(c.code for c in t.mapping.codes)
            own = (t.id, t.name, t.definition, len(t.members), people, codes)
            rows.append((*own, t.mapping.outside, t.by, ", ".join(t.terms)))
        return Sheet("themes", "one theme", columns, tuple(rows))

    def members(self) -> Sheet:
        """Which segment is in which theme."""
        columns = _columns(
            ("theme_id", "text", "see themes"),
            ("segment_id", "text", "see segments"),
            ("strength", "number", "how close to the theme's centre, 0 to 1"),
            ("belongs", "text", "core, near, placed (came later), person (by hand) or also (at home elsewhere)"),
        )
        rows = [(t.id, m.segment_id, m.strength, str(m.belongs)) for t in self._themes() for m in t.members]
        return Sheet("theme_members", "one segment in one theme", columns, tuple(rows))

    def _themes(self) -> Sequence[Theme]:
        return self._store.findings.themes(self._run.id) if self._run else []

    def codebook(self) -> Sheet:
        """The codebook in use, as `belonging import` reads it."""
        columns = _columns(
            ("code", "text", "id"),
            ("name", "text", "name"),
            ("definition", "text", "what it means"),
            ("include", "text", "when to use it"),
            ("exclude", "text", "when not to"),
            ("examples", "text", "sentences where it is experienced, one a line"),
            ("absent_examples", "text", "sentences where it is absent, one a line"),
            ("parent", "text", "code above it"),
            ("kind", "text", "its place in the framework"),
            ("assignable", "boolean", "false for headings, which are never given to text"),
            ("absorbs", "text", "ids of codes that were merged into it, one a line: codings of them count as its own"),
        )
        rows: list[tuple[Cell, ...]] = []
        for c in self._study.framework().codes:
            examples = "\n".join(c.examples), "\n".join(c.absent_examples)
            own = (c.id, c.name, c.definition, c.include, c.exclude)
            rows.append((*own, *examples, c.parent or "", c.kind, c.assignable, "\n".join(c.absorbs)))
        return Sheet("codebook", "one code", columns, tuple(rows))

    def participants(self) -> Sheet:
        """What is known of participants."""
        known = self._store.corpus.participants()
        everybody = sorted({*known, *(s.participant for s in self._segments.values())})
        names = sorted({name for values in known.values() for name in values} - {"", "participant_id"})
        columns = _columns(
            ("participant_id", "text", "whose words or answers they are"),
            *((name, "text", "attribute, as it was brought in") for name in names),
        )
        rows = [(who, *(known.get(who, {}).get(name, "") for name in names)) for who in everybody]
        return Sheet("participants", "one participant", columns, tuple(rows))

    def memos(self) -> Sheet:
        """Notes and what they belong to."""
        columns = _columns(
            ("memo_id", "text", "GUID"),
            ("name", "text", "title"),
            ("text", "text", "what it says"),
            ("coder", "text", "who wrote it; empty when not recorded"),
            ("at", "text", "when, ISO 8601; empty when not recorded"),
            ("kind", "text", "what it belongs to: project, code, source, passage or coding; empty: to nothing"),
            ("target", "text", "GUID of that, or the code's id"),
        )
        return Sheet("memos", "one note and one thing that it belongs to", columns, tuple(self._memo_rows()))

    def _memo_rows(self) -> Iterator[tuple[Cell, ...]]:
        places: dict[str, list[tuple[str, str]]] = {}
        for place in self._store.exchanges.places():
            places.setdefault(place.memo_id, []).append((place.kind, place.target))
        for memo in self._store.exchanges.memos():
            for kind, target in places.get(memo.id, [("", "")]):
                yield (memo.id, memo.name, memo.text, memo.coder, memo.at, kind, target)
