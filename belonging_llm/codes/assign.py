"""Give every segment and code an outcome: cheap evidence first, a model where it is in doubt, people where both are."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from belonging_llm.asking import Asker
from belonging_llm.codebook import Framework
from belonging_llm.codes.coding import Coding, EvidenceSpan, Outcome, Polarity, Provenance
from belonging_llm.codes.decide import Bar, Chances, after
from belonging_llm.codes.examples import Example
from belonging_llm.codes.judge import OpenSegment, Verdict
from belonging_llm.codes.signals import Embed, Floats, Signals, profile
from belonging_llm.codes.together import Heard, Several, calls, hear
from belonging_llm.codes.word import UNHEARD, Word
from belonging_llm.prompts import Prompt
from belonging_llm.segments import Segment, Span, sentences

EVEN_ODDS = 0.5


@dataclass(frozen=True)
class Assigned:
    """Codings, one for each segment and code, and what was lost on the way.

    Attributes:
        asked: Segments that the language model was asked about.
        unlocated: Evidence that the model gave and that is not in its segment; dropped.
        repaired: Evidence of the model's that stands in its segment nearly as it was given.
        demoted: Codes left to people that would be assigned, had such lost evidence not cost the model its word.
        failed: Segments whose every reply failed.
        apart: Calls about several segments whose reply could not be used, so that these were asked one by one.
    """

    codings: tuple[Coding, ...]
    asked: int
    unlocated: int
    repaired: int
    demoted: int
    failed: int
    apart: int = 0


def assign(
    segments: Sequence[Segment],
    signals: Signals,
    likely: Chances,
    questions: Sequence[str],
    *,
    open_to: dict[int, list[int]],
    framework: Framework,
    asker: Asker | None,
    prompt: Prompt,
    embed: Embed,
    encoder: str,
    bar: Bar,
    word: Word = UNHEARD,
    scored: Mapping[str, Floats | Exception] | None = None,
    absent: Floats | None = None,
    examples: Mapping[int, tuple[Example, ...]] | None = None,
    several: Several | None = None,
    done: Callable[[int], None] = lambda _: None,
) -> Assigned:
    """Decide every pair of these segments.

    Args:
        signals: Rows as in `segments`; likewise `likely`.
        questions: The interviewer's question before each segment, "" where there is none.
        open_to: Columns to ask about, by row of `segments`.
        asker: None decides without a language model.
        bar: Which errors may be made without a person.
        word: What the model's word is worth.
        scored: Changes of the log-odds by segment, shape (n_codes,), where a model weighed all codes at once; then
            nothing more is asked.
        absent: Learned probability that belonging is absent where a code applies, shape (n_segments,); None where
            too little was coded.
        examples: Segments that people coded, to be shown beside these, by row of `segments`.
        several: How the model is asked about several of these in one call; without, one by one.
        embed: Unit vectors of sentences, by the encoder named `encoder`.

    Raises:
        Incomplete: the model's endpoint is gone.
    """
    shown = examples or {}
    asked = [_open(segments[i], at, questions[i], framework, shown.get(i, ())) for i, at in sorted(open_to.items())]
    heard = Heard()
    if asker and scored is None:
        cut = calls(asked, several.size if several else 1)
        heard = hear(cut, framework, asker=asker, prompt=prompt, several=several, done=done)
    said, scored = heard.verdicts, scored or {}
    prompts = {s.id: several.prompt if several and s.id not in heard.alone else prompt for s in segments}
    desk = _Desk(
        framework, asker.model.id if asker else "", encoder, prompts, said, signals, likely, bar, word, absent, scored
    )
    codings = [
        desk.decide(segment, i, j) for i, segment in enumerate(segments) for j in range(len(framework.assignable))
    ]
    verdicts = [v for answer in said.values() if not isinstance(answer, Exception) for v in answer.values()]
    return Assigned(
        codings=tuple(_with_sentences(codings, {s.id: s.text for s in segments}, framework, embed)),
        asked=len(said) + len(scored),
        unlocated=sum(v.unlocated for v in verdicts),
        repaired=sum(bool(v.evidence and v.evidence.repaired) for v in verdicts),
        demoted=sum(desk.demoted(coding) for coding in codings),
        failed=sum(isinstance(answer, Exception) for answer in [*said.values(), *scored.values()]),
        apart=heard.apart,
    )


def _open(
    segment: Segment, columns: Sequence[int], question: str, framework: Framework, examples: tuple[Example, ...]
) -> OpenSegment:
    return OpenSegment(segment, tuple(framework.assignable[j].id for j in columns), question, examples)


@dataclass(frozen=True)
class _Desk:
    """What every decision of one batch shares."""

    framework: Framework
    model: str
    encoder: str
    prompts: Mapping[str, Prompt]
    said: Mapping[str, dict[str, Verdict] | Exception]
    signals: Signals
    likely: Chances
    bar: Bar
    word: Word
    absent: Floats | None
    scored: Mapping[str, Floats | Exception]

    def decide(self, segment: Segment, row: int, column: int) -> Coding:
        """The coding of one pair."""
        code = self.framework.assignable[column].id
        answer = self.said.get(segment.id, {})
        weighed = self.scored.get(segment.id)
        error = next((one for one in (answer, weighed) if isinstance(one, Exception)), None)
        verdict = None if isinstance(answer, Exception) else answer.get(code)
        asked = segment.id in self.said or segment.id in self.scored
        base = Coding(
            segment_id=segment.id,
            code=code,
            coder=f"model:{self.model or self.encoder}",
            outcome=Outcome.FAILED,
            rationale=f"no usable reply: {error}" if error else "",
            provenance=self._provenance(row, column, self.prompts[segment.id] if asked else None, verdict, weighed),
        )
        return base if error else self._decided(base, row, column, verdict)

    def _decided(self, base: Coding, row: int, column: int, verdict: Verdict | None) -> Coding:
        """One outcome from the evidence and the model's word, if it was asked."""
        chance = base.provenance.chance or 0.0
        outcome = self.bar.outcome(chance)
        update: dict[str, object] = {
            "outcome": outcome,
            "confidence": round(chance if outcome is not Outcome.NOT_ASSIGNED else 1 - chance, 3),
            "rationale": _rationale(base.provenance, verdict),
        }
        if outcome is Outcome.ASSIGNED:
            update["polarity"] = verdict.polarity if verdict and verdict.counts else self._polarity(row, column)
            update["evidence"] = (verdict.evidence,) if verdict and verdict.evidence else ()
        return base.model_copy(update=update)

    def demoted(self, coding: Coding) -> bool:
        """Whether people are asked only because the model's quote was lost: its yes would have decided."""
        answer = self.said.get(coding.segment_id, {})
        verdict = None if isinstance(answer, Exception) else answer.get(coding.code)
        if coding.outcome is not Outcome.ABSTAINED or verdict is None or not verdict.unlocated:
            return False
        heard = after(coding.provenance.chance or 0.0, self.word.shift(verdict.applies))
        return self.bar.outcome(heard) is Outcome.ASSIGNED

    def _polarity(self, row: int, column: int) -> Polarity | None:
        if self.absent is not None:
            return Polarity.ABSENT if self.absent[row] >= EVEN_ODDS else Polarity.EXPERIENCED
        return _polarity(float(self.signals.leaning[row, column]))

    def _provenance(
        self, row: int, column: int, prompt: Prompt | None, verdict: Verdict | None, weighed: Floats | Exception | None
    ) -> Provenance:
        applies = verdict.applies if verdict else None
        moved = 0.0 if weighed is None or isinstance(weighed, Exception) else float(weighed[column])
        # A yes that rests on words that nobody said is no evidence that the code is there.
        shift = self.word.shift(verdict.counts if verdict else None) + moved
        return Provenance(
            model=self.model if prompt else "",
            encoder=self.encoder,
            prompt=prompt.name if prompt else "",
            prompt_digest=prompt.digest if prompt else "",
            codebook_digest=self.framework.digest,
            similarity=round(float(self.signals.similarity[row, column]), 3),
            theme=round(float(self.signals.theme[row, column]), 3),
            taught=bool(self.likely.taught[column]),
            chance=round(after(float(self.likely.chance[row, column]), shift), 4),
            guess=bool(self.likely.leaning[row, column] + shift >= 0),
            asked=prompt is not None,
            said=applies,
            moved=round(moved, 3) if prompt and verdict is None else None,
        )


