"""Code a sample again with one thing varied at a time: does the model say the same? Whether it is right, others ask."""

from __future__ import annotations

from belonging_llm.stability.bench import Bench, Wish
from belonging_llm.stability.recoding import Begun, prepare, recode

__all__ = ["Begun", "Bench", "Wish", "prepare", "recode"]
