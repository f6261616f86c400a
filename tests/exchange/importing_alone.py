"""Bring every file of a folder into a study, in a process of its own: prints time and memory of each as JSON lines."""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

from belonging_llm.exchange import Wish
from belonging_llm.importing import import_paths
from belonging_llm.study import create

study = create(Path(sys.argv[1]))
# What is loaded once is no file's fault.
import_paths(study, [Path(sys.argv[2]) / "good.qdpx", Path(sys.argv[2]) / "good.sqlite3"], None, Wish("theirs", "best"))
base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sorted(Path(sys.argv[2]).iterdir()):
    begun = time.process_time()
    (item,) = import_paths(study, [path], None, Wish("theirs", "best"))
    row = {
        "file": path.name,
        "cpu": time.process_time() - begun,
        "kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base,
        "note": item.note,
        "problem": item.problem,
        "added": item.added,
    }
    sys.stdout.write(json.dumps(row) + "\n")
