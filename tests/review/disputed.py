"""What adjudicators and auditors look at: people who disagree, a run with the calls behind it, decisions and verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

from belonging_llm.asking import LedgerEntry
from belonging_llm.clusters import Belongs
from belonging_llm.codebook import Code
from belonging_llm.codes import Coding, EvidenceSpan, Judgement, Outcome, Polarity, Provenance
from belonging_llm.codes.judge import schema
from belonging_llm.llm import ChatReply, ChatRequest
from belonging_llm.prompts import load, quoted
from belonging_llm.provenance import now
from belonging_llm.segments import Segment
from belonging_llm.store import JudgementKind, Mark, Said
from belonging_llm.study import Study
from belonging_llm.themes import Mapping, Theme, ThemeMember
from belonging_llm.themes.theme import MappedCode

# Coders without an account; what they wrote must stand on no coder's page.
FIRST, SECOND = "cy", "flo"
MODEL = "model-of-the-test"


def fill(study: Study, segments: Sequence[Segment], *, models: str, others: str, hostile: str = "") -> dict[str, str]:
    """Codings of two people who disagree on every second segment, and a run over the codebook in use.

    Args:
        models: Stands in everything that the model said; likewise `others` in what the two people wrote.

    Returns:
        Ids for pages' examples.
    """
    codes = study.framework().assignable[:3]
    _people(study, segments, codes, f"{others} {hostile}")
    people = sorted({s.participant for s in segments})
    study.store.audits.lock({who: _PARTS[min(i, 2)] for i, who in enumerate(people)}, {"shares": [1, 0, 0], "seed": 0})
    run = _run(study, segments, codes, f"{models} {hostile}", hostile)
    _decided(study, segments[2], codes[0], f"{others} {hostile}")
    _audited(study, segments[1], codes[0], run, f"{models} {hostile}")
    return {"run": run, "contested": segments[0].id, "theme": "Tlater"}


_PARTS = ("development", "calibration", "test")


def _people(study: Study, segments: Sequence[Segment], codes: Sequence[Code], memo: str) -> None:
    """Both give the first code to every fourth segment; on every second one they disagree."""
    found: list[Coding] = []
    for n, segment in enumerate(segments):
        if n % 4 == 1:
            found += [_coding(segment, codes[0], who, memo) for who in (FIRST, SECOND)]
        elif n % 2 == 0:
            found.append(_coding(segment, codes[n // 2 % 2], FIRST, memo))
            found.append(_coding(segment, codes[2], SECOND, memo, Polarity.ABSENT))
    study.store.findings.add_codings(found)
    looked = [
        Judgement(segment_id=s.id, coder=who, at="2026-01-01T00:00:00.000+00:00")
        for s in segments
        for who in (FIRST, SECOND)
    ]
    study.store.findings.add_judged(looked)


def _coding(segment: Segment, code: Code, who: str, memo: str, polarity: Polarity = Polarity.EXPERIENCED) -> Coding:
    return Coding(
        segment_id=segment.id,
        code=code.id,
        coder=who,
        outcome=Outcome.ASSIGNED,
        polarity=polarity,
        evidence=(EvidenceSpan(start=3, end=18),),
        rationale=memo,
    )


def _run(study: Study, segments: Sequence[Segment], codes: Sequence[Code], words: str, hostile: str) -> str:
    """A run that asked about the first segment, and says yes to the first code there and on every third segment."""
    store, prompt = study.store, load("code_segment.v1")
    made = store.runs.start(uuid4().hex, {"llm": MODEL, "prompts": {prompt.name: prompt.digest}, "lessons": "l"})
    codings = []
    for n, segment in enumerate(segments):
        for k, code in enumerate(codes):
            yes = k == 0 and n % 3 == 0
            asked = n == 0
            provenance = Provenance(
                model=MODEL if asked else "",
                prompt=prompt.name if asked else "",
                prompt_digest=prompt.digest if asked else "",
                encoder="hashed",
                similarity=1.2,
                chance=0.7,
                asked=asked,
                said=yes if asked else None,
            )
            codings.append(
                Coding(
                    segment_id=segment.id,
                    code=code.id,
                    coder=f"model:{MODEL}",
                    outcome=Outcome.ASSIGNED if yes else Outcome.NOT_ASSIGNED,
                    polarity=Polarity.ABSENT if yes else None,
                    confidence=0.55 + n / 100,
                    evidence=(EvidenceSpan(start=0, end=12),) if yes else (),
                    rationale=words,
                    provenance=provenance,
                )
            )
    store.findings.add_codings(codings, made.id)
    _asked(study, segments[0], codes, made.id, words, hostile)
    members = tuple(ThemeMember(segment_id=s.id, strength=0.9, belongs=Belongs.CORE) for s in segments[:6])
    mapping = Mapping(codes=(MappedCode(code=codes[0].id, rationale=words),), by=MODEL)
    theme = Theme(
        id="Tlater", ordinal=1, name=f"Seen {hostile}", definition=words, members=members, by=MODEL, mapping=mapping
    )
    store.findings.add_themes(made.id, [theme])
    store.runs.finish(made.id, "complete")
    return made.id


def _asked(study: Study, segment: Segment, codes: Sequence[Code], run: str, words: str, hostile: str) -> None:
    """The first reply is no JSON but words, the second is what the coding was made from."""
    prompt = load("code_segment.v1")
    request = ChatRequest(
        system=f"You code segments. {hostile}",
        user=f"Segment: {quoted(segment.text[:1500])}",
        reply_schema=schema([code.id for code in codes]),
    )
    key = uuid4().hex * 2
    for attempt, text in enumerate((f"Surely! {words}", '{"applies": true, "words": "' + "at first" + '"}'), 1):
        reply = ChatReply(text=text, finish_reason="stop")
        entry = LedgerEntry(
            key=key,
            attempt=attempt,
            run_id=run,
            model=MODEL,
            prompt=prompt.name,
            prompt_digest=prompt.digest,
            reply=reply,
            seconds=0.4,
            at=now(),
        )
        study.store.ledger.record(entry, request)


def _decided(study: Study, segment: Segment, code: Code, reason: str) -> None:
    study.store.judgements.submit(
        Said(
            key=uuid4().hex,
            kind=JudgementKind.ADJUDICATION,
            segment_id=segment.id,
            reviewer="dora",
            coder=study.settings.audit.adjudicator,
            marks=(Mark(code=code.id, polarity=Polarity.EXPERIENCED, spans=(EvidenceSpan(start=3, end=18),)),),
            memo=reason,
            codebook_digest=study.framework().digest,
            supersedes=_last(study, segment, study.settings.audit.adjudicator),
        )
    )


def _audited(study: Study, segment: Segment, code: Code, run: str, reason: str) -> None:
    coder = "dora (audit)"
    study.store.judgements.submit(
        Said(
            key=uuid4().hex,
            kind=JudgementKind.AUDIT,
            segment_id=segment.id,
            reviewer="dora",
            coder=coder,
            memo=reason,
            saw_model=True,
            codebook_digest=study.framework().digest,
            details={"run": run, "code": code.id, "verdict": "reject", "was": "not_assigned", "outcome": ""},
            supersedes=_last(study, segment, coder),
        )
    )


def _last(study: Study, segment: Segment, coder: str) -> int:
    head = study.store.judgements.head(segment.id, coder)
    return head.id if head else 0
