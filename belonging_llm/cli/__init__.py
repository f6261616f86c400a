"""`belonging`: parse, call one use case, print. Heavy imports wait until a command needs them."""

from belonging_llm.cli import (
    analyse,
    audit,
    batch,
    bring_in,
    deidentify,
    export,
    measure,
    models,
    schedule,
    speakers,
    stability,
    tables,
    withdraw,
)
from belonging_llm.cli.front import main

__all__ = [
    "analyse",
    "audit",
    "batch",
    "bring_in",
    "deidentify",
    "export",
    "main",
    "measure",
    "models",
    "schedule",
    "speakers",
    "stability",
    "tables",
    "withdraw",
]
