"""Outcomes of a run, filtered, a page at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.responses import Response

from belonging_llm.auditing import splits
from belonging_llm.codes import Outcome, Polarity
from belonging_llm.errors import StudyError
from belonging_llm.inspection import KINDS, VERDICTS, Beside, Found, Reviewed, Room, Seal, Settled, Verdict, search
from belonging_llm.inspection.matrix import NOTHING, OUTCOMES, POLARITIES
from belonging_llm.review.page import ADJUDICATORS, Page
from belonging_llm.review.room import room
from belonging_llm.review.searching import (
    BESIDE_IN_WORDS,
    OUTCOME_IN_WORDS,
    VERDICT_IN_WORDS,
    kept,
    search_from,
)
from belonging_llm.review.visit import Visit
from belonging_llm.segments import Segment
from belonging_llm.store.outcomes import Ended

SIZE = 50


@dataclass(frozen=True)
class Line:
    """One pair as the list shows it."""

    segment: Segment
    code: str
    outcome: Outcome
    polarity: Polarity | None
    confidence: float | None
    people: Settled
    beside: Beside
    verdict: Verdict | None


def show(visit: Visit) -> Response:
    """The page that is asked for."""
    here, run = room(visit), chosen_run(visit, visit.asked("run"))
    if run is None:
        return visit.render("audit.html.j2", run=None)
    reviewed, seal = here.run(run.id), here.seal()
    given = dict(visit.request.query_params) | {"run": run.id}
    attributes = visit.store.corpus.participants()
    found = found_in(here, reviewed, seal, given, SIZE, attributes)
    lines = _lines(visit, reviewed, found)
    visit.saw((line.segment.transcript_id, line.segment.id) for line in lines)
    return visit.render(
        "audit.html.j2",
        block="list" if visit.partial else "",
        run=run,
        runs=[(one.id, one.label) for one in visit.store.outcomes.runs()],
        given=given,
        query=kept(given),
        lines=lines,
        found=found,
        names=code_names(here),
        themes=reviewed.beside.matrix.theme_names,
        attributes=_shared(attributes),
        seal=seal,
        sealed=int(here.hidden(reviewed, seal).sum()),
        besides=BESIDE_IN_WORDS,
        outcomes=OUTCOME_IN_WORDS,
        verdicts=VERDICT_IN_WORDS,
    )


def divide(visit: Visit) -> Response:
    """Put participants whom people have coded into development, calibration and test, once and for all."""
    try:
        splits.parts(visit.study)
    except StudyError as error:
        return visit.redirect(visit.rendering.url("audit"), problem=str(error).partition(": ")[2] or str(error))
    return visit.redirect(visit.rendering.url("audit"))


def chosen_run(visit: Visit, run_id: str) -> Ended | None:
    """The run that is asked for; the last that ended where none is, None where none has.

    Raises:
        HTTPException: 404, no run of this id has ended.
    """
    runs = visit.store.outcomes.runs()
    if not run_id:
        return runs[0] if runs else None
    found = next((run for run in runs if run.id == run_id), None)
    if found is None:
        raise visit.missing("this run")
    return found


def found_in(
    here: Room,
    reviewed: Reviewed,
    seal: Seal,
    given: Mapping[str, str],
    size: int,
    attributes: Mapping[str, Mapping[str, str]],
) -> Found:
    """Pairs of a run, without those of the sealed test split."""
    return search(
        search_from(given, size=size),
        reviewed.beside.matrix,
        reviewed.beside.kind,
        reviewed.audited,
        sealed=here.hidden(reviewed, seal),
        attributes=attributes,
    )


def code_names(here: Room) -> dict[str, str]:
    """What codes are called, by id."""
    return {ident: code.name for ident, code in here.codes.items()}


def _lines(visit: Visit, reviewed: Reviewed, found: Found) -> list[Line]:
    segments = visit.store.outcomes.segments({segment for segment, _ in found.pairs})
    return [_line(reviewed, segments[segment], code) for segment, code in found.pairs if segment in segments]


def _line(reviewed: Reviewed, segment: Segment, code: str) -> Line:
    made = reviewed.beside.matrix
    place = made.row[segment.id], made.column[code]
    polarity, confidence, verdict = made.polarity[place], float(made.confidence[place]), reviewed.audited[place]
    return Line(
        segment,
        code,
        OUTCOMES[made.outcome[place]],
        None if polarity == NOTHING else POLARITIES[polarity],
        None if confidence != confidence else confidence,  # NaN alone differs from itself
        reviewed.beside.settled(segment.id, code),
        KINDS[reviewed.beside.kind[place]],
        None if verdict == NOTHING else VERDICTS[verdict],
    )


def _shared(attributes: Mapping[str, Mapping[str, str]]) -> list[tuple[str, str]]:
    """Every attribute's every value that more than one participant has: as the form sends it, and in words."""
    counts = Counter(pair for has in attributes.values() for pair in has.items() if pair[1])
    return [(f"{name}={value}", f"{name}: {value}") for (name, value), n in sorted(counts.items()) if n > 1]


PAGES = (
    Page(
        "audit",
        "/audit",
        show,
        ADJUDICATORS,
        menu="Model audit",
        examples=("/audit", "/audit?run={run}&beside=different&order=least sure", "/audit?theme={theme}&code={code}"),
    ),
    Page("divide", "/audit/divide", divide, ADJUDICATORS, method="POST"),
)
