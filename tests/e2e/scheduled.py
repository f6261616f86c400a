"""`belonging schedule` as a process whose runs have hashed words for an encoder: `scheduled.py STUDY LLM CRON`."""

from __future__ import annotations

import sys

from belonging_llm.batch import BatchJob
from belonging_llm.errors import BelongingError
from belonging_llm.schedules import When, schedule


def main(folder: str, llm: str, cron: str) -> int:
    """Serve until interrupted."""

    def say(line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    try:
        schedule(BatchJob(folder, llm, "local"), When(cron, "Europe/Berlin", flow="hashed_flow.scheduled_batch"), say)
    except BelongingError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
