"""Agreement as it stands: people with each other, and the model beside them."""

from __future__ import annotations

from starlette.responses import Response

from belonging_llm.auditing.splits import Part
from belonging_llm.evaluation import Resampling
from belonging_llm.inspection.agreement import wanted
from belonging_llm.review.page import ADJUDICATORS, Page
from belonging_llm.review.pages.audit.listing import chosen_run, code_names
from belonging_llm.review.room import room
from belonging_llm.review.visit import Visit


def show(visit: Visit) -> Response:
    """The figures, made anew where something changed."""
    here = room(visit)
    run = chosen_run(visit, visit.asked("run"))
    seal, part = here.seal(), _part(visit.asked("part"))
    sealed = part is Part.TEST and not seal.opened
    settings = visit.study.settings
    found = here.live.agreed(
        here.people,
        here.participants,
        tuple(here.codes),
        here.run(run.id).beside.matrix if run else None,
        seal,
        Part.DEVELOPMENT if sealed else part,
        Resampling(draws=settings.audit.draws, seed=settings.seed),
    )
    return visit.render(
        "agreement.html.j2",
        found=found,
        names=code_names(here),
        run=run,
        runs=[(one.id, one.label) for one in visit.store.outcomes.runs()],
        part=Part.DEVELOPMENT if sealed else part,
        parts=[one for one in Part if one is not Part.TEST or seal.opened],
        seal=seal,
        sealed=sealed,
        wanted=wanted,
    )


def _part(name: str) -> Part:
    return Part(name) if name in set(Part) else Part.DEVELOPMENT


PAGES = (
    Page(
        "agreement",
        "/agreement",
        show,
        ADJUDICATORS,
        menu="Agreement",
        examples=("/agreement", "/agreement?part=test", "/agreement?run={run}&part=calibration"),
    ),
)
