"""Change reports as files in a study's folder: a page for people and the same figures as JSON."""

from __future__ import annotations

from pathlib import Path

from belonging_llm.batch.told import tell
from belonging_llm.report.batch import Told, render
from belonging_llm.store import Run
from belonging_llm.study import Study

FOLDER = "batches"


def publish(study: Study, run: Run, drift: str = "") -> tuple[Told, Path]:
    """Write `reports/batches/ID.html` and `ID.json`; returns what they tell, and the page's path.

    Args:
        drift: The part about drift, as HTML; empty where nobody watched.
    """
    told = tell(study, run, drift)
    page = page_of(study, run.id)
    _write(page, render(told))
    _write(page.with_suffix(".json"), told.model_dump_json(indent=2) + "\n")
    return told, page


def page_of(study: Study, run_id: str) -> Path:
    """Where a batch's page lies."""
    return study.reports / FOLDER / f"{run_id[:12]}.html"


def _write(target: Path, text: str) -> None:
    """Write a file whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".part")
    partial.write_text(text, encoding="utf-8")
    partial.replace(target)
