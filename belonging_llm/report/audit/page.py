"""The audit as one HTML page that needs no network and no script."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from html import escape

import jinja2
from markupsafe import Markup

from belonging_llm.auditing.record import Audit
from belonging_llm.evaluation import Interval
from belonging_llm.report.audit.machine import as_json, without_quotes, without_unused_prompts
from belonging_llm.report.audit.sections import (
    agreement,
    alternative,
    errors,
    limits,
    occurrence,
    provenance,
    steadiness,
    trust,
    verdicts,
)
from belonging_llm.report.audit.tables import Table
from belonging_llm.report.audit.words import counted, moment, sentence
from belonging_llm.report.pages import environment

SECTIONS = {
    "verdicts": "Verdicts",
    "provenance": "Where the figures come from",
    "flow": "Which segments were audited",
    "ceiling": "How far people agree with each other",
    "against": "The model beside people",
    "paradox": "Why one figure is not enough",
    "alternative": "May the model stand in for a person?",
    "errors": "Where the model errs",
    "stability": "Does it say the same again?",
    "confidence": "Does its confidence mean anything?",
    "prevalence": "How often each code occurs",
    "subgroups": "Groups of participants, and time",
    "themes": "Clusters and themes",
    "saturation": "Saturation",
    "limits": "Limits, and figures that do not exist",
    "machine": "For machines, and to make it again",
}
DRAWN = (
    "Whole participants are drawn again and again, with all that they said, because segments of one person resemble "
    "each other."
)
AFTERWARDS = {"checklists": "Reporting checklists", "methods": "Paragraph for the methods section"}

# Characters that HTML forbids, and ones that would turn the direction of the text around them.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True)
class Page:
    """What the template shows beside the audit as it was given."""

    verdicts: verdicts.Verdicts
    made: provenance.Made
    flow: provenance.FlowShown
    ceiling: agreement.Ceiling
    sets: tuple[str, str]
    against: agreement.Against
    paradox: Table
    paradox_intervals: Table
    alternative: alternative.Alternative
    errors: errors.Mistakes
    again: trust.Again
    steady: steadiness.Steady | None
    sure: trust.Sure
    prevalence: occurrence.Occurs
    groups: occurrence.Groups
    themes: occurrence.Grouped | None
    saturation: occurrence.New
    gone: tuple[limits.Gone, ...]
    checklists: tuple[limits.Checklist, ...]
    intervals: str
    json: Markup


def render(audit: Audit, *, quotes: bool = True) -> str:
    """The audit as one HTML page.

    What participants said is data: it is escaped, and the page's own policy forbids scripts.

    Args:
        quotes: Whether participants' words, and what the model said of them, are on the page.

    Returns:
        HTML that can be written as UTF-8; characters that HTML forbids, and marks that turn the direction of the
        text, are shown as U+FFFD. The same audit gives the same text.
    """
    shown = without_unused_prompts(audit if quotes else without_quotes(audit))
    template = _environment().get_template("audit.html.j2")
    html = template.render(audit=shown, page=_compose(shown), quotes=quotes, **_titles())
    return _UNPRINTABLE.sub("\ufffd", html)


def _titles() -> dict[str, dict[str, str]]:
    numbers = {name: str(k) for k, name in enumerate(SECTIONS, 1)}
    return {"sections": SECTIONS, "afterwards": AFTERWARDS, "titles": SECTIONS | AFTERWARDS, "numbers": numbers}


@cache
def _environment() -> jinja2.Environment:
    return environment(counted=counted, moment=moment, sentence=sentence, state=verdicts.state)


def _compose(audit: Audit) -> Page:
    sets = (audit.ceiling_sets.masi, audit.ceiling_sets.jaccard)
    return Page(
        verdicts=verdicts.present(audit),
        made=provenance.present(audit),
        flow=provenance.flow(audit),
        ceiling=agreement.ceiling(audit),
        sets=(occurrence.shown_estimate(sets[0]), occurrence.shown_estimate(sets[1])),
        against=agreement.against(audit),
        paradox=agreement.paradox(audit),
        paradox_intervals=agreement.paradox_intervals(audit),
        alternative=alternative.present(audit),
        errors=errors.present(audit),
        again=trust.again(audit),
        steady=steadiness.present(audit),
        sure=trust.sure(audit),
        prevalence=occurrence.prevalence(audit),
        groups=occurrence.groups(audit),
        themes=occurrence.themes(audit),
        saturation=occurrence.new_codes(audit),
        gone=limits.gone(audit),
        checklists=limits.checklists(audit),
        intervals=_intervals(audit),
        json=_in_text(json.dumps(as_json(audit), allow_nan=False, ensure_ascii=False, indent=1)),
    )


def _in_text(given: str) -> Markup:
    """Escaped for the inside of an element, where quotation marks may stay: JSON has thousands of them."""
    return Markup(escape(given, quote=False))  # noqa: S704  # escaped in this very line


def _intervals(audit: Audit) -> str:
    """How the intervals of kappa were made, in a sentence; from the first there is."""
    found: list[Interval] = [
        one.interval
        for row in audit.against
        for one in (row.with_model, row.among_humans, row.difference)
        if one.interval
    ]
    if not found:
        return "No interval of kappa could be made."
    return f"Figures in brackets are {found[0].level:.0%} intervals ({found[0].method}). {DRAWN}"
