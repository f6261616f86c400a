"""Codes: every segment and code gets an outcome, with evidence, confidence and provenance."""

from __future__ import annotations

from belonging_llm.codes.assign import Assigned, assign, evidence_of, open_pairs
from belonging_llm.codes.coding import Coding, EvidenceSpan, Judgement, Outcome, Polarity, Provenance
from belonging_llm.codes.signals import Signals, weigh

__all__ = [
    "Assigned",
    "Coding",
    "EvidenceSpan",
    "Judgement",
    "Outcome",
    "Polarity",
    "Provenance",
    "Signals",
    "assign",
    "evidence_of",
    "open_pairs",
    "weigh",
]