def _polarity(leaning: float) -> Polarity | None:
    if math.isnan(leaning):
        return None
    return Polarity.EXPERIENCED if leaning > 0 else Polarity.ABSENT


def _rationale(signals: Provenance, verdict: Verdict | None) -> str:
    learned = f"people's codings make it {signals.chance:.0%} likely" if signals.taught else ""
    parts = [learned] if learned else []
    parts.append(f"likeness to the code {signals.similarity:+.1f} SD")
    if signals.theme:
        parts.append(f"its theme is mapped to the code (membership {signals.theme:.2f})")
    if signals.moved:
        parts.append(f"the model finds it {'more' if signals.moved > 0 else 'less'} likely here than elsewhere")
    if verdict and verdict.unlocated:
        parts.append("the model says it applies, but quotes words that are not there, so that does not count")
    elif verdict:
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
        found[i] = codings[i].model_copy(update={"evidence": (_from_word(best, text),)})
    return found


def _needs_evidence(coding: Coding) -> bool:
    return coding.outcome is Outcome.ASSIGNED and not coding.evidence


def _from_word(span: Span, text: str) -> EvidenceSpan:
    """A span less what stands before its first letter or digit: dashes and signs are no evidence."""
    lead = next((k for k, character in enumerate(text[span.start : span.end]) if character.isalnum()), 0)
    return EvidenceSpan(start=span.start + lead, end=span.end)
