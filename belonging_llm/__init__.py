"""LLM-assisted thematic analysis for research on sense of belonging in higher education."""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "0.1.0"
