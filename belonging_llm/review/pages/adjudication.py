"""Adjudication: what people disagree about, side by side, and what is decided on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from uuid import uuid4

from starlette.responses import Response

from belonging_llm.codebook import Code
from belonging_llm.codes import EvidenceSpan, Polarity
from belonging_llm.deliberation import About, Docket, Opinion, Standing, Word, together
from belonging_llm.deliberation.deciding import decide, take_over
from belonging_llm.errors import InputError
from belonging_llm.inspection import Room
from belonging_llm.review.page import ADJUDICATORS, Page
from belonging_llm.review.room import pieces, room, shown
from belonging_llm.review.visit import Visit
from belonging_llm.segments import Span
from belonging_llm.store import JudgementKind, JudgementRecord, Mark

LISTED = 50
AT_ONCE = 500
REASONS_KEPT = 30
WAITING = (Standing.OPEN, Standing.REOPENED)
IN_WORDS = {
    Standing.OPEN: "to settle",
    Standing.REOPENED: "settled, and changed by a coder since",
    Standing.AGREED: "agreed",
    Standing.SETTLED: "settled",
    Standing.ONCE: "coded by one person",
}
ABOUT_IN_WORDS = {About.CODE: "whether it applies", About.POLARITY: "polarity", About.SPAN: "where in the text"}


@dataclass(frozen=True)
class Filter:
    """What of the docket is wanted."""

    standing: Standing | None
    code: str
    about: About | None

    @property
    def standings(self) -> tuple[Standing, ...]:
        """What is listed; what waits where nothing else is asked for."""
        return (self.standing,) if self.standing else WAITING

    @property
    def query(self) -> dict[str, str]:
        """The same behind the question mark."""
        given = {"standing": self.standing or "", "code": self.code, "about": self.about or ""}
        return {name: str(value) for name, value in given.items() if value}


@dataclass(frozen=True)
class Choice:
    """One way to settle a code's evidence: `spans` as the form sends them, `words` as they stand in the text."""

    label: str
    spans: str
    words: str


@dataclass(frozen=True)
class Row:
    """A code that somebody gave, or that was decided.

    Attributes:
        said: What each coder said of it, by name.
        chosen: The decision that is filled in; empty where it has to be made.
        evidence: Whose words may be taken; `evidence_chosen` is filled in.
    """

    code: str
    name: str
    definition: str
    about: tuple[str, ...]
    said: tuple[tuple[str, Opinion], ...]
    chosen: str
    evidence: tuple[Choice, ...]
    evidence_chosen: str


def overview(visit: Visit) -> Response:
    """How far it is, and what waits."""
    here, wanted = room(visit), _filter(visit)
    found = list(islice(_those(here, wanted, visit.asked("after")), LISTED + 1))
    segments = visit.store.outcomes.segments(found[:LISTED])
    visit.saw((one.transcript_id, one.id) for one in segments.values())
    rows = [(segments[i], here.docket.standing(i), _contested(here.docket, i)) for i in found[:LISTED] if i in segments]
    return visit.render(
        "adjudication.html.j2",
        progress=here.docket.progress(),
        words=IN_WORDS,
        abouts=ABOUT_IN_WORDS,
        wanted=wanted,
        names=_names(here),
        rows=rows,
        next=found[LISTED - 1] if len(found) > LISTED else "",
        first=next(_open_to(here, visit, wanted), ""),
        agreed=_takeable(here, visit),
        taken=visit.asked("taken"),
        settled=visit.asked("settled"),
    )


def one(visit: Visit) -> Response:
    """A segment with everybody's word on it, and the form to decide it."""
    here, wanted, segment_id = room(visit), _filter(visit), visit.asked("segment")
    seen = shown(visit, segment_id)
    words, ruling = here.people.raw(segment_id), here.people.ruling(segment_id)
    records = visit.store.judgements.of(segment_id)
    head = visit.store.judgements.head(segment_id, here.people.adjudicator)
    return visit.render(
        "adjudicate.html.j2",
        seen=seen,
        words=words,
        standing=here.docket.standing(segment_id),
        in_words=IN_WORDS,
        rows=_rows(here, seen.segment.text, words, ruling, segment_id),
        others=[code for code in _codebook(here) if not any(code.id in w.marks for w in words)],
        marked={word.coder: pieces(seen.segment.text, _spans(word)) for word in words},
        memos=_memos(records),
        decisions=[r for r in records if r.kind is JudgementKind.ADJUDICATION],
        head=head.id if head else 0,
        from_file=ruling is not None and head is None,
        own=_own(here, visit, words),
        key=uuid4().hex,
        wanted=wanted,
        progress=here.docket.progress(),
        skip=next(_open_to(here, visit, wanted, segment_id), ""),
        reasons=_reasons(visit),
        polarities=list(Polarity),
        value=_value,
        written=_written,
    )


