"""Codes: every segment and code gets an outcome, with evidence, confidence and provenance."""

from __future__ import annotations

from belonging_llm.codes.assign import Assigned, assign
from belonging_llm.codes.coding import Coding, EvidenceSpan, Judgement, Outcome, Polarity, Provenance
from belonging_llm.codes.decide import Bar, Chances, after, chances, cuts, open_pairs, strength
from belonging_llm.codes.examples import Example, nearest
from belonging_llm.codes.judge import OpenSegment, Verdict, judge, question
from belonging_llm.codes.probe import NO_LESSONS, Learned, Lessons, features, learn, learn_polarity
from belonging_llm.codes.score import Scale, doubtful, fits, scale, score, shifts_of, weighing
from belonging_llm.codes.signals import Signals, weigh
from belonging_llm.codes.together import Heard, Several, hear
from belonging_llm.codes.unaided import carry_over
from belonging_llm.codes.variation import Kind, Recoding, Sample, StabilityPlan, Variation
from belonging_llm.codes.word import UNHEARD, Word, worth

__all__ = [
    "NO_LESSONS",
    "UNHEARD",
    "Assigned",
    "Bar",
    "Chances",
    "Coding",
    "EvidenceSpan",
    "Example",
    "Heard",
    "Judgement",
    "Kind",
    "Learned",
    "Lessons",
    "OpenSegment",
    "Outcome",
    "Polarity",
    "Provenance",
    "Recoding",
    "Sample",
    "Scale",
    "Several",
    "Signals",
    "StabilityPlan",
    "Variation",
    "Verdict",
    "Word",
    "after",
    "assign",
    "carry_over",
    "chances",
    "cuts",
    "doubtful",
    "features",
    "fits",
    "hear",
    "judge",
    "learn",
    "learn_polarity",
    "nearest",
    "open_pairs",
    "question",
    "scale",
    "score",
    "shifts_of",
    "strength",
    "weigh",
    "weighing",
    "worth",
]
