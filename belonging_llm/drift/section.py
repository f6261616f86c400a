"""The part of a change report about drift: figures and ids, no script, nobody's words."""

from __future__ import annotations

from belonging_llm.drift.drift_lines import (
    code_line,
    distribution_line,
    endpoint_lines,
    novelty_line,
    promise,
    sentinels_line,
)
from belonging_llm.drift.record import Drift, State
from belonging_llm.report.pages import environment

_SHOWN = (State.ALARM, State.LOOK)


def section(found: Drift) -> str:
    """HTML to stand below a heading; every value in it is escaped."""
    rows = [
        ("New segments and themes", str(found.novelty.state), novelty_line(found.novelty), []),
        (
            "The model on the sentinels",
            str(found.sentinels.state),
            sentinels_line(found.sentinels),
            list(endpoint_lines(found.sentinels)),
        ),
        (
            "How often codes are assigned",
            str(found.distribution.state),
            distribution_line(found.distribution),
            [code_line(code) for code in found.distribution.codes if code.state in _SHOWN],
        ),
    ]
    made = environment().get_template("drift.html.j2")
    alarms = [(str(kind), subject) for kind, subject, _ in found.alarms()]
    return made.render(verdict=found.verdict, rows=rows, promise=promise(found), alarms=alarms)


def markdown(found: Drift) -> str:
    """The same in a few lines, for an artifact; states and counts alone."""
    states = {
        "novelty": found.novelty.state,
        "sentinels": found.sentinels.state,
        "codes": found.distribution.state,
    }
    said = "; ".join(f"{name}: {state}" for name, state in states.items())
    return f"\n**Drift**: {found.verdict} ({said}).\n"