def keep(visit: Visit) -> Response:
    """Keep a decision, and go on to the next segment that waits."""
    here, wanted, segment_id = room(visit), _filter(visit), visit.field("segment")
    if here.docket.standing(segment_id) is None:
        raise visit.missing("this segment")
    seconds = visit.field("seconds")
    decide(
        visit.study,
        here.people,
        segment_id,
        _marks(visit),
        reviewer=visit.reviewer.name,
        coder=visit.reviewer.coder,
        reason=visit.field("reason"),
        key=visit.field("key"),
        supersedes=int(visit.field("supersedes") or 0),
        seconds=float(seconds) if seconds.isdigit() else 0.0,
    )
    here.refresh()
    following = next(_open_to(here, visit, wanted, segment_id), "") or next(_open_to(here, visit, wanted), "")
    if following:
        return visit.redirect(visit.rendering.url("adjudicate"), segment=following, **wanted.query)
    return visit.redirect(visit.rendering.url("adjudication"), settled="yes", **wanted.query)


def agreed(visit: Visit) -> Response:
    """Take over segments on which everybody agrees, so that the settled record is whole."""
    here = room(visit)
    ready = list(islice(here.docket.those((Standing.AGREED,)), AT_ONCE))
    made = take_over(visit.study, here.people, ready, reviewer=visit.reviewer.name, coder=visit.reviewer.coder)
    return visit.redirect(visit.rendering.url("adjudication"), taken=str(len(made)))


def _filter(visit: Visit) -> Filter:
    asked = visit.asked if visit.request.method == "GET" else visit.field
    standing, about = asked("standing"), asked("about")
    return Filter(
        Standing(standing) if standing in set(Standing) else None,
        asked("code"),
        About(about) if about in set(About) else None,
    )


def _those(here: Room, wanted: Filter, after: str = "") -> Iterator[str]:
    return here.docket.those(wanted.standings, code=wanted.code, about=wanted.about, after=after)


def _open_to(here: Room, visit: Visit, wanted: Filter, after: str = "") -> Iterator[str]:
    """Segments that wait and that this adjudicator may settle."""
    waiting = here.docket.those(WAITING, code=wanted.code, about=wanted.about, after=after)
    return (segment for segment in waiting if not _own(here, visit, here.people.raw(segment)))


def _own(here: Room, visit: Visit, words: Sequence[Word]) -> bool:
    mine = visit.reviewer.coder in {word.coder for word in words}
    return mine and not visit.study.settings.review.adjudicate_own


def _takeable(here: Room, visit: Visit) -> int:
    ready = here.docket.those((Standing.AGREED,))
    return sum(not _own(here, visit, here.people.raw(segment)) for segment in ready)


def _codebook(here: Room) -> Sequence[Code]:
    return here.study.framework().assignable


def _names(here: Room) -> dict[str, str]:
    return {code.id: code.name for code in _codebook(here)}


def _contested(docket: Docket, segment_id: str) -> list[tuple[str, str]]:
    return [(c.code, ", ".join(ABOUT_IN_WORDS[a] for a in c.about)) for c in docket.contested(segment_id)]


def _rows(here: Room, text: str, words: Sequence[Word], ruling: Word | None, segment_id: str) -> list[Row]:
    """Codes that somebody spoke of, the contested ones first, in the codebook's order."""
    about = {c.code: c.about for c in here.docket.contested(segment_id)}
    spoken = {code for word in words for code in word.marks} | set(ruling.marks if ruling else ())
    codes = [code for code in _codebook(here) if code.id in spoken]
    common = together(words)
    return [
        Row(
            code=code.id,
            name=code.name,
            definition=code.definition,
            about=tuple(ABOUT_IN_WORDS[one] for one in about.get(code.id, ())),
            said=tuple((word.coder, word.on(code.id)) for word in words),
            chosen=_chosen(code.id, ruling, common, contested=code.id in about),
            evidence=(choices := _evidence(code.id, text, words, ruling)),
            evidence_chosen=_evidence_chosen(code.id, choices, ruling, common.get(code.id)),
        )
        for code in sorted(codes, key=lambda code: code.id not in about)
    ]


