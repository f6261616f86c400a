"""Codes: every segment and code gets an outcome, with evidence, confidence and provenance."""

from __future__ import annotations

from belonging_llm.codes.assign import Assigned, assign
from belonging_llm.codes.coding import Coding, EvidenceSpan, Judgement, Outcome, Polarity, Provenance
from belonging_llm.codes.decide import Bar, Chances, after, chances, open_pairs
from belonging_llm.codes.examples import Example, nearest
from belonging_llm.codes.judge import OpenSegment, Verdict, judge, question
from belonging_llm.codes.probe import NO_LESSONS, Learned, Lessons, features, learn, learn_polarity
from belonging_llm.codes.score import Scale, doubtful, fits, scale, score, shifts_of
from belonging_llm.codes.signals import Signals, weigh
from belonging_llm.codes.together import Heard, Several, hear
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
    "Learned",
    "Lessons",
    "OpenSegment",
    "Outcome",
    "Polarity",
    "Provenance",
    "Scale",
    "Several",
    "Signals",
    "Verdict",
    "Word",
    "after",
    "assign",
    "chances",
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
    "weigh",
    "worth",
]
