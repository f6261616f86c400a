"""What failed: in sentences, and segment by segment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from belonging_llm.codes.coding import Coding, Outcome
from belonging_llm.report.findings.corpus import Corpus, pick
from belonging_llm.report.findings.lists import Listed, cut
from belonging_llm.report.findings.passages import Passage, show
from belonging_llm.report.findings.records import Findings
from belonging_llm.report.findings.share import Share
from belonging_llm.report.findings.words import counted


def tell(findings: Findings, corpus: Corpus) -> Iterable[str]:
    """What went wrong, one sentence each."""
    if findings.run.status != "complete":
        yield f"The run is {findings.run.status}, not complete: parts may be missing."
    yield from _of_judgements(findings, corpus)
    yield from _of_themes(findings)
    lost = len(set(corpus.segments) - corpus.themed - set(findings.outliers) - set(findings.too_short))
    if lost:
        yield f"Segments neither in a theme nor among the unthemed: {Share(lost, len(corpus.segments))}."


def collect(corpus: Corpus) -> Listed[Passage]:
    """Segments with a failed judgement, and which codes it was about."""
    found = {i: pick(codings, Outcome.FAILED) for i, codings in corpus.judged.items()}
    return cut([i for i in corpus.segments if found.get(i)], lambda i: _passage(found[i], corpus))


def _of_judgements(findings: Findings, corpus: Corpus) -> Iterable[str]:
    judgements = list(corpus.codings)
    pairs = len(corpus.segments) * len(findings.framework.assignable)
    failed = pick(judgements, Outcome.FAILED)
    if failed:
        where = counted(len({c.segment_id for c in failed}), "segment")
        yield f"Judgements of segment and code that failed: {Share(len(failed), pairs)}, in {where}."
    missing = pairs - len({(c.segment_id, c.code) for c in judgements})
    if missing:
        yield f"Pairs of segment and code without a recorded outcome: {Share(missing, pairs)}."
    if corpus.stray:
        yield f"Codings of a segment or a code that this run does not have, not shown: {corpus.stray:,}."


def _of_themes(findings: Findings) -> Iterable[str]:
    themes = len(findings.themes)
    if unnamed := findings.losses.themes_unnamed:
        yield f"Themes that the model could not name, called by participants' own words: {Share(unnamed, themes)}."
    unmapped = sum(not (t.mapping.codes or t.mapping.outside) for t in findings.themes)
    if unmapped and findings.language_model:
        yield f"Themes that were not mapped onto the framework: {Share(unmapped, themes)}."


def _passage(codings: Sequence[Coding], corpus: Corpus) -> Passage:
    """A segment with its failed codings, of which there is at least one."""
    names = ", ".join(corpus.codes[c.code].name for c in codings)
    reasons = dict.fromkeys(c.rationale or "reason not recorded" for c in codings)
    segment = corpus.segments[codings[0].segment_id]
    return show(segment, notes=(f"no outcome for {names}",), rationale="; ".join(reasons))
