"""De-identification: people confirm, deny or reword what was suggested, one suggestion after the other."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.responses import Response

from belonging_llm import deidentification
from belonging_llm.deidentification import Kind, Row, mark
from belonging_llm.errors import InputError, StaleError
from belonging_llm.review.page import ADMINS, Page
from belonging_llm.review.visit import Visit

SHOWN = 20
PLACES = 30
STATES = ("undecided", "replaced", "kept", "all")


def show(visit: Visit) -> Response:
    """The suggestion in question with its context, how far people are, and those that follow."""
    return _page(visit, visit.asked("row"))


def look(visit: Visit) -> Response:
    """Look for what may identify somebody, by rules; decisions stay."""
    deidentification.review(visit.study)
    return visit.redirect(visit.rendering.url("deidentify"))


def decide(visit: Visit) -> Response:
    """Keep a decision, and go on to the next suggestion."""
    given = visit.field("row")
    decision = visit.field("words") if visit.field("decision") == "words" else visit.field("decision")
    if visit.field("decision") == "words" and not decision.strip():
        return _page(visit, given, problem="Write the words that are to stand there instead.", status=422)
    following = _following(visit, given)
    try:
        deidentification.decide(visit.study, given, decision, by=visit.reviewer.name, seen=visit.field("seen"))
    except StaleError as error:
        return _page(visit, given, problem=f"{error}.", status=409)
    return visit.redirect(_address(visit, given if not decision else following))


def add(visit: Visit) -> Response:
    """Add words that nothing found; they are to be replaced."""
    kind = visit.field("kind", Kind.NAME)
    if kind not in set(Kind):
        raise InputError(f"{kind} is no kind of identifying words")
    try:
        row = deidentification.add(visit.study, visit.field("words"), Kind(kind), by=visit.reviewer.name)
    except InputError as error:
        return _page(visit, "", problem=f"{error}.", status=422, added=visit.field("words"))
    return visit.redirect(_address(visit, mark(row.found)))


def _page(visit: Visit, wanted: str, *, problem: str = "", status: int = 200, added: str = "") -> Response:
    rows = deidentification.suggestions(visit.study)
    state = _state(visit)
    listed = [row for row in rows if _is(row, state) or mark(row.found) == wanted]
    current = next((row for row in listed if mark(row.found) == wanted), listed[0] if listed else None)
    at = listed.index(current) if current else 0
    places = deidentification.occurrences(visit.study, current, rows, PLACES + 1) if current else []
    visit.saw({(place.transcript, "") for place in places[:PLACES]})
    return visit.render(
        "deidentify.html.j2",
        status=status,
        rows=rows,
        progress=deidentification.progress(rows),
        state=state,
        states=STATES,
        current=current,
        seen=deidentification.state(current) if current else "",
        before=listed[at - 1] if at else None,
        following=listed[at + 1 : at + 1 + SHOWN],
        left=max(0, len(listed) - at - 1 - SHOWN),
        places=places[:PLACES],
        more_places=len(places) > PLACES,
        mark=mark,
        kinds=list(Kind),
        problem=problem,
        added=added,
    )


def _following(visit: Visit, given: str) -> str:
    """The mark of the suggestion that comes behind one, in what is listed; "" for the first."""
    rows = [
        row for row in deidentification.suggestions(visit.study) if _is(row, _state(visit)) or mark(row.found) == given
    ]
    marks = [mark(row.found) for row in rows]
    at = marks.index(given) + 1 if given in marks else 0
    return marks[at] if at < len(marks) else ""


def _state(visit: Visit) -> str:
    wanted = visit.field("state") or visit.asked("state")
    return wanted if wanted in STATES else STATES[0]


def _is(row: Row, state: str) -> bool:
    decided = bool(row.decision.strip())
    kept = decided and row.decided is None
    return {"undecided": not decided, "replaced": decided and not kept, "kept": kept, "all": True}[state]


def _address(visit: Visit, row: str) -> str:
    query = {"state": _state(visit)} | ({"row": row} if row else {})
    return f"{visit.rendering.url('deidentify')}?{urlencode(query)}"


PAGES = (
    Page("deidentify", "/deidentify", show, ADMINS, menu="De-identification"),
    Page("deidentify-look", "/deidentify/look", look, ADMINS, method="POST"),
    Page(
        "deidentify-decide",
        "/deidentify/decide",
        decide,
        ADMINS,
        method="POST",
        form={"row": "00000000", "decision": "no", "seen": ""},
    ),
    Page("deidentify-add", "/deidentify/add", add, ADMINS, method="POST", form={"words": "nowhere to be found"}),
)
