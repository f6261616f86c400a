"""The page an audit is read on, and the same audit for machines."""

from __future__ import annotations

from belonging_llm.report.audit.machine import as_json, plain
from belonging_llm.report.audit.page import render

__all__ = ["as_json", "plain", "render"]
