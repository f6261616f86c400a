"""The analysis over a Dask cluster of two workers: `spread_run.py STUDY LLM [USD]`; with USD, the model has a price."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path


def main(folder: str, llm: str, usd: str = "") -> int:
    """Run the flow as `belonging analyse --dask 2` does; the workers' ids go to standard output."""
    # The same here as in the workers.
    importlib.import_module("hashed_dear" if usd else "hashed")

    from belonging_llm.errors import BelongingError
    from belonging_llm.usecases import analyse

    try:
        budget = float(usd) if usd else None
        found = analyse(Path(folder), llm, "local", agree=lambda _: None, budget=budget, dask="2")
    except BelongingError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(f"{found.run_id} {found.calls}\n")
    return 0 if found.complete else 3


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
