"""The themes of a study's last run as people see and change them."""

from __future__ import annotations

from dataclasses import dataclass

from belonging_llm.errors import StudyError
from belonging_llm.study import Study
from belonging_llm.themes import Change, Edit, Theme, Unmet
from belonging_llm.themes.edits import shaped_by


@dataclass(frozen=True)
class Board:
    """The last run's themes as people left them.

    Attributes:
        edits: Every record, the first first.
        unmet: Edits that stand and cannot be honoured, with the reason.
        stale: People changed who belongs where, or what is mapped to what, since the codings were made.
    """

    run_id: str
    themes: tuple[Theme, ...]
    edits: tuple[Edit, ...]
    unmet: tuple[Unmet, ...]
    stale: bool


def board(study: Study) -> Board:
    """What there is now.

    Raises:
        StudyError: no run with themes has finished.
    """
    run_id = _last(study)
    seen, edits = study.store.themes.seen(run_id), study.store.themes.edits()
    settings = study.store.runs.get(run_id).settings
    stale = shaped_by(edits) != settings.get("theme_edits", "")
    return Board(run_id, seen.themes, tuple(edits), seen.unmet, stale)


def revise(study: Study, change: Change, *, by: str, reason: str, seen: int | None = None) -> Edit:
    """Record a change of the last run's themes; everything that reads themes sees it at once.

    Args:
        seen: Id of the last record that the author knew of (0: of none); None takes the themes as they stand.

    Raises:
        StudyError: no run with themes has finished.
        StaleError: somebody else changed one of these themes or segments since `seen`.
        InputError: it makes no sense of the themes as they stand.
    """
    codes = [code.id for code in study.framework().assignable]
    return study.store.themes.edit(_last(study), change, by=by, reason=reason, codes=codes, seen=seen)


def _last(study: Study) -> str:
    run_id = study.store.themes.last()
    if not run_id:
        raise StudyError(f"{study.folder}: no themes yet; find them with `belonging analyse`")
    return run_id
