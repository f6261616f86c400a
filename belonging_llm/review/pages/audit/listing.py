"""Outcomes of a run, filtered, a page at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.responses import Response

from belonging_llm.auditing import splits
from belonging_llm.codes import Outcome, Polarity
from belonging_llm.errors import StudyError
from belonging_llm.inspection import KINDS, VERDICTS, Beside, Found, Reviewed, Room, Settled, Verdict, search
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
from belonging_llm.store import Run

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
    here = room(visit)
    run = chosen_run(visit, visit.asked("run"))
    if run is None:
        return visit.render("audit.html.j2", run=None, block="")
    reviewed, seal = here.run(run.id), here.seal()
    given = dict(visit.request.query_params) | {"run": run.id}
    found = found_in(visit, here, reviewed, given, SIZE)
    lines = _lines(visit, reviewed, found)
    visit.saw((line.segment.transcript_id, line.segment.id) for line in lines)
    return visit.render(
        "audit.html.j2",
        block="list" if visit.partial else "",
        run=run,
        runs=[(one.id, run_label(one)) for one in reversed(visit.store.runs.finished())],
        given=given,
        query=kept(given),
        lines=lines,
        found=found,
        names=code_names(visit),
        themes=_themes(visit, run),
        attributes=_attributes(visit),
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


def chosen_run(visit: Visit, run_id: str) -> Run | None:
    """The run that is asked for; the last that finished where none is, None where none has.

    Raises:
        HTTPException: 404, no run of this id has finished.
    """
    if not run_id:
        return visit.store.runs.latest()
    found = next((run for run in visit.store.runs.finished() if run.id == run_id), None)
    if found is None:
        raise visit.missing("this run")
    return found


def found_in(visit: Visit, here: Room, reviewed: Reviewed, given: Mapping[str, str], size: int) -> Found:
    """Pairs of a run, without those of the sealed test split."""
    wanted = search_from(given, size=size)
    return search(
        wanted,
        reviewed.beside.matrix,
        reviewed.beside.kind,
        reviewed.audited,
        sealed=here.hidden(reviewed, here.seal()),
        attributes=visit.store.corpus.participants() if wanted.attribute else {},
    )


def run_label(run: Run) -> str:
    """When it finished, and with which model."""
    return f"{(run.finished_at or '')[:16].replace('T', ' ')} {run.settings.get('llm', '')}".strip()


def code_names(visit: Visit) -> dict[str, str]:
    """What codes are called, by id."""
    return {code.id: code.name for code in visit.study.framework().assignable}


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


def _themes(visit: Visit, run: Run) -> dict[str, str]:
    return {theme.id: theme.name for theme in visit.store.findings.themes(run.id)}


def _attributes(visit: Visit) -> list[tuple[str, str]]:
    """Every attribute with every value that more than one participant has: as the form sends it, and in words."""
    counts = Counter(pair for has in visit.store.corpus.participants().values() for pair in has.items() if pair[1])
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
