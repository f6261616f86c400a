"""The main job on a study, stage by stage: each verb reads the store, runs one step, writes the store.

Every stage can be killed at any point and run again: what is committed is found, the rest is done.
"""

from __future__ import annotations

from belonging_llm.analysis.allowing import Allowance, allowances
from belonging_llm.analysis.bench import Asking, Workbench, workbench
from belonging_llm.analysis.closing import failed_segments, finish
from belonging_llm.analysis.coding import batches, code_batch, decide, open_batches, try_model
from belonging_llm.analysis.freezing import freeze
from belonging_llm.analysis.grouping import embed_segments, find_themes
from belonging_llm.analysis.job import Done, Job
from belonging_llm.analysis.opening import prepare, survey
from belonging_llm.analysis.posting import posts, send_questions
from belonging_llm.analysis.sharing import code_piece, count, embed_piece, embedding_parts

__all__ = [
    "Allowance",
    "Asking",
    "Done",
    "Job",
    "Workbench",
    "allowances",
    "batches",
    "code_batch",
    "code_piece",
    "count",
    "decide",
    "embed_piece",
    "embed_segments",
    "embedding_parts",
    "failed_segments",
    "find_themes",
    "finish",
    "freeze",
    "open_batches",
    "posts",
    "prepare",
    "send_questions",
    "survey",
    "try_model",
    "workbench",
]
