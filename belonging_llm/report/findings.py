"""The page a study is read on: its themes and codes, what was left out, and how all of it was made."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from math import ceil
from pathlib import Path
from typing import Any, Generic, TypeVar

import jinja2

from belonging_llm.clusters import Belongs
from belonging_llm.codebook import Code, Framework
from belonging_llm.codes.coding import Coding, Outcome, Polarity
from belonging_llm.segments import Segment, Span
from belonging_llm.themes import Theme

CAP = 200
QUOTES = 4
EXEMPLARS = 3
HEAT = 4

# Neither can be written as UTF-8 HTML; what people typed stands beside it unchanged in the database.
_UNPRINTABLE = re.compile("[\x00\ud800-\udfff]")
_DIGITS = re.compile(r"(\d+)")

T = TypeVar("T")


@dataclass(frozen=True)
class RunRecord:
    """The execution that the page reports.

    Attributes:
        status: `running`, `complete` or `incomplete`.
        started_at: ISO 8601; likewise `finished_at`, None while it runs.
        settings: What shaped the result, nested at will; keys that hold `seed` are listed as seeds.
        counts: Whatever the run counted, shown as it is recorded.
        versions: Installed packages.
    """

    id: str
    status: str
    started_at: str
    finished_at: str | None
    settings: Mapping[str, Any]
    counts: Mapping[str, Any]
    versions: Mapping[str, str]


@dataclass(frozen=True)
class TranscriptSummary:
    """One interview: `name` is what its segments call their document."""

    name: str
    participant_turns: int


@dataclass(frozen=True)
class PromptText:
    """A prompt file, in full."""

    name: str
    digest: str
    text: str


@dataclass(frozen=True)
class Usage:
    """What this run asked of the language model; None is not recorded.

    Attributes:
        seconds: Sum over calls, which may exceed the whole run's time when calls overlap.
    """

    calls: int | None = None
    seconds: float | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


@dataclass(frozen=True)
class Losses:
    """What was dropped or done over on the way; None is not recorded.

    Attributes:
        theme_quotes: Quotes for themes that stand nowhere in their segment.
        code_evidence: Evidence for codes that stands nowhere in its segment.
        themes_renamed: Themes sent back for a clash or a vague name.
        themes_unnamed: Themes whose every reply failed, called by participants' own words.
        replies_refused: Replies that broke their schema.
    """

    theme_quotes: int | None = None
    code_evidence: int | None = None
    themes_renamed: int | None = None
    themes_unnamed: int | None = None
    replies_refused: int | None = None


@dataclass(frozen=True)
class Findings:
    """Everything that the page shows.

    Attributes:
        segments: All of the run's segments, in reading order.
        codings: One for each segment and assignable code.
        participants: What is recorded of each participant, by name; may be empty.
        outliers: Ids of segments that lie near no theme.
        too_short: Ids of segments with too few words to be grouped.
        language_model: Its id; empty when none was asked.
        synthetic: Nobody real speaks in these interviews.
    """

    study: str
    run: RunRecord
    transcripts: Sequence[TranscriptSummary]
    segments: Sequence[Segment]
    themes: Sequence[Theme]
    codings: Sequence[Coding]
    framework: Framework
    participants: Mapping[str, Mapping[str, str]]
    outliers: Sequence[str]
    too_short: Sequence[str]
    prompts: Sequence[PromptText]
    usage: Usage
    losses: Losses
    language_model: str
    encoder: str
    synthetic: bool


@dataclass(frozen=True)
class Share:
    """A count that never goes without its denominator."""

    count: int
    total: int

    @property
    def percent(self) -> float | None:
        """0 to 100; None (undefined) of nothing."""
        return 100 * self.count / self.total if self.total else None

    @property
    def rounded(self) -> str:
        """The percentage in words that never round up to all or down to nothing."""
        if self.percent is None:
            return "undefined"
        if 0 < self.percent < 1:
            return "under 1%"
        return "over 99%" if 99 < self.percent < 100 else f"{self.percent:.0f}%"

    def __str__(self) -> str:
        """Such as `8 of 12 (67%)`."""
        return f"{self.count:,} of {self.total:,} ({self.rounded})"


@dataclass(frozen=True)
class _Listed(Generic[T]):
    """The first `CAP` of a list that may be long."""

    shown: tuple[T, ...]
    total: int

    @property
    def more(self) -> int:
        return self.total - len(self.shown)


@dataclass(frozen=True)
class _Piece:
    text: str
    marked: bool


@dataclass(frozen=True)
class _Passage:
    """A segment in full, its evidence marked, with notes on how it comes to stand here."""

    segment: Segment
    pieces: tuple[_Piece, ...]
    notes: tuple[str, ...] = ()
    rationale: str = ""

    @property
    def place(self) -> str:
        of = self.segment
        return of.label if of.document == of.participant else f"{of.label}, in {of.document}"


@dataclass(frozen=True)
class _Speaker:
    """How often a participant speaks in a theme; `level` 0 (never) to `HEAT` shades the cell."""

    name: str
    count: int
    level: int


@dataclass(frozen=True)
class _MappedCode:
    name: str
    kind: str
    anchor: str
    rationale: str


@dataclass(frozen=True)
class _ThemeView:
    number: int
    theme: Theme
    quotes: tuple[_Passage, ...]
    mapped: tuple[_MappedCode, ...]
    segments: Share
    participants: Share
    speakers: tuple[_Speaker, ...]
    belongs: Mapping[str, int]
    members: _Listed[_Passage]

    @property
    def anchor(self) -> str:
        return f"theme-{self.number}"


@dataclass(frozen=True)
class _CodeView:
    """A code's outcomes; `polarities` counts experienced, absent, mixed and not judged, in that order."""

    code: Code
    kind: str
    anchor: str
    outcomes: Mapping[Outcome, int]
    polarities: tuple[int, ...]
    segments: Share
    participants: Share
    assigned: _Listed[_Passage]
    abstained: _Listed[_Passage]


