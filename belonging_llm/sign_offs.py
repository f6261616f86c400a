"""Bring somebody's answer to whether themes are to be found anew to where the study is scheduled."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from belonging_llm import renewal
from belonging_llm.errors import InputError
from belonging_llm.renewal import Question, Word
from belonging_llm.study import Study

# What became of an answer.
TOLD = {
    "resumed": "the run that waited goes on: themes are found anew",
    "started": "a run is started that finds themes anew",
    "refused": "themes stay as they are; it is on record",
}


def sign_off(folder: Path, *, agree: bool, by: str, reason: str) -> str:
    """Answer for a study whose schedule is served; returns what becomes of it.

    A run that waits is resumed with the answer. Where none waits (any more), agreement starts one by an event, and a
    refusal is kept with the last batch.

    Raises:
        StudyError: not a study.
        InputError: no name, no reason, themes that are not due, or no schedule that could be told.
    """
    if not by.strip() or not reason.strip():
        raise InputError("an answer needs somebody's name (--by) and a reason (--reason): both are kept with the run")
    study = Study(folder.resolve())
    asked = renewal.question(study)
    if asked is None:
        raise InputError(f"{study.folder}: themes are not due; `belonging batch --recode` finds them anew all the same")
    said = renewal.word(asked, agree=agree, by=by, reason=reason)
    fate = _answer(study, asked, said)
    if fate == "nobody waits":
        renewal.keep(study, asked.batch, said)
    study.store.close()
    return TOLD["resumed" if agree and fate == "resumed" else "started" if agree else "refused"]


def _answer(study: Study, asked: Question, said: Word) -> str:
    with _server(study):
        from flows.answering import answer
        from flows.serving import name_of

        return asyncio.run(answer(str(study.folder), name_of(study.folder), asked, said))


@contextmanager
def _server(study: Study) -> Iterator[None]:
    """Prefect's environment for the server that the user named, or the study's own, which has to run."""
    from flows.local_server import running
    from flows.settings import use_prefect_quietly

    use_prefect_quietly(study.prefect_home)
    own: dict[str, str] = {}
    if "PREFECT_API_URL" not in os.environ:
        server = running(study.prefect_home)
        if server is None:
            raise InputError(
                f"{study.folder}: its schedule is not served here; serve it with `belonging schedule`, name its server "
                "with PREFECT_API_URL, or find themes anew with `belonging batch --recode`"
            )
        own = {"PREFECT_API_URL": server.url, "PREFECT_API_AUTH_STRING": server.auth}
    os.environ |= own
    try:
        yield
    finally:
        for name in own:
            os.environ.pop(name, None)
