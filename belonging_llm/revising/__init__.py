"""Change a study's codebook knowingly: what a change voids is said before it is saved, and nothing is deleted."""

from __future__ import annotations

from belonging_llm.revising.revise import Proposal, propose, save, with_code, with_merged, without_code
from belonging_llm.revising.versions import Retired, asked_for, retired
from belonging_llm.revising.voids import Voids, voided

__all__ = [
    "Proposal",
    "Retired",
    "Voids",
    "asked_for",
    "propose",
    "retired",
    "save",
    "voided",
    "with_code",
    "with_merged",
    "without_code",
]
