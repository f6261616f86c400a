"""Where an audit's figures come from: model, prompts, codebook, coders, split, and how segments came in."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from belonging_llm.auditing.gold import Candidate, Gold
from belonging_llm.auditing.leaks import CODING_PROMPTS
from belonging_llm.auditing.lessons import NOTHING
from belonging_llm.auditing.record import CoderRecord, Flow, Opening, PartFlow, PromptUsed, Provenance
from belonging_llm.auditing.splits import Part, split_digest
from belonging_llm.codes import Judgement
from belonging_llm.segments import Segment
from belonging_llm.store import Run
from belonging_llm.study import Study

CHANGED = "This prompt was changed after the run."


def provenance(
    study: Study, judged: Candidate, locked: Mapping[str, Part], opened: Sequence[Opening], part: Part, searched: str
) -> Provenance:
    """What was judged, with what it was made, and by whom it was judged."""
    settings = judged.run.settings if judged.run else {}
    framework = study.framework()
    runs = study.store.runs.finished()
    return Provenance(
        candidate=judged.name,
        run_id=judged.run.id if judged.run else None,
        model=str(settings.get("llm", judged.name)),
        encoder=str(settings.get("embedder", "")),
        prompts=tuple(_prompts(study, settings.get("prompts", {}))),
        codebook=framework.name,
        codebook_digest=framework.digest,
        versions=dict(settings.get("versions", {})),
        settings=dict(settings.get("settings", {})),
        coders=_coders(study, judged, [who for who, where in locked.items() if where is part]),
        prompts_tried=len({_coding_prompts(r) for r in runs}),
        codebooks_tried=len({r.settings.get("codebook", {}).get("digest") for r in runs}),
        runs=len(runs),
        openings=tuple(opened),
        split={str(p): tuple(sorted(who for who, where in locked.items() if where is p)) for p in Part},
        split_digest=split_digest(locked),
        demanded=study.settings.audit.model_dump(mode="json"),
        leaks_searched=searched,
        taught=settings["lessons"] != NOTHING.digest if "lessons" in settings else None,
    )


def _coding_prompts(run: Run) -> frozenset[str]:
    """The texts that a run could code with: one of them changed is another attempt."""
    return frozenset(d for name, d in run.settings.get("prompts", {}).items() if name.startswith(CODING_PROMPTS))


def _prompts(study: Study, used: Mapping[str, str]) -> list[PromptUsed]:
    found = []
    for name, digest in sorted(used.items()):
        prompt = study.prompt(name)
        found.append(PromptUsed(name, digest, prompt.source if prompt.digest == digest else CHANGED))
    return found


def _coders(study: Study, judged: Candidate, participants: Collection[str]) -> tuple[CoderRecord, ...]:
    here = {s.id for s in study.store.corpus.segments() if s.participant in participants}
    by_coder: dict[str, list[Judgement]] = {}
    for j in study.store.findings.judgements():
        if j.segment_id in here and not judged.is_coder(j.coder):
            by_coder.setdefault(j.coder, []).append(j)
    return tuple(_coder(name, given, study.settings.audit.adjudicator) for name, given in sorted(by_coder.items()))


def _coder(name: str, given: Sequence[Judgement], adjudicator: str) -> CoderRecord:
    times = sorted(j.at for j in given if j.at)
    return CoderRecord(
        name=name,
        judged=len(given),
        saw_model=sum(j.saw_model for j in given),
        first_at=times[0] if times else "",
        last_at=times[-1] if times else "",
        role="adjudicator" if name == adjudicator else "coder",
    )


def flow(study: Study, locked: Mapping[str, Part], gold: Gold) -> Flow:
    """How many segments each part holds, how many of them people judged, and what the candidate said of them."""
    segments = study.store.corpus.segments()
    adjudicator = study.settings.audit.adjudicator
    coders: dict[str, set[str]] = {}
    for j in study.store.findings.judgements():
        if not j.saw_model and j.coder != adjudicator:
            coders.setdefault(j.segment_id, set()).add(j.coder)
    return Flow(
        parts=tuple(_part(part, locked, segments, coders) for part in Part),
        audited=len(gold.humans.units),
        settled_by=gold.settled_by,
        outcomes=dict(gold.outcomes),
        anchored=gold.anchored,
        strata=_strata(study),
        anchored_decisions=gold.anchored_decisions,
    )


def _part(
    part: Part, locked: Mapping[str, Part], segments: Sequence[Segment], coders: Mapping[str, Collection[str]]
) -> PartFlow:
    people = {who for who, where in locked.items() if where is part}
    inside = [s.id for s in segments if s.participant in people]
    judged = np.array([len(coders.get(ident, ())) for ident in inside], int)
    return PartFlow(str(part), len(people), len(inside), *(int((judged >= n).sum()) for n in (1, 2, 3)))


def _strata(study: Study) -> tuple[dict[str, object], ...]:
    """The last audit sample, by stratum."""
    plans = study.store.audits.plans()
    if not plans:
        return ()
    units = study.store.audits.units(max(plans))
    found = []
    for stratum in sorted({u.stratum for u in units}):
        inside = [u for u in units if u.stratum == stratum]
        chances = sorted({round(u.inclusion, 4) for u in inside})
        found.append(
            {
                "stratum": stratum,
                "segments": len(inside),
                "drawn": sum(u.drawn for u in inside),
                "probability": chances[0] if len(chances) == 1 else f"{chances[0]} to {chances[-1]}",
            }
        )
    return tuple(found)
