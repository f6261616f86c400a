"""The change report: one page that says what a batch brought, what failed, what changed, and what waits for people."""

from __future__ import annotations

from belonging_llm.report.batch.page import render
from belonging_llm.report.batch.records import CodeChange, FileLine, Share, Sums, ThemeChange, Told
from belonging_llm.report.batch.summary import markdown, notes, sentences

__all__ = [
    "CodeChange",
    "FileLine",
    "Share",
    "Sums",
    "ThemeChange",
    "Told",
    "markdown",
    "notes",
    "render",
    "sentences",
]
