"""`belonging`: parse, call one use case, print. Heavy imports wait until a command needs them."""

from belonging_llm.cli import (
    analyse,
    audit,
    batch,
    bring_in,
    codebook,
    deidentify,
    drift,
    export,
    measure,
    models,
    review,
    schedule,
    speakers,
    stability,
    tables,
    themes,
    withdraw,
)
from belonging_llm.cli.front import main

__all__ = [
    "analyse",
    "audit",
    "batch",
    "bring_in",
    "codebook",
    "deidentify",
    "drift",
    "export",
    "main",
    "measure",
    "models",
    "review",
    "schedule",
    "speakers",
    "stability",
    "tables",
    "themes",
    "withdraw",
]
