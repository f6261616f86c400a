"""The page itself: everything the template shows, and the template filled in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import jinja2

from belonging_llm.report.findings import codes, failures, left_out, people, themes
from belonging_llm.report.findings.codes import CodeTable
from belonging_llm.report.findings.corpus import Corpus
from belonging_llm.report.findings.facts import flatten, is_seed
from belonging_llm.report.findings.left_out import LeftOut
from belonging_llm.report.findings.lists import Listed
from belonging_llm.report.findings.moments import between, duration, moment
from belonging_llm.report.findings.passages import Passage
from belonging_llm.report.findings.people import Person
from belonging_llm.report.findings.records import Findings
from belonging_llm.report.findings.share import Share
from belonging_llm.report.findings.themes import ThemeView
from belonging_llm.report.findings.words import counted, number
from belonging_llm.report.pages import environment

# Neither can be written as UTF-8 HTML; what people typed stands beside it unchanged in the database.
_UNPRINTABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True)
class Page:
    """What the template shows beside the findings as they were given."""

    people: tuple[str, ...]
    themed: Share
    widest: ThemeView | None
    themes: tuple[ThemeView, ...]
    tables: tuple[CodeTable, ...]
    left_out: LeftOut
    failures: tuple[str, ...]
    failed: Listed[Passage]
    attributes: tuple[str, ...]
    persons: tuple[Person, ...]
    spoken: Mapping[str, int]
    documents: Mapping[str, int]
    settings: Mapping[str, str]
    seeds: Mapping[str, str]
    counts: Mapping[str, str]
    whole_seconds: float | None


def render(findings: Findings) -> str:
    """The findings as one HTML page that needs no network and no script.

    What participants said is data: it is escaped, and the page's own policy forbids scripts.

    Returns:
        HTML that can be written as UTF-8; lone surrogates and NULs are shown as U+FFFD.
    """
    html = _environment().get_template("findings.html.j2").render(given=findings, page=_compose(findings))
    return _UNPRINTABLE.sub("\ufffd", html)


@cache
def _environment() -> jinja2.Environment:
    return environment(counted=counted, duration=duration, moment=moment, number=number)


def _compose(findings: Findings) -> Page:
    corpus = Corpus(findings)
    views = tuple(themes.present(n, theme, corpus) for n, theme in enumerate(findings.themes, 1))
    described = people.describe(findings.participants, views, corpus)
    settings = flatten(findings.run.settings)
    return Page(
        people=corpus.people,
        themed=Share(len(corpus.themed), len(corpus.segments)),
        widest=themes.find_widest(views),
        themes=views,
        tables=codes.tabulate(findings.framework, corpus),
        left_out=left_out.collect(findings, corpus),
        failures=tuple(failures.tell(findings, corpus)),
        failed=failures.collect(corpus),
        attributes=described.attributes,
        persons=described.persons,
        spoken=corpus.speakers(corpus.segments),
        documents=Counter(s.document for s in findings.segments),
        settings={key: value for key, value in settings.items() if not is_seed(key)},
        seeds={key: value for key, value in settings.items() if is_seed(key)},
        counts=flatten(findings.run.counts),
        whole_seconds=between(findings.run.started_at, findings.run.finished_at),
    )
