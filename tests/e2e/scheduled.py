"""`belonging schedule` as a process whose runs have hashed words for an encoder: `scheduled.py STUDY LLM CRON WAIT`."""

from __future__ import annotations

import signal
import sys

from belonging_llm.batch import BatchJob
from belonging_llm.errors import BelongingError
from belonging_llm.schedules import When, schedule


def main(folder: str, llm: str, cron: str, wait: str) -> int:
    """Serve until interrupted, also where tests run in the background of a shell, which ignores Ctrl-C."""
    signal.signal(signal.SIGINT, signal.default_int_handler)

    def say(line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    try:
        when = When(cron, "Europe/Berlin", None, "hashed_flow.scheduled_batch", "hashed_flow.renew", int(wait))
        schedule(BatchJob(folder, llm, "local"), when, say)
    except BelongingError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
