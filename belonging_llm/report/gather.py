"""Gather from the store what the findings page shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from belonging_llm import prompts
from belonging_llm.errors import StudyError
from belonging_llm.report.findings import Findings, Losses, PromptText, RunRecord, TranscriptSummary, Usage
from belonging_llm.store import Run
from belonging_llm.study import Study
from belonging_llm.themes import Theme
from belonging_llm.transcripts import Role

_BATCH = "batch "


def gather(study: Study) -> Findings:
    """Everything about the last finished run.

    Raises:
        StudyError: no run has finished yet.
    """
    store = study.store
    run = store.runs.latest()
    if run is None:
        raise StudyError(f"{study.folder}: no analysis has finished yet; run `belonging analyse`")
    run = _with_what_it_stands_on(study, run)
    settings, counts = run.settings, _plain_counts(run)
    themes = store.findings.themes(run.id)
    outliers, too_short = _unthemed(study, run, themes)
    return Findings(
        study=study.settings.name,
        run=_record(run, counts),
        transcripts=[_summary(study, transcript_id) for transcript_id in store.corpus.transcript_ids()],
        segments=sorted(store.corpus.segments(), key=lambda s: (s.document, s.start)),
        themes=themes,
        codings=store.findings.codings(run.id),
        framework=study.framework(),
        participants=store.corpus.participants(),
        outliers=outliers,
        too_short=too_short,
        prompts=_prompts(study, settings.get("prompts", {})),
        usage=_usage(study, run),
        losses=_losses(run, themes),
        language_model="" if settings.get("llm") == "none" else settings.get("llm", ""),
        encoder=settings.get("embedder", ""),
        synthetic=study.settings.synthetic,
    )


def _unthemed(study: Study, run: Run, themes: Sequence[Theme]) -> tuple[list[str], list[str]]:
    """Segments that fit no theme, those that people took out of one among them; and those too short to be grouped."""
    themed = {member.segment_id for theme in themes for member in theme.members}
    found = [member.segment_id for theme in study.store.themes.found(run.id) for member in theme.members]
    nowhere = dict.fromkeys([*run.counts.get("outliers", ()), *found])
    short = dict.fromkeys(run.counts.get("too_short", ()))
    return [s for s in nowhere if s not in themed], [s for s in short if s not in themed]


def _with_what_it_stands_on(study: Study, run: Run) -> Run:
    """A batch with the counts of its base and of the batches before it, so that they speak of the whole state."""
    chain = study.store.batches.chain(run.id)
    if len(chain) == 1:
        return run
    counts: dict[str, Any] = {}
    for one in (study.store.runs.get(ident) for ident in chain):
        for name, value in one.counts.items():
            known = counts.get(name)
            if isinstance(value, list) and isinstance(known, list) and name != "failed":
                counts[name] = known + value
            elif name == "reply_failures" and known is not None:
                counts[name] = dict(Counter(known) + Counter(value))
            else:
                counts[name] = value
    return run.model_copy(update={"counts": counts})


def _usage(study: Study, run: Run) -> Usage:
    """What all runs that make up the state asked; None is not recorded, by one of them at least."""
    each = [study.store.ledger.usage(ident) for ident in study.store.batches.chain(run.id)]
    totals = {name: [one[name] for one in each if one["calls"] or len(each) == 1] for name in each[0]}
    return Usage(**{name: None if None in values else sum(values) for name, values in totals.items()})


def _record(run: Run, counts: dict[str, Any]) -> RunRecord:
    return RunRecord(
        id=run.id,
        status=run.status,
        started_at=run.started_at,
        finished_at=run.finished_at,
        settings={k: v for k, v in run.settings.items() if k not in {"versions", "prompts"}},
        counts=counts,
        versions=run.settings.get("versions", {}),
    )


def _summary(study: Study, transcript_id: str) -> TranscriptSummary:
    found = study.store.corpus.transcript(transcript_id)
    return TranscriptSummary(found.name, sum(turn.role is Role.PARTICIPANT for turn in found.turns))


def _prompts(study: Study, used: dict[str, str]) -> list[PromptText]:
    """The run's prompts; one that was edited since is said to be gone rather than shown wrongly."""
    found = []
    for name, digest in sorted(used.items()):
        prompt: prompts.Prompt = study.prompt(name)
        same = prompt.digest == digest
        found.append(PromptText(name, digest, prompt.source if same else "This prompt was changed after the run."))
    return found


def _batches(run: Run) -> Counter[str]:
    """Counts of the coding batches, summed."""
    total: Counter[str] = Counter()
    for name, counts in run.counts.items():
        if name.startswith(_BATCH):
            total.update(counts)
    return total


def _plain_counts(run: Run) -> dict[str, Any]:
    """A run's counts, less the lists that the page shows elsewhere."""
    left_out = {"outliers", "too_short", "examples_shown", "inbox", "failed", "batch_outcomes"}
    kept = {k: v for k, v in run.counts.items() if k not in left_out and not k.startswith(_BATCH)}
    batches = _batches(run)
    asked = {"segments the language model was asked to code": batches["asked"]} if batches else {}
    apart = {"calls about several segments that were asked one by one instead": batches["apart"]}
    shown = {"segments shown as examples": len(run.counts.get("examples_shown", ()))}
    return kept | asked | {name: n for name, n in (apart | shown).items() if n}


def _losses(run: Run, themes: Sequence[Theme]) -> Losses:
    counts, batches = run.counts, _batches(run)
    return Losses(
        theme_quotes=counts.get("theme_quotes_unlocated"),
        theme_quotes_repaired=sum(quote.repaired for theme in themes for quote in theme.quotes),
        code_evidence=batches.get("unlocated"),
        code_evidence_repaired=batches.get("repaired"),
        codes_demoted=batches.get("demoted"),
        themes_renamed=counts.get("themes_renamed"),
        themes_unnamed=counts.get("themes_failed"),
        replies_refused=sum(counts["reply_failures"].values()) if "reply_failures" in counts else None,
    )