def _chosen(code: str, ruling: Word | None, common: dict[str, Opinion], *, contested: bool) -> str:
    """What is filled in: the ruling as it stands, else what nobody contests."""
    if ruling is not None:
        return _value(ruling.on(code))
    return "" if contested else _value(common[code]) if code in common else "no"


def _value(said: Opinion) -> str:
    return f"yes {said.polarity or ''}".strip() if said.assigned else "no"


def _evidence(code: str, text: str, words: Sequence[Word], ruling: Word | None) -> tuple[Choice, ...]:
    """Whose words may be taken: what all marked, then each coder's own, the decision's that stands, or none."""
    common = together([word for word in words if word.on(code).assigned]).get(code)
    found = [("what all of them marked", common.spans)] if common and len(words) > 1 else []
    found += [(f"what {word.coder} marked", word.on(code).spans) for word in words if word.on(code).spans]
    found += [("what was decided before", ruling.on(code).spans)] if ruling and ruling.on(code).spans else []
    unique = {_written(spans): Choice(label, _written(spans), _quote(text, spans)) for label, spans in reversed(found)}
    made = [choice for choice in reversed(unique.values()) if choice.spans]
    return (*made, Choice("the segment as a whole", "", ""))


def _evidence_chosen(code: str, choices: Sequence[Choice], ruling: Word | None, common: Opinion | None) -> str:
    wanted = ruling.on(code) if ruling is not None else common
    if wanted is not None and wanted.assigned:
        return _written(wanted.spans)
    return choices[0].spans


def _written(spans: Sequence[Span]) -> str:
    return " ".join(f"{span.start}-{span.end}" for span in spans)


def _quote(text: str, spans: Sequence[Span]) -> str:
    return " … ".join(text[span.start : span.end] for span in spans)


def _spans(word: Word) -> list[Span]:
    return [span for said in word.marks.values() if said.assigned for span in said.spans]


def _memos(records: Sequence[JudgementRecord]) -> dict[str, JudgementRecord]:
    """Each coder's last blind record, for memo and certainty."""
    return {r.coder: r for r in records if r.kind is JudgementKind.BLIND}


def _reasons(visit: Visit) -> list[str]:
    """Reasons that this adjudicator gave before, the last first, each once."""
    last = visit.store.judgements.last(visit.reviewer.name, REASONS_KEPT, JudgementKind.ADJUDICATION)
    return list(dict.fromkeys(record.memo for record in last if not record.details.get("agreed")))[:8]


def _marks(visit: Visit) -> list[Mark]:
    """What the form says: for each code in question a decision; and codes that were added.

    Raises:
        InputError: a code is left undecided.
    """
    made = []
    for code in dict.fromkeys(visit.all_fields("judged")):
        decided = visit.field(f"decision {code}")
        if not decided:
            raise InputError(f"{code}: decide whether it applies; nothing was kept")
        applies, _, polarity = decided.partition(" ")
        if applies == "yes":
            made.append(Mark(code=code, polarity=_polarity(polarity), spans=_read(visit.field(f"spans {code}"))))
    added = visit.field("added")
    if added and added not in {mark.code for mark in made}:
        made.append(Mark(code=added, polarity=_polarity(visit.field("added polarity"))))
    return made


def _polarity(name: str) -> Polarity | None:
    return Polarity(name) if name in set(Polarity) else None


def _read(written: str) -> tuple[EvidenceSpan, ...]:
    try:
        ends = [one.split("-") for one in written.split()]
        return tuple(EvidenceSpan(start=int(start), end=int(end)) for start, end in ends)
    except ValueError as error:
        raise InputError(f"{written!r} are no places in a text") from error


PAGES = (
    Page("adjudication", "/adjudication", overview, ADJUDICATORS, menu="Adjudication"),
    Page(
        "adjudicate",
        "/adjudication/segment",
        one,
        ADJUDICATORS,
        examples=("/adjudication/segment?segment={segment}", "/adjudication/segment?segment={contested}"),
    ),
    Page(
        "adjudicate-keep",
        "/adjudication/keep",
        keep,
        ADJUDICATORS,
        method="POST",
        form={
            "segment": "{contested}",
            "judged": "{code}",
            "decision {code}": "yes experienced",
            "reason": "as it stands",
            "key": "adjudicated-once",
            "supersedes": "0",
        },
    ),
    Page("take-over", "/adjudication/agreed", agreed, ADJUDICATORS, method="POST"),
)
