"""`plain_run.py` (after the word `batch`, `plain_batch.py`) again and again, each in a forked process that can be killed: what takes seconds to import is there.

Reads a JSON list of arguments a line. Answers with two lines: the process's id, and when it is over a list of its
exit code (negative: the signal that ended it) and what it wrote to standard error.
"""

from __future__ import annotations

import json
import os
import sys
import traceback

import hdbscan  # noqa: F401 - imported so that no run has to; likewise those below
import numpy as np
import openai  # noqa: F401
import plain_batch
import plain_run
import umap  # noqa: F401

from belonging_llm import clusters


def main() -> None:
    """Serve until standard input ends."""
    # Compiled once here instead of in every run: that takes longer than all the rest.
    clusters.find(
        np.random.default_rng(0).normal(size=(60, 64)).astype(np.float32), [f"{n:03}" for n in range(60)], seed=0
    )
    for line in sys.stdin:
        said, end = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(said)
            run(json.loads(line), end)
        os.close(end)
        # A group of its own before anybody knows its id.
        os.setpgid(child, child)
        tell(child)
        with os.fdopen(said, encoding="utf-8") as stream:
            errors = stream.read()
        tell([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), errors])


def run(arguments: list[str], errors: int) -> None:
    """Be the forked process; never returns."""
    code = 1
    try:
        os.dup2(errors, 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        main = plain_batch.main if arguments[0] == "batch" else plain_run.main
        code = main(*arguments[arguments[0] == "batch" :])
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def tell(what: object) -> None:
    """One line of JSON."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
