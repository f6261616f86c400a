"""Batches: new material on top of a whole run. What the run learned is laid on it, and nothing old is touched."""

from __future__ import annotations

from belonging_llm.batch.bench import BatchBench, batch_bench
from belonging_llm.batch.closing import finish
from belonging_llm.batch.coding import code_chunk, waiting_chunks
from belonging_llm.batch.intake import Intake, intake
from belonging_llm.batch.job import BatchJob
from belonging_llm.batch.locking import exclusive
from belonging_llm.batch.opening import Opened, forecast, open_batch
from belonging_llm.batch.placing import embed_segments, place_segments
from belonging_llm.batch.posting import posts, send_questions
from belonging_llm.batch.publishing import publish
from belonging_llm.batch.recoding import recode
from belonging_llm.batch.told import tell

__all__ = [
    "BatchBench",
    "BatchJob",
    "Intake",
    "Opened",
    "batch_bench",
    "code_chunk",
    "embed_segments",
    "exclusive",
    "finish",
    "forecast",
    "intake",
    "open_batch",
    "place_segments",
    "posts",
    "publish",
    "recode",
    "send_questions",
    "tell",
    "waiting_chunks",
]
