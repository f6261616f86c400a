"""One outcome of a run: evidence, reasons, what was asked and answered, what people say; and a verdict on it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from uuid import uuid4

from starlette.responses import Response

from belonging_llm.codes import Coding, Outcome, Polarity
from belonging_llm.inspection import KINDS, SAW_MODEL, VERDICTS, Reviewed, Room, Verdict, behind, say
from belonging_llm.review import forms
from belonging_llm.review.page import ADJUDICATORS, Page
from belonging_llm.review.pages.audit.listing import chosen_run, code_names, found_in
from belonging_llm.review.room import pieces, room, shown
from belonging_llm.review.searching import BESIDE_IN_WORDS, OUTCOME_IN_WORDS, VERDICT_IN_WORDS, kept
from belonging_llm.review.visit import Visit
from belonging_llm.segments import Span
from belonging_llm.store import JudgementKind, JudgementRecord

SEALED = (
    "This segment belongs to the sealed test split (or may come to): it is not shown beside the model's word before "
    "the split is opened with `belonging evaluate --split test`"
)


def show(visit: Visit) -> Response:
    """The pair that is asked for."""
    here = room(visit)
    given = dict(visit.request.query_params)
    reviewed, coding = _coding(visit, here, given)
    seen = shown(visit, coding.segment_id)
    place = reviewed.beside.matrix.row[coding.segment_id], reviewed.beside.matrix.column[coding.code]
    records = visit.store.judgements.of(coding.segment_id)
    own = visit.store.judgements.head(coding.segment_id, visit.reviewer.coder + SAW_MODEL)
    return visit.render(
        "pair.html.j2",
        run=reviewed.run,
        coding=coding,
        seen=seen,
        highlighted=pieces(seen.segment.text, [Span(s.start, s.end) for s in coding.evidence]),
        names=code_names(here),
        beside=KINDS[reviewed.beside.kind[place]],
        people=reviewed.beside.settled(coding.segment_id, coding.code),
        decision=here.people.decision(coding.segment_id),
        words=here.people.raw(coding.segment_id),
        memos={r.coder: r.memo for r in records if r.kind is JudgementKind.BLIND and r.memo},
        behind=behind(visit.study, reviewed.run, coding, seen.segment.text),
        pretty=_pretty,
        others=[c for c in _codings(visit, reviewed, coding.segment_id) if c.code != coding.code],
        verdicts_so_far=_verdicts(records, reviewed, coding.code),
        head=own.id if own else 0,
        key=uuid4().hex,
        query=kept(given),
        following=_following(visit, here, reviewed, given),
        besides=BESIDE_IN_WORDS,
        outcomes=OUTCOME_IN_WORDS,
        verdict_words=VERDICT_IN_WORDS,
        polarities=list(Polarity),
    )


def keep(visit: Visit) -> Response:
    """Keep a verdict, and go on to the next pair of the same search."""
    here = room(visit)
    given = {name: visit.field(name) for name in visit.fields}
    reviewed, coding = _coding(visit, here, given)
    following = _following(visit, here, reviewed, given)
    verdict = visit.field("verdict")
    outcome, polarity = visit.field("right outcome"), visit.field("right polarity")
    say(
        visit.study,
        reviewed.run.id,
        coding,
        Verdict(verdict) if verdict in set(VERDICTS) else Verdict.ACCEPT,
        reviewer=visit.reviewer.name,
        coder=visit.reviewer.coder,
        reason=visit.field("reason"),
        key=visit.field("key"),
        supersedes=forms.followed(visit),
        outcome=Outcome(outcome) if outcome in set(Outcome) else None,
        polarity=Polarity(polarity) if polarity in set(Polarity) else None,
    )
    if following is None:
        return visit.redirect(visit.rendering.url("audit"), **kept(given))
    segment, code = following
    return visit.redirect(
        visit.rendering.url("audit-pair"),
        **kept(given) | {"run": reviewed.run.id, "segment": segment, "pair_code": code},
    )


def _coding(visit: Visit, here: Room, given: Mapping[str, str]) -> tuple[Reviewed, Coding]:
    """The coding that is asked for, which must not be a sealed one."""
    run = chosen_run(visit, given.get("run", ""))
    segment, code = given.get("segment", ""), given.get("pair_code", "")
    if run is None:
        raise visit.missing("a finished run")
    reviewed = here.run(run.id)
    if segment not in reviewed.beside.matrix.row:
        raise visit.missing("this segment")
    if here.participant(segment) in here.seal().hidden:
        raise visit.missing(SEALED)
    found = next((c for c in _codings(visit, reviewed, segment) if c.code == code), None)
    if found is None or code not in reviewed.beside.matrix.column:
        raise visit.missing("an outcome for this code")
    return reviewed, found


def _codings(visit: Visit, reviewed: Reviewed, segment_id: str) -> list[Coding]:
    return visit.store.outcomes.codings(reviewed.run.id, [segment_id])


def _following(visit: Visit, here: Room, reviewed: Reviewed, given: Mapping[str, str]) -> tuple[str, str] | None:
    """The next pair of the search; None behind the last."""
    behind_this = {"after_segment": given.get("segment", ""), "after_code": given.get("pair_code", "")}
    attributes = visit.store.corpus.participants() if given.get("attribute") else {}
    found = found_in(here, reviewed, here.seal(), {**given, **behind_this}, 1, attributes)
    return found.pairs[0] if found.pairs else None


def _verdicts(records: list[JudgementRecord], reviewed: Reviewed, code: str) -> list[JudgementRecord]:
    """What was said of this pair as of this run or of one that it says again, the first first."""
    audits = [r for r in records if r.kind is JudgementKind.AUDIT and r.details.get("code") == code]
    return [r for r in audits if reviewed.layered.stands(r.details.get("run", ""), r.segment_id)]


def _pretty(reply: str) -> str:
    """A reply laid out where it is JSON; else as it came."""
    try:
        return json.dumps(json.loads(reply), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return reply


PAGES = (
    Page(
        "audit-pair",
        "/audit/pair",
        show,
        ADJUDICATORS,
        examples=("/audit/pair?run={run}&segment={segment}&pair_code={code}",),
    ),
    Page(
        "audit-keep",
        "/audit/keep",
        keep,
        ADJUDICATORS,
        method="POST",
        form={
            "run": "{run}",
            "segment": "{segment}",
            "pair_code": "{code}",
            "verdict": "reject",
            "reason": "it says something else",
            "key": "audited-once",
            "supersedes": "0",
        },
    ),
)
