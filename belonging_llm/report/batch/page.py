"""The change report as one HTML page that needs no network and no script."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import jinja2
from markupsafe import Markup

from belonging_llm.report.batch.records import Share, ThemeChange, Told
from belonging_llm.report.batch.summary import IMPORTED, KNOWN, REFUSED, notes, sentences
from belonging_llm.report.findings.moments import between, duration, moment
from belonging_llm.report.findings.words import counted, number
from belonging_llm.report.pages import environment


@dataclass(frozen=True)
class Page:
    """What the template shows beside what it is given.

    Attributes:
        lead: The batch in sentences; `trouble` where not everything worked.
        grown: Themes that new segments joined, the most first; `still` how many none joined.
    """

    lead: tuple[str, ...]
    trouble: tuple[str, ...]
    notes: tuple[str, ...]
    imported: tuple[object, ...]
    refused: tuple[object, ...]
    known: int
    grown: tuple[ThemeChange, ...]
    still: int
    seconds: float | None
    drift: Markup


def render(told: Told) -> str:
    """The page; names of files and themes are data and are escaped."""
    return _environment().get_template("batch.html.j2").render(given=told, page=_compose(told))


@cache
def _environment() -> jinja2.Environment:
    return environment(counted=counted, duration=duration, moment=moment, number=number, percent=percent, span=span)


def percent(share: Share) -> str:
    """A share in words."""
    return "–" if share.value is None else f"{share.value:.1%}"


def span(share: Share) -> str:
    """Its interval in words; empty where there is none."""
    if share.low is None or share.high is None:
        return ""
    return f"{share.low:.1%} to {share.high:.1%}"


def _compose(told: Told) -> Page:
    said = tuple(sentences(told))
    grown = [one for one in told.themes if one.new]
    return Page(
        lead=tuple(one for one in said if not one.startswith("Not everything")),
        trouble=tuple(one for one in said if one.startswith("Not everything")),
        notes=tuple(notes(told)),
        imported=told.files_that(IMPORTED),
        refused=told.files_that(REFUSED),
        known=len(told.files_that(KNOWN)),
        grown=tuple(sorted(grown, key=lambda one: (-one.new, one.name))),
        still=len(told.themes) - len(grown),
        seconds=between(told.started_at, told.finished_at),
        # Made by this program from figures alone.
        drift=Markup(told.drift),  # noqa: S704
    )