@dataclass(frozen=True)
class _CodeTable:
    """Codes that are read alike; `headings` name their polarities."""

    caption: str
    headings: tuple[str, ...]
    codes: tuple[_CodeView, ...]


@dataclass(frozen=True)
class _LeftOut:
    outliers: _Listed[_Passage]
    too_short: _Listed[_Passage]
    uncoded: _Listed[_Passage]
    unsettled: int
    segments: int

    @property
    def outliers_share(self) -> Share:
        return Share(self.outliers.total, self.segments)

    @property
    def too_short_share(self) -> Share:
        return Share(self.too_short.total, self.segments)

    @property
    def uncoded_share(self) -> Share:
        return Share(self.uncoded.total, self.segments)


@dataclass(frozen=True)
class _Person:
    name: str
    segments: int
    themes: int
    attributes: tuple[str, ...]


@dataclass(frozen=True)
class _Page:
    people: tuple[str, ...]
    themed: Share
    widest: _ThemeView | None
    themes: tuple[_ThemeView, ...]
    tables: tuple[_CodeTable, ...]
    left_out: _LeftOut
    failures: tuple[str, ...]
    failed: _Listed[_Passage]
    attributes: tuple[str, ...]
    persons: tuple[_Person, ...]
    spoken: Mapping[str, int]
    documents: Mapping[str, int]
    settings: Mapping[str, str]
    seeds: Mapping[str, str]
    counts: Mapping[str, str]
    whole_seconds: float | None


class _Corpus:
    """The findings by segment, participant and code, looked up many times and never changed."""

    def __init__(self, findings: Findings) -> None:
        self.segments = {s.id: s for s in findings.segments}
        self.people = tuple(sorted({s.participant for s in findings.segments}, key=_natural))
        self.codes = {code.id: code for code in findings.framework.codes}
        self.judged: dict[str, list[Coding]] = {}
        self.stray = 0
        assignable = {code.id for code in findings.framework.assignable}
        for coding in findings.codings:
            if coding.segment_id in self.segments and coding.code in assignable:
                self.judged.setdefault(coding.segment_id, []).append(coding)
            else:
                self.stray += 1

    @property
    def codings(self) -> Iterable[Coding]:
        """Judgements in reading order of their segments."""
        return (c for s in self.segments for c in self.judged.get(s, ()))

    def anchor(self, code_id: str) -> str:
        return f"code-{list(self.codes).index(code_id) + 1}"

    def speakers(self, segment_ids: Iterable[str]) -> Counter[str]:
        return Counter(self.segments[i].participant for i in segment_ids)


