"""A coder's own queue: what waits, what is begun, what is done, what to come back to."""

from __future__ import annotations

from starlette.responses import Response

from belonging_llm.review.drawing import drawn_from
from belonging_llm.review.page import CODERS, Page
from belonging_llm.review.visit import Visit
from belonging_llm.store import State

SHOWN = 50
FLAGGED, LAST = "flagged", "last"
_KINDS = {
    State.PENDING.value: "Pending",
    State.DRAFT.value: "Drafts",
    State.SUBMITTED.value: "Submitted",
    State.SKIPPED.value: "Skipped",
    FLAGGED: "Flagged",
    LAST: "Last ten",
}


def show(visit: Visit) -> Response:
    """One kind of segments in the coder's order, a page at a time."""
    kind = visit.asked("kind", State.PENDING.value)
    kind = kind if kind in _KINDS else State.PENDING.value
    after = visit.number("after")
    queues, me = visit.store.queues, visit.reviewer.name
    last = visit.store.judgements.open_to_change(me)
    if kind == LAST:
        items = [item for one in last if (item := queues.item(me, one))]
    else:
        state = None if kind == FLAGGED else State(kind)
        items = queues.page(me, state, flagged=kind == FLAGGED, after=-1 if after is None else after, limit=SHOWN + 1)
    shown, queue = items[:SHOWN], queues.get(me)
    visit.saw((item.transcript_id, item.segment_id) for item in shown)
    return visit.render(
        "queue.html.j2",
        block="list" if visit.partial else "",
        items=shown,
        more=shown[-1].place if len(items) > SHOWN else None,
        kind=kind,
        kinds=_KINDS,
        progress=queues.progress(me),
        queue=queue,
        drawn_from=drawn_from(visit.study, queue) if queue else "",
        changeable=set(last),
    )


PAGES = (
    Page("queue", "/queue", show, CODERS, menu="Your queue", examples=tuple(f"/queue?kind={kind}" for kind in _KINDS)),
)
