"""What a run changed: what came in, themes, outcomes, and why they may differ."""

from __future__ import annotations

from itertools import islice

from starlette.responses import Response

from belonging_llm import changes
from belonging_llm.changes import Changes, OutcomeChange
from belonging_llm.inspection import Room
from belonging_llm.review.page import ADJUDICATORS, Page
from belonging_llm.review.pages.audit.listing import chosen_run, code_names
from belonging_llm.review.room import room
from belonging_llm.review.searching import OUTCOME_IN_WORDS
from belonging_llm.review.visit import Visit

SIZE = 50
NEW_SHOWN = 100
KEPT = 4
_DIGESTS = {"prompt", "codebook", "lessons", "segments"}


def show(visit: Visit) -> Response:
    """One run against the one before it, or against any other."""
    here, run = room(visit), chosen_run(visit, visit.asked("run"))
    if run is None:
        return visit.render("changes.html.j2", run=None)
    before = chosen_run(visit, visit.asked("before")) if visit.asked("before") else None
    found = _found(visit, run.id, before.id if before else "")
    hidden = here.seal().hidden
    seen = [c for c in found.outcomes if here.participants.get(c.segment_id, "") not in hidden]
    listed = _listed(visit, seen)
    segments = visit.store.outcomes.segments({c.segment_id for c in listed} | set(found.new[:NEW_SHOWN]))
    visit.saw((segments[c.segment_id].transcript_id, c.segment_id) for c in listed if c.segment_id in segments)
    return visit.render(
        "changes.html.j2",
        run=run,
        found=found,
        runs=[(one.id, one.label) for one in visit.store.outcomes.runs()],
        names=code_names(here),
        outcomes=OUTCOME_IN_WORDS,
        causes=changes.IN_WORDS,
        moves=sorted(changes.kinds(found.outcomes).items(), key=lambda item: (-item[1], item[0])),
        sealed=len(found.outcomes) - len(seen),
        listed=[(c, segments[c.segment_id]) for c in listed if c.segment_id in segments],
        why=_why(visit, found, listed),
        place=_place(visit, seen),
        total=len(_wanted(visit, seen)),
        wanted={"code": visit.asked("code"), "was": visit.asked("was"), "is": visit.asked("is")},
        new=_new(here, found),
        shown_new=NEW_SHOWN,
        short=_short,
    )


def _short(kind: str, value: str) -> str:
    """What a person can read: of digests the beginning."""
    return (value[:12] if kind in _DIGESTS else value) or "–"


def _found(visit: Visit, run_id: str, before: str) -> Changes:
    """The comparison, kept while the server runs: runs that ended differ in the same things tomorrow.

    A withdrawal changes what they hold, so it stands in what the comparison is kept under.
    """
    state, runs = visit.request.app.state, visit.store.runs
    held: dict[tuple[str, str, int], Changes] = state.changes if hasattr(state, "changes") else {}
    key = (run_id, before, room(visit).people.withdrawn)
    if key not in held:
        made = changes.changes(visit.study, runs.get(run_id), runs.get(before) if before else None)
        state.changes = held = {key: made, **dict(islice(held.items(), KEPT - 1))}
    return held[key]


def _wanted(visit: Visit, seen: list[OutcomeChange]) -> list[OutcomeChange]:
    code, was, now = visit.asked("code"), visit.asked("was"), visit.asked("is")
    return [
        c
        for c in seen
        if (not code or c.code == code) and (not was or c.before.outcome == was) and (not now or c.after.outcome == now)
    ]


def _place(visit: Visit, seen: list[OutcomeChange]) -> int:
    """How many come before this page; they are in order of segment and code."""
    after = (visit.asked("after_segment"), visit.asked("after_code"))
    return sum((c.segment_id, c.code) <= after for c in _wanted(visit, seen)) if after[0] else 0


def _listed(visit: Visit, seen: list[OutcomeChange]) -> list[OutcomeChange]:
    start = _place(visit, seen)
    return _wanted(visit, seen)[start : start + SIZE]


def _why(visit: Visit, found: Changes, listed: list[OutcomeChange]) -> dict[tuple[str, str], tuple[str, ...]]:
    """What the two codings of each listed pair rest on differently."""
    if found.before is None:
        return {}
    segments = {c.segment_id for c in listed}
    old, new = (
        {(c.segment_id, c.code): c for c in visit.store.outcomes.codings(run.id, segments)}
        for run in (found.before, found.after)
    )
    pairs = [(c.segment_id, c.code) for c in listed]
    return {pair: changes.differs_in(old[pair], new[pair]) for pair in pairs if pair in old and pair in new}


def _new(here: Room, found: Changes) -> list[tuple[str, int]]:
    """New segments by participant."""
    counts: dict[str, int] = {}
    for segment in found.new:
        who = here.participants.get(segment, "")
        counts[who] = counts.get(who, 0) + 1
    return sorted((who, n) for who, n in counts.items() if who)


PAGES = (
    Page(
        "changes",
        "/changes",
        show,
        ADJUDICATORS,
        menu="What changed",
        examples=("/changes", "/changes?run={run}", "/changes?run={run}&before={run}"),
    ),
)