def render(findings: Findings) -> str:
    """The findings as one HTML page that needs no network and no script.

    What participants said is data: it is escaped, and the page's own policy forbids scripts.

    Returns:
        HTML that can be written as UTF-8; lone surrogates and NULs are shown as U+FFFD.
    """
    template = _environment().get_template("findings.html.j2")
    html = template.render(given=findings, page=_page(findings), cap=CAP)
    return _UNPRINTABLE.sub("\ufffd", html)


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"counted": _counted, "duration": _duration, "moment": _moment, "number": _number}
    return environment


def _page(findings: Findings) -> _Page:
    corpus = _Corpus(findings)
    themes = tuple(_theme(number, theme, corpus) for number, theme in enumerate(findings.themes, 1))
    settings = dict(_flat(findings.run.settings))
    attributes = tuple(dict.fromkeys(key for known in findings.participants.values() for key in known))
    return _Page(
        people=corpus.people,
        themed=Share(len(_themed(findings)), len(corpus.segments)),
        widest=_widest(themes),
        themes=themes,
        tables=_tables(findings.framework, corpus),
        left_out=_left_out(findings, corpus),
        failures=tuple(_failures(findings, corpus)),
        failed=_failed(corpus),
        attributes=attributes,
        persons=_persons(findings, corpus, themes, attributes),
        spoken=corpus.speakers(corpus.segments),
        documents=Counter(s.document for s in findings.segments),
        settings={key: value for key, value in settings.items() if not _is_seed(key)},
        seeds={key: value for key, value in settings.items() if _is_seed(key)},
        counts=dict(_flat(findings.run.counts)),
        whole_seconds=_between(findings.run.started_at, findings.run.finished_at),
    )


# Themes


def _theme(number: int, theme: Theme, corpus: _Corpus) -> _ThemeView:
    ids = dict.fromkeys(m.segment_id for m in theme.members)
    speakers = corpus.speakers(ids)
    most = max(speakers.values(), default=0)
    return _ThemeView(
        number=number,
        theme=theme,
        quotes=_quotes(theme, corpus),
        mapped=tuple(_mapped(m.code, m.rationale, corpus) for m in theme.mapping.codes),
        segments=Share(len(ids), len(corpus.segments)),
        participants=Share(len(speakers), len(corpus.people)),
        speakers=tuple(_Speaker(p, speakers[p], _level(speakers[p], most)) for p in corpus.people),
        belongs={kind.value: sum(m.belongs is kind for m in theme.members) for kind in Belongs},
        members=_members(theme, corpus),
    )


def _quotes(theme: Theme, corpus: _Corpus) -> tuple[_Passage, ...]:
    """Segments that hold the words a model chose; the most central ones where there are fewer than two."""
    words: dict[str, list[Span]] = {}
    for quote in theme.quotes:
        words.setdefault(quote.segment_id, []).append(Span(quote.start, quote.end))
    chosen = [_passage(corpus.segments[i], spans) for i, spans in words.items()][:QUOTES]
    if len(chosen) >= 2:
        return tuple(chosen)
    central = [i for i in theme.exemplars if i not in words][: EXEMPLARS - len(chosen)]
    return (*chosen, *(_passage(corpus.segments[i], notes=("chosen by centrality",)) for i in central))


def _mapped(code_id: str, rationale: str, corpus: _Corpus) -> _MappedCode:
    if code_id not in corpus.codes:
        return _MappedCode(code_id, "not in the framework", "", rationale)
    code = corpus.codes[code_id]
    return _MappedCode(code.name, code.kind, corpus.anchor(code_id) if code.assignable else "", rationale)


def _members(theme: Theme, corpus: _Corpus) -> _Listed[_Passage]:
    notes = [(m.segment_id, (m.belongs.value, f"strength {m.strength:.2f}")) for m in theme.members]
    shown = tuple(_passage(corpus.segments[i], notes=said) for i, said in notes[:CAP])
    return _Listed(shown, len(notes))


def _level(count: int, most: int) -> int:
    return ceil(HEAT * count / most) if most else 0


def _widest(themes: Sequence[_ThemeView]) -> _ThemeView | None:
    """The theme that most participants speak in, unless several do."""
    most = max((t.participants.count for t in themes), default=0)
    widest = [t for t in themes if t.participants.count == most]
    return widest[0] if len(widest) == 1 and len(themes) > 1 else None


def _themed(findings: Findings) -> set[str]:
    return {m.segment_id for theme in findings.themes for m in theme.members}


# Codes


