"""Finding themes anew needs somebody's word: what there is to decide, and who decided it, kept with the runs."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from belonging_llm.provenance import now
from belonging_llm.study import Study
from belonging_llm.theme_board import due, misfitting

KEPT = "words_on_themes"


@dataclass(frozen=True)
class Question:
    """Whether themes are to be found anew.

    Attributes:
        batch: The last batch (or analysis), after which this is asked.
        why: Why they are due; counts alone.
        alarms: Ids of the alarms that say so; none where so much came in that it is time anyway.
    """

    batch: str
    why: str
    alarms: tuple[str, ...]


class Word(BaseModel):
    """What somebody said to that.

    Attributes:
        agree: Themes are found anew.
        by: Who said so; "" where nobody answered.
        reason: In their words.
        why: What they were asked about.
        at: ISO 8601, UTC.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    agree: bool
    by: str
    reason: str
    why: str
    at: str


def question(study: Study) -> Question | None:
    """What there is to decide; None while themes are not due."""
    why = due(study)
    if not why:
        return None
    batch = study.store.themes.last()
    return Question(batch, why, tuple(one.id for one in misfitting(study, study.store.themes.layers(batch))))


def word(asked: Question, *, agree: bool, by: str, reason: str) -> Word:
    """Somebody's answer, now."""
    return Word(agree=agree, by=by, reason=reason, why=asked.why, at=now())


def keep(study: Study, run_id: str, said: Word) -> None:
    """Put it on record with a run; what was said before stays."""
    before = study.store.runs.get(run_id).counts.get(KEPT, [])
    study.store.runs.note(run_id, **{KEPT: [*before, said.model_dump()]})


def words(study: Study) -> list[tuple[str, Word]]:
    """Everything that was said, with the run that it is kept with, the first first."""
    runs = study.store.runs.finished()
    said = [(run.id, Word.model_validate(one)) for run in runs for one in run.counts.get(KEPT, [])]
    return sorted(said, key=lambda one: one[1].at)


def word_line(said: Word) -> str:
    """One of them as people read it."""
    who = f"{said.by} {'agreed' if said.agree else 'refused'}" if said.by else "nobody"
    return f"{said.at}  {who}: {said.reason}  [{said.why}]"
