"""Give every segment and code an outcome: cheap evidence first, a model where it is in doubt.

This is the first, plain version. Its confidence is ordered, not calibrated.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from belonging_llm.asking import Asker
from belonging_llm.codebook import Framework
from belonging_llm.codes.coding import Coding, EvidenceSpan, Outcome, Polarity, Provenance
from belonging_llm.codes.judge import OpenSegment, Verdict, judge
from belonging_llm.codes.signals import Embed, Floats, Signals, profile
from belonging_llm.prompts import Prompt
from belonging_llm.segments import Segment, Span, sentences

# Standard deviations of likeness; a theme mapped to the code counts as much as THEME of them.
THEME = 0.75
SURE = 2.25
LIKELY = 1.6
DOUBT = 1.1
CANDIDATES = 2


@dataclass(frozen=True)
class Assigned:
    """Codings, one for each segment and code, and what was lost on the way.

    Attributes:
        asked: Segments that the language model was asked about.
        unlocated: Evidence that the model gave and that is not in its segment; dropped.
        failed: Segments whose every reply failed.
    """

    codings: tuple[Coding, ...]
    asked: int
    unlocated: int
    failed: int


def evidence_of(signals: Signals) -> Floats:
    """How much the cheap evidence speaks for each pair, in standard deviations; shape (n, n_codes)."""
    return np.asarray(signals.similarity + THEME * signals.theme)


def open_pairs(evidence: Floats, share: float) -> dict[int, list[int]]:
    """Pairs to ask about, by segment: where likeness and themes leave doubt, or contradict.

    Args:
        evidence: Shape (n_segments, n_codes).
        share: Largest share of segments to ask about; the most doubtful come first.

    Returns:
        Columns by row; rows by how near their closest pair lies to the middle of the doubt.
    """
    open_to_question = (evidence >= DOUBT) & (evidence < SURE)
    distance = np.where(open_to_question, np.abs(evidence - LIKELY), np.inf)
    order = np.argsort(distance.min(axis=1, initial=np.inf), kind="stable")
    rows = [int(i) for i in order if open_to_question[i].any()][: math.floor(share * len(evidence) + 1e-9)]
    most = np.minimum(CANDIDATES, open_to_question.sum(axis=1))
    return {i: sorted(map(int, np.argsort(distance[i], kind="stable")[: most[i]])) for i in rows}


def assign(
    segments: Sequence[Segment],
    signals: Signals,
    questions: Sequence[str],
    *,
    open_to: dict[int, list[int]],
    framework: Framework,
    asker: Asker | None,
    prompt: Prompt,
    embed: Embed,
    encoder: str,
    done: Callable[[int], None] = lambda _: None,
) -> Assigned:
    """Decide every pair of these segments.

    Args:
        signals: Rows as in `segments`.
        questions: The interviewer's question before each segment, "" where there is none.
        open_to: Columns to ask about, by row of `segments`.
        asker: None decides without a language model; pairs that are likely but not sure are abstained on.
        embed: Unit vectors of sentences, by the encoder named `encoder`.

    Raises:
        Incomplete: the model's endpoint is gone.
    """
    asked = [_open(segments[i], columns, questions[i], framework) for i, columns in sorted(open_to.items())]
    said = judge(asked, framework, asker=asker, prompt=prompt, done=done) if asker else {}
    desk = _Desk(framework, asker.model.id if asker else "", encoder, prompt, said)
    strength = evidence_of(signals)
    codings = [
        desk.decide(segment, j, signals, i, float(strength[i, j]))
        for i, segment in enumerate(segments)
        for j in range(len(framework.assignable))
    ]
    verdicts = [v for answer in said.values() if not isinstance(answer, Exception) for v in answer.values()]
    return Assigned(
        codings=tuple(_with_sentences(codings, {s.id: s.text for s in segments}, framework, embed)),
        asked=len(said),
        unlocated=sum(v.unlocated for v in verdicts),
        failed=sum(isinstance(answer, Exception) for answer in said.values()),
    )


def _open(segment: Segment, columns: Sequence[int], question: str, framework: Framework) -> OpenSegment:
    return OpenSegment(segment, tuple(framework.assignable[j].id for j in columns), question)


@dataclass(frozen=True)
class _Desk:
    """What every decision of one batch shares."""

    framework: Framework
    model: str
    encoder: str
    prompt: Prompt
    said: Mapping[str, dict[str, Verdict] | Exception]

    def decide(self, segment: Segment, column: int, signals: Signals, row: int, strength: float) -> Coding:
        """The coding of one pair."""
        code = self.framework.assignable[column].id
        answer = self.said.get(segment.id, {})
        failed = isinstance(answer, Exception)
        verdict = None if isinstance(answer, Exception) else answer.get(code)
        base = Coding(
            segment_id=segment.id,
            code=code,
            coder=f"model:{self.model or self.encoder}",
            outcome=Outcome.FAILED,
            rationale=f"no usable reply: {answer}" if failed else "",
            provenance=self._provenance(signals, row, column, segment.id in self.said, verdict),
        )
        return base if failed else _decide(base, strength, float(signals.leaning[row, column]), verdict)

    def _provenance(self, signals: Signals, row: int, column: int, asked: bool, verdict: Verdict | None) -> Provenance:
        return Provenance(
            model=self.model if asked else "",
            encoder=self.encoder,
            prompt=self.prompt.name if asked else "",
            prompt_digest=self.prompt.digest if asked else "",
            codebook_digest=self.framework.digest,
            similarity=round(float(signals.similarity[row, column]), 3),
            theme=round(float(signals.theme[row, column]), 3),
            asked=asked,
            said=verdict.applies if verdict else None,
        )


def _decide(base: Coding, strength: float, leaning: float, verdict: Verdict | None) -> Coding:
    """One outcome from the evidence and the model's word, if it was asked."""
    outcome = _outcome(strength, verdict)
    chance = 1 / (1 + math.exp(-1.5 * (strength - LIKELY) - (0.5 if verdict and verdict.applies else 0.0)))
    update: dict[str, object] = {
        "outcome": outcome,
        "confidence": round(chance if outcome is not Outcome.NOT_ASSIGNED else 1 - chance, 3),
        "rationale": _rationale(base.provenance, verdict),
    }
    if outcome is Outcome.ASSIGNED:
        update["polarity"] = verdict.polarity if verdict else _polarity(leaning)
        update["evidence"] = (verdict.evidence,) if verdict and verdict.evidence else ()
    return base.model_copy(update=update)