def _tables(framework: Framework, corpus: _Corpus) -> tuple[_CodeTable, ...]:
    """Determinants enable or constrain, all other codes are experienced or absent: two tables."""
    by_code: dict[str, list[Coding]] = {code.id: [] for code in framework.assignable}
    for coding in corpus.codings:
        by_code[coding.code].append(coding)
    views = [_code(corpus.codes[code], codings, corpus) for code, codings in by_code.items()]
    kinds = dict.fromkeys(v.code.kind for v in views if v.code.kind != "determinant")
    tables = (
        _CodeTable(
            f"Codes that are experienced or absent ({', '.join(kinds)})",
            ("experienced", "absent", "mixed", "not judged"),
            tuple(v for v in views if v.code.kind != "determinant"),
        ),
        _CodeTable(
            "Determinants, which enable or constrain",
            ("enables", "constrains", "mixed", "not judged"),
            tuple(v for v in views if v.code.kind == "determinant"),
        ),
    )
    return tuple(table for table in tables if table.codes)


def _code(code: Code, codings: Sequence[Coding], corpus: _Corpus) -> _CodeView:
    assigned = _of(codings, Outcome.ASSIGNED)
    assigned.sort(key=lambda c: -1 if c.confidence is None else c.confidence, reverse=True)
    abstained = _of(codings, Outcome.ABSTAINED)
    polarity = Counter(c.polarity for c in assigned)
    return _CodeView(
        code=code,
        kind=f"{code.kind} of {corpus.codes[code.parent].name}" if code.parent else code.kind,
        anchor=corpus.anchor(code.id),
        outcomes={outcome: len(_of(codings, outcome)) for outcome in Outcome},
        polarities=tuple(polarity[p] for p in (*Polarity, None)),
        segments=Share(len(assigned), len(codings)),
        participants=Share(len(corpus.speakers(c.segment_id for c in assigned)), len(corpus.people)),
        assigned=_Listed(tuple(_coded(c, code, corpus) for c in assigned[:CAP]), len(assigned)),
        abstained=_Listed(tuple(_coded(c, code, corpus) for c in abstained[:CAP]), len(abstained)),
    )


def _of(codings: Iterable[Coding], outcome: Outcome) -> list[Coding]:
    return [c for c in codings if c.outcome is outcome]


def _coded(coding: Coding, code: Code, corpus: _Corpus) -> _Passage:
    sure = "confidence not recorded" if coding.confidence is None else f"confidence {coding.confidence:.2f}"
    notes: tuple[str, ...] = (sure,)
    if coding.outcome is Outcome.ASSIGNED:
        notes = (_polarity(coding.polarity, code), sure)
    spans = [Span(e.start, e.end) for e in coding.evidence]
    rationale = coding.rationale or "rationale not recorded"
    return _passage(corpus.segments[coding.segment_id], spans, notes, rationale)


def _polarity(polarity: Polarity | None, code: Code) -> str:
    if polarity is None:
        return "polarity not judged"
    effects = {Polarity.EXPERIENCED: "enables", Polarity.ABSENT: "constrains"}
    return effects.get(polarity, polarity.value) if code.kind == "determinant" else polarity.value


# What was left out, and what failed


def _left_out(findings: Findings, corpus: _Corpus) -> _LeftOut:
    bare = [i for i, codings in corpus.judged.items() if not _of(codings, Outcome.ASSIGNED)]
    unsettled = [i for i in bare if any(c.outcome is not Outcome.NOT_ASSIGNED for c in corpus.judged[i])]
    return _LeftOut(
        outliers=_listed(findings.outliers, corpus),
        too_short=_listed(findings.too_short, corpus),
        uncoded=_listed([i for i in corpus.segments if i in set(bare)], corpus),
        unsettled=len(unsettled),
        segments=len(corpus.segments),
    )


def _failed(corpus: _Corpus) -> _Listed[_Passage]:
    """Segments with a failed judgement, and which codes it was about."""
    found = {i: _of(codings, Outcome.FAILED) for i, codings in corpus.judged.items()}
    hit = [i for i in corpus.segments if found.get(i)]
    return _Listed(tuple(_failure(corpus.segments[i], found[i], corpus) for i in hit[:CAP]), len(hit))


def _failure(segment: Segment, codings: Sequence[Coding], corpus: _Corpus) -> _Passage:
    names = ", ".join(corpus.codes[c.code].name for c in codings)
    reasons = dict.fromkeys(c.rationale or "reason not recorded" for c in codings)
    return _passage(segment, notes=(f"no outcome for {names}",), rationale="; ".join(reasons))


