"""Codes: every segment and code gets an outcome, with evidence, confidence and provenance."""

from __future__ import annotations

from belonging_llm.codes.assign import Assigned, assign
from belonging_llm.codes.coder import METHOD, Coder, Lesson, Material, Pool, Weighed, learn_coder
from belonging_llm.codes.coder_bytes import from_bytes, to_bytes
from belonging_llm.codes.coding import Coding, EvidenceSpan, Judgement, Outcome, Polarity, Provenance
from belonging_llm.codes.decide import Bar, Chances, after, chances, cuts, open_pairs, open_pairs_within, strength
from belonging_llm.codes.examples import Example, nearest
from belonging_llm.codes.judge import OpenSegment, Verdict, judge, question
from belonging_llm.codes.merging import merged
from belonging_llm.codes.probe import NO_LESSONS, Learned, Lessons, features, learn, learn_polarity
from belonging_llm.codes.score import (
    Scale,
    doubtful,
    doubtful_beyond,
    fits,
    scale,
    score,
    scores_of,
    shifts_of,
    weighing,
)
from belonging_llm.codes.signals import Signals, weigh
from belonging_llm.codes.together import Heard, Several, hear
from belonging_llm.codes.unaided import carry_over
from belonging_llm.codes.variation import Kind, Recoding, Sample, StabilityPlan, Variation
from belonging_llm.codes.word import UNHEARD, Word, worth

__all__ = [
    "METHOD",
    "NO_LESSONS",
    "UNHEARD",
    "Assigned",
    "Bar",
    "Chances",
    "Coder",
    "Coding",
    "EvidenceSpan",
    "Example",
    "Heard",
    "Judgement",
    "Kind",
    "Learned",
    "Lesson",
    "Lessons",
    "Material",
    "OpenSegment",
    "Outcome",
    "Polarity",
    "Pool",
    "Provenance",
    "Recoding",
    "Sample",
    "Scale",
    "Several",
    "Signals",
    "StabilityPlan",
    "Variation",
    "Verdict",
    "Weighed",
    "Word",
    "after",
    "assign",
    "carry_over",
    "chances",
    "cuts",
    "doubtful",
    "doubtful_beyond",
    "features",
    "fits",
    "from_bytes",
    "hear",
    "judge",
    "learn",
    "learn_coder",
    "learn_polarity",
    "merged",
    "nearest",
    "open_pairs",
    "open_pairs_within",
    "question",
    "scale",
    "score",
    "scores_of",
    "shifts_of",
    "strength",
    "to_bytes",
    "weigh",
    "weighing",
    "worth",
]
