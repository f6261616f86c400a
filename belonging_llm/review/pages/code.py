"""Blind coding, one segment at a time. Nothing here reads what a model or anybody else said."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TypeVar
from uuid import uuid4

from pydantic import BaseModel, ValidationError
from starlette.responses import Response

from belonging_llm.codebook import Framework
from belonging_llm.codes import EvidenceSpan, Polarity
from belonging_llm.errors import InputError
from belonging_llm.review import forms
from belonging_llm.review.code_tree import rows
from belonging_llm.review.keys import TAKEN
from belonging_llm.review.marks import marks_now
from belonging_llm.review.page import CODERS, Page
from belonging_llm.review.reading import around
from belonging_llm.review.visit import Visit
from belonging_llm.store import Certainty, Draft, JudgementKind, JudgementRecord, Mark, Said, State
from belonging_llm.store.reviewing import QueueItem

_Kind = TypeVar("_Kind", bound=BaseModel)

LONGEST_MEMO = 10_000
LONGEST_STAY = 4 * 3600.0


def resume(visit: Visit) -> Response:
    """Go on where one left off."""
    queues, me = visit.store.queues, visit.reviewer.name
    last = queues.last_touched(me)
    following = last if last and last.state is State.DRAFT else queues.after(me, last.place if last else -1)
    if following is None:
        return visit.redirect(visit.rendering.url("queue"))
    return visit.redirect(visit.rendering.url("code-segment", segment=following.segment_id))


def show(visit: Visit) -> Response:
    """One segment, its surroundings, the codebook, and what this coder has chosen so far."""
    item = mine(visit)
    framework = visit.study.framework()
    head = visit.store.judgements.head(item.segment_id, visit.reviewer.coder)
    chosen = _chosen(item, head)
    # Codes that were merged since are shown as what they count as, and submitted as that.
    chosen = chosen.model_copy(update={"marks": marks_now(chosen.marks, framework.absorbed)})
    before, after = visit.store.queues.beside(visit.reviewer.name, item.place)
    visit.saw([(item.transcript_id, item.segment_id)])
    return visit.render(
        "code.html.j2",
        item=item,
        codebook=framework.digest,
        around=around(visit.store, visit.store.corpus.segment(item.segment_id)),
        rows=rows(framework, letters_of(visit)),
        chosen=chosen,
        marks={mark.code: mark for mark in chosen.marks},
        spans={mark.code: [(s.start, s.end) for s in mark.spans] for mark in chosen.marks if mark.spans},
        head=head,
        open=_open(visit, item),
        key=uuid4().hex,
        keys=visit.reviewer.preferences.get("keys", "on"),
        taken=TAKEN,
        progress=visit.store.queues.progress(visit.reviewer.name),
        before=before,
        after=after,
        longest_memo=LONGEST_MEMO,
    )


def submit(visit: Visit) -> Response:
    """Keep what was said, and go on to the next segment."""
    item = mine(visit)
    if not _open(visit, item):
        raise InputError(
            "only your last ten segments and flagged ones can be coded again; this one stands as it was submitted"
        )
    skipped = visit.field("action") == "skip"
    visit.store.judgements.submit(_said(visit, item, skipped=skipped))
    following = visit.store.queues.after(visit.reviewer.name, item.place)
    if following is None:
        return visit.redirect(visit.rendering.url("queue"))
    return visit.redirect(visit.rendering.url("code-segment", segment=following.segment_id))


def keep_draft(visit: Visit) -> Response:
    """Keep what is chosen so far, quietly."""
    item = mine(visit)
    chosen = _content(visit, visit.study.framework())
    draft = _valid(Draft, seconds=forms.seconds(visit, LONGEST_STAY), **chosen)
    kept = visit.store.queues.keep_draft(
        visit.reviewer.name, item.segment_id, draft, flagged=visit.field("flagged") == "on", key=visit.field("key")
    )
    return Response(status_code=204 if kept else 409)


def mine(visit: Visit) -> QueueItem:
    """The segment that the address names, as it stands in this coder's queue; nobody else's can be asked for."""
    item = visit.store.queues.item(visit.reviewer.name, visit.part("segment"))
    if item is None:
        raise visit.missing("this segment", "your queue")
    return item


def letters_of(visit: Visit) -> dict[str, str]:
    """Letters that this coder chose, by code."""
    chosen = visit.reviewer.preferences
    return {name.removeprefix("letter "): value for name, value in chosen.items() if name.startswith("letter ")}


def _open(visit: Visit, item: QueueItem) -> bool:
    """Whether it may be submitted (again)."""
    if item.state in (State.PENDING, State.DRAFT, State.SKIPPED) or item.flagged:
        return True
    return item.segment_id in visit.store.judgements.open_to_change(visit.reviewer.name)


def _chosen(item: QueueItem, head: JudgementRecord | None) -> Draft:
    """What the page begins with: the draft, else what was submitted, else nothing."""
    if item.draft is not None:
        return item.draft
    if head is None or item.state is State.PENDING:
        return Draft()
    return Draft(marks=head.marks, memo=head.memo, certainty=head.certainty, none_fits=head.none_fits)


def _said(visit: Visit, item: QueueItem, *, skipped: bool) -> Said:
    framework = visit.study.framework()
    content = _content(visit, framework)
    if skipped:
        content |= {"marks": (), "none_fits": False, "skipped": True}
    return _valid(
        Said,
        key=visit.field("key"),
        kind=JudgementKind.BLIND,
        segment_id=item.segment_id,
        reviewer=visit.reviewer.name,
        coder=visit.reviewer.coder,
        flagged=visit.field("flagged") == "on",
        seconds=forms.seconds(visit, LONGEST_STAY),
        codebook_digest=forms.codebook_shown(visit),
        supersedes=forms.followed(visit),
        **content,
    )


def _content(visit: Visit, framework: Framework) -> dict[str, Any]:
    certainty = visit.field("certainty")
    return {
        "marks": _marks(visit, framework),
        "memo": visit.field("memo").replace("\r\n", "\n")[:LONGEST_MEMO].strip(),
        "certainty": Certainty(certainty) if certainty in set(Certainty) else None,
        "none_fits": visit.field("none_fits") == "on",
    }


def _marks(visit: Visit, framework: Framework) -> tuple[Mark, ...]:
    known = {code.id for code in framework.assignable}
    spans = _spans(visit.field("spans") or "{}")
    marks = []
    for code in dict.fromkeys(visit.all_fields("code")):
        if code not in known:
            raise InputError(f"{code}: this code is not (or no longer) in the codebook; load the segment again")
        polarity = visit.field(f"polarity {code}")
        marks.append(
            _valid(
                Mark,
                code=code,
                polarity=Polarity(polarity) if polarity in set(Polarity) else None,
                spans=tuple(_valid(EvidenceSpan, start=one[0], end=one[1]) for one in spans.get(code, ())),
            )
        )
    return tuple(marks)


def _spans(given: str) -> dict[str, Sequence[Sequence[int]]]:
    """Stretches by code, `{"code": [[start, end], …]}`, as the page's script counts them: in code points."""
    try:
        parsed = json.loads(given)
        return {str(code): [(int(start), int(end)) for start, end in several] for code, several in parsed.items()}
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise InputError("the marked stretches cannot be read; load the segment again") from error


def _valid(kind: type[_Kind], /, **fields: Any) -> _Kind:
    """A record, or the reason why it cannot be one without what was typed."""
    try:
        return kind(**fields)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        raise InputError(problem["msg"].removeprefix("Value error, ")) from error


PAGES = (
    Page("code", "/code", resume, CODERS, menu="Coding"),
    Page("code-segment", "/code/{segment}", show, CODERS, examples=("/code/{segment}",)),
    Page(
        "submit",
        "/code/{segment}",
        submit,
        CODERS,
        method="POST",
        examples=("/code/{segment}",),
        form={"key": "0123456789abcdef", "code": "{code}", "supersedes": "0", "memo": "a memo"},
    ),
    Page(
        "keep-draft",
        "/code/{segment}/draft",
        keep_draft,
        CODERS,
        method="POST",
        examples=("/code/{segment}/draft",),
        form={"key": "a form that nobody sends", "code": "{code}"},
    ),
)
