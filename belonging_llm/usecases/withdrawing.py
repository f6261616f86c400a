"""Take a participant out of a study."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from belonging_llm.study import Study

if TYPE_CHECKING:
    from belonging_llm.withdrawal import Certificate


def withdraw(folder: Path, participant: str, by: str) -> tuple[Certificate, Path]:
    """Take a participant out of a study; returns the certificate and where it lies.

    Raises:
        StudyError: not a study, or nobody in it is called so.
        Incomplete: another process works on the study.
    """
    from belonging_llm.withdrawal import withdraw as take_out

    study = Study(folder)
    try:
        return take_out(study, participant, by)
    finally:
        study.store.close()
