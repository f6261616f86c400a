"""An analysis that sends batches, as a plain process that may kill itself: `batch_run.py STUDY LLM MODE [DIE_AT]`.

MODE is `batch`, `leave` (send and do not wait), `plain` or `recall`. DIE_AT is `VERB:N:WHEN`: SIGKILL at the Nth call of
a verb of the register, `before` it does anything or `after` it is committed.
"""

from __future__ import annotations

import sys
from dataclasses import replace

from batch_errand import arm
from plain_run import run_stages

from belonging_llm.adapters import factory
from belonging_llm.adapters.fakes import HashEncoder
from belonging_llm.analysis import Job, posting
from belonging_llm.errors import BelongingError
from belonging_llm.parcels import collect


def main(folder: str, llm: str, mode: str, die_at: str = "") -> int:
    """Every stage in its order; returns the exit code."""
    factory.encoder = lambda _: HashEncoder()
    # Looks follow one another at once, and an order that was cut off is given a moment only.
    posting.PATIENCE = replace(posting.PATIENCE, first=0.01, longest=0.02, settles=0.3)
    collect.CHUNK = 5
    if die_at:
        arm(*die_at.split(":"))
    job = Job(
        folder,
        llm,
        "local",
        batch=mode in {"batch", "leave"},
        patience=0 if mode == "leave" else None,
        recall=mode == "recall",
    )
    try:
        sys.stdout.write(run_stages(job) + "\n")
    except BelongingError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
