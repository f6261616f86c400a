"""Adjudication: what people disagree about, side by side, and what is decided on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from uuid import uuid4

from starlette.responses import Response

from belonging_llm.codebook import Code
from belonging_llm.codes import Polarity
from belonging_llm.deliberation import About, Docket, Standing, Word
from belonging_llm.deliberation.anchoring import seen_beside_model
from belonging_llm.deliberation.deciding import decide, heard_of, take_over
from belonging_llm.inspection import Room
from belonging_llm.review import forms, rulings
from belonging_llm.review.page import ADJUDICATORS, Page
from belonging_llm.review.room import pieces, room, shown
from belonging_llm.review.visit import Visit
from belonging_llm.segments import Span
from belonging_llm.store import JudgementKind, JudgementRecord

LISTED = 50
AT_ONCE = 500
REASONS_KEPT = 30
LONGEST_STAY = 4 * 3600.0
WAITING = (Standing.OPEN, Standing.REOPENED)
IN_WORDS = {
    Standing.OPEN: "to settle",
    Standing.REOPENED: "settled, and changed by a coder since",
    Standing.AGREED: "agreed",
    Standing.SETTLED: "settled",
    Standing.ONCE: "coded by one person",
}


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
        abouts=rulings.ABOUT_IN_WORDS,
        wanted=wanted,
        names={code.id: code.name for code in _codebook(here)},
        rows=rows,
        next=found[LISTED - 1] if len(found) > LISTED else "",
        first=next(_open_to(here, visit, wanted), ""),
        agreed=_takeable(here, visit),
        anchored=here.people.anchored(list(here.people.segments)).decisions,
        taken=visit.asked("taken"),
        settled=visit.asked("settled"),
    )


def one(visit: Visit) -> Response:
    """A segment with everybody's word on it, and the form to decide it."""
    here, wanted, segment_id = room(visit), _filter(visit), visit.asked("segment")
    seen = shown(visit, segment_id)
    words, ruling = here.people.raw(segment_id), here.people.decision(segment_id)
    records = visit.store.judgements.of(segment_id)
    head = visit.store.judgements.head(segment_id, here.people.adjudicator)
    return visit.render(
        "adjudicate.html.j2",
        seen=seen,
        words=words,
        standing=here.docket.standing(segment_id),
        in_words=IN_WORDS,
        rows=rulings.rows(_codebook(here), here.docket.contested(segment_id), seen.segment.text, words, ruling),
        others=[code for code in _codebook(here) if not any(code.id in w.marks for w in words)],
        marked={word.coder: pieces(seen.segment.text, _spans(word)) for word in words},
        memos=_memos(records),
        decisions=[r for r in records if r.kind is JudgementKind.ADJUDICATION],
        head=head.id if head else 0,
        heard=heard_of(words),
        codebook=visit.study.framework().digest,
        from_file=ruling is not None and head is None,
        uncounted=ruling is not None and ruling.saw_model,
        own=_own(here, visit, words),
        anchored=bool(seen_beside_model(visit.study, visit.reviewer.name, [segment_id])),
        key=uuid4().hex,
        wanted=wanted,
        progress=here.docket.progress(),
        skip=next(_open_to(here, visit, wanted, segment_id), ""),
        reasons=_reasons(visit),
        polarities=list(Polarity),
        value=rulings.value,
        written=rulings.written,
    )


def keep(visit: Visit) -> Response:
    """Keep a decision, and go on to the next segment that waits."""
    here, wanted, segment_id = room(visit), _filter(visit), visit.field("segment")
    if here.docket.standing(segment_id) is None:
        raise visit.missing("this segment")
    decide(
        visit.study,
        here.people,
        segment_id,
        rulings.marks(visit),
        reviewer=visit.reviewer.name,
        coder=visit.reviewer.coder,
        reason=visit.field("reason"),
        key=visit.field("key"),
        supersedes=forms.followed(visit),
        heard=visit.field("heard"),
        book=forms.codebook_shown(visit),
        seconds=forms.seconds(visit, LONGEST_STAY),
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
    return list(here.codes.values())


def _contested(docket: Docket, segment_id: str) -> list[tuple[str, str]]:
    return [(c.code, ", ".join(rulings.ABOUT_IN_WORDS[a] for a in c.about)) for c in docket.contested(segment_id)]


def _spans(word: Word) -> list[Span]:
    return [span for said in word.marks.values() if said.assigned for span in said.spans]


def _memos(records: Sequence[JudgementRecord]) -> dict[str, JudgementRecord]:
    """Each coder's last blind record, for memo and certainty."""
    return {r.coder: r for r in records if r.kind is JudgementKind.BLIND}


def _reasons(visit: Visit) -> list[str]:
    """Reasons that this adjudicator gave before, the last first, each once."""
    last = visit.store.judgements.last(visit.reviewer.name, REASONS_KEPT, JudgementKind.ADJUDICATION)
    return list(dict.fromkeys(record.memo for record in last if not record.details.get("agreed")))[:8]


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