def _outcome(strength: float, verdict: Verdict | None) -> Outcome:
    if verdict is None:
        if strength >= SURE:
            return Outcome.ASSIGNED
        return Outcome.ABSTAINED if strength >= LIKELY else Outcome.NOT_ASSIGNED
    if verdict.applies:
        return Outcome.ASSIGNED
    return Outcome.ABSTAINED if strength >= LIKELY else Outcome.NOT_ASSIGNED


def _polarity(leaning: float) -> Polarity | None:
    if math.isnan(leaning):
        return None
    return Polarity.EXPERIENCED if leaning > 0 else Polarity.ABSENT


def _rationale(signals: Provenance, verdict: Verdict | None) -> str:
    parts = [f"likeness to the code {signals.similarity:+.1f} SD"]
    if signals.theme:
        parts.append(f"its theme is mapped to the code (membership {signals.theme:.2f})")
    if verdict:
        parts.append("the model says it applies" if verdict.applies else "the model says it does not apply")
    return "; ".join(parts)


def _with_sentences(
    codings: Sequence[Coding], texts: dict[str, str], framework: Framework, embed: Embed
) -> list[Coding]:
    """Codings without words of the model's get the sentence most like the code as their evidence."""
    bare = {i: sentences(texts[c.segment_id]) for i, c in enumerate(codings) if _needs_evidence(c)}
    pool = sorted({texts[codings[i].segment_id][s.start : s.end] for i, spans in bare.items() for s in spans})
    row = {text: k for k, text in enumerate(pool)}
    vectors = embed(pool) if pool else np.empty((0, 0), np.float32)
    meaning = {code.id: embed(profile(code)).mean(axis=0) for code in framework.assignable} if pool else {}
    found = list(codings)
    for i, spans in bare.items():
        text = texts[codings[i].segment_id]
        best = max(spans, key=lambda s: float(vectors[row[text[s.start : s.end]]] @ meaning[codings[i].code]))
        found[i] = codings[i].model_copy(update={"evidence": (_span(best),)})
    return found


def _needs_evidence(coding: Coding) -> bool:
    return coding.outcome is Outcome.ASSIGNED and not coding.evidence


def _span(span: Span) -> EvidenceSpan:
    return EvidenceSpan(start=span.start, end=span.end)