def _failures(findings: Findings, corpus: _Corpus) -> Iterable[str]:
    """What went wrong, one sentence each."""
    if findings.run.status != "complete":
        yield f"The run is {findings.run.status}, not complete: parts may be missing."
    yield from _unjudged(findings, corpus)
    if unnamed := findings.losses.themes_unnamed:
        share = Share(unnamed, len(findings.themes))
        yield f"Themes that the model could not name, called by participants' own words: {share}."
    unmapped = sum(not (t.mapping.codes or t.mapping.outside) for t in findings.themes)
    if unmapped and findings.language_model:
        yield f"Themes that were not mapped onto the framework: {Share(unmapped, len(findings.themes))}."
    lost = len(set(corpus.segments) - _themed(findings) - set(findings.outliers) - set(findings.too_short))
    if lost:
        yield f"Segments neither in a theme nor among the unthemed: {Share(lost, len(corpus.segments))}."


def _unjudged(findings: Findings, corpus: _Corpus) -> Iterable[str]:
    judgements = list(corpus.codings)
    pairs = len(corpus.segments) * len(findings.framework.assignable)
    failed = _of(judgements, Outcome.FAILED)
    if failed:
        where = _counted(len({c.segment_id for c in failed}), "segment")
        yield f"Judgements of segment and code that failed: {Share(len(failed), pairs)}, in {where}."
    missing = pairs - len({(c.segment_id, c.code) for c in judgements})
    if missing:
        yield f"Pairs of segment and code without a recorded outcome: {Share(missing, pairs)}."
    if corpus.stray:
        yield f"Codings of a segment or a code that this run does not have, not shown: {corpus.stray:,}."


# People and papers


def _persons(
    findings: Findings, corpus: _Corpus, themes: Sequence[_ThemeView], attributes: Sequence[str]
) -> tuple[_Person, ...]:
    spoken = corpus.speakers(corpus.segments)
    within = Counter(s.name for t in themes for s in t.speakers if s.count)
    names = sorted({*corpus.people, *findings.participants}, key=_natural)
    known = findings.participants
    return tuple(
        _Person(
            name, spoken[name], within[name], tuple(known.get(name, {}).get(a) or "not recorded" for a in attributes)
        )
        for name in names
    )


def _passage(
    segment: Segment, spans: Iterable[Span] = (), notes: tuple[str, ...] = (), rationale: str = ""
) -> _Passage:
    return _Passage(segment, _pieces(segment.text, spans), notes, rationale)


def _pieces(text: str, spans: Iterable[Span]) -> tuple[_Piece, ...]:
    """A text cut where marks begin and end; overlapping spans are marked once."""
    pieces, at = [], 0
    for span in sorted(spans, key=lambda s: (s.start, s.end)):
        start = max(span.start, at)
        if span.end > start:
            pieces += [_Piece(text[at:start], False), _Piece(text[start : span.end], True)]
            at = span.end
    pieces.append(_Piece(text[at:], False))
    return tuple(piece for piece in pieces if piece.text)


def _listed(ids: Sequence[str], corpus: _Corpus) -> _Listed[_Passage]:
    return _Listed(tuple(_passage(corpus.segments[i]) for i in ids[:CAP]), len(ids))


# Words for values


def _natural(name: str) -> list[tuple[int, str]]:
    """P2 before P10."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in _DIGITS.split(name)]


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    """Nested settings as dotted names and plain words."""
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", _plain(value)


def _plain(value: object) -> str:
    if value is None or value == "":
        return "not recorded"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Sequence | Mapping) and not isinstance(value, str):
        return ", ".join(map(str, value)) or "none"
    return str(value)


def _is_seed(key: str) -> bool:
    return "seed" in key.rpartition(".")[2]


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _number(value: float | None) -> str:
    return "not recorded" if value is None else f"{value:,}"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "not recorded"
    if seconds < 120:
        return f"{seconds:.1f} seconds" if seconds < 10 else f"{seconds:.0f} seconds"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours:,} h {minutes} min" if hours else f"{minutes} minutes"


def _moment(stamp: str | None) -> str:
    moment = _instant(stamp)
    if moment is None:
        return stamp or "not recorded"
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"


def _instant(stamp: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(stamp or "")
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _between(start: str, end: str | None) -> float | None:
    began, ended = _instant(start), _instant(end)
    return (ended - began).total_seconds() if began and ended else None
