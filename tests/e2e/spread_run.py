"""The analysis over a Dask cluster of two workers: `spread_run.py STUDY LLM`."""

from __future__ import annotations

import sys
from pathlib import Path


def main(folder: str, llm: str) -> int:
    """Run the flow as `belonging analyse --dask 2` does; the workers' ids go to standard output."""
    import hashed  # noqa: F401 - the same here as in the workers

    from belonging_llm.errors import BelongingError
    from belonging_llm.usecases import analyse

    try:
        found = analyse(Path(folder), llm, "local", agree=lambda _: None, dask="2")
    except BelongingError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(f"{found.run_id} {found.calls}\n")
    return 0 if found.complete else 3


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
