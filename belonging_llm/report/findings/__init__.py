"""The page a study is read on: its themes and codes, what was left out, and how all of it was made."""

from __future__ import annotations

from belonging_llm.report.findings.page import render
from belonging_llm.report.findings.records import Findings, Losses, PromptText, RunRecord, TranscriptSummary, Usage
from belonging_llm.report.findings.share import Share

__all__ = ["Findings", "Losses", "PromptText", "RunRecord", "Share", "TranscriptSummary", "Usage", "render"]
