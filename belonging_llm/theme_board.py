"""The themes of a study's last run as people see and change them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from belonging_llm.errors import StudyError
from belonging_llm.store import Alarm
from belonging_llm.study import Study
from belonging_llm.themes import Change, Edit, Step, Theme, Unmet, concerned
from belonging_llm.themes.due import why_due
from belonging_llm.themes.edits import shaped_by, undone


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


@dataclass(frozen=True)
class History:
    """What became of themes.

    Attributes:
        runs: Steps by run, the first run first, with the time at which it began.
        edits: Every record; `undone` has the ids of those that count no longer.
    """

    runs: tuple[tuple[str, str, tuple[Step, ...]], ...]
    edits: tuple[Edit, ...]
    undone: frozenset[int]


def board(study: Study) -> Board:
    """What there is now.

    Raises:
        StudyError: no run with themes has finished.
    """
    run_id = _last(study)
    seen, edits = study.store.themes.seen(run_id), study.store.themes.edits()
    run = study.store.runs.get(run_id)
    settings = study.store.runs.get(run.base_id or run.id).settings
    stale = shaped_by(edits) != settings.get("theme_edits", "")
    return Board(run_id, seen.themes, tuple(edits), seen.unmet, stale)


def due(study: Study) -> str:
    """Why segments should be grouped anew; "" where placing them is enough.

    Batches brought so many, or the watch of one of them found that too many fit nowhere and nobody has looked into it.
    """
    run_id = study.store.themes.last()
    origin = study.store.themes.origin(run_id) if run_id else None
    if origin is None:
        return ""
    batches = study.store.themes.layers(run_id)[1:]
    counted = [study.store.runs.get(ident).counts for ident in batches]
    came = sum(counts.get("placed", 0) + len(counts.get("outliers", ())) for counts in counted)
    return why_due(origin.grouped, came, novel=bool(misfitting(study, batches)))


def misfitting(study: Study, batches: Iterable[str]) -> list[Alarm]:
    """Alarms of these batches that new segments fit no theme, and that nobody has looked into."""
    concerned_runs = set(batches)
    raised = study.store.drift.alarms() if concerned_runs else []
    return [a for a in raised if a.open and a.kind == "novelty" and a.run_id in concerned_runs]


def speakers(study: Study, now: Board) -> dict[str, int]:
    """How many participants speak in each theme, by its id."""
    who = {s.id: s.participant for s in study.store.corpus.every_segment()}
    return {t.id: len({who[m.segment_id] for m in t.members}) for t in now.themes}


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


def history(study: Study) -> History:
    """What became of every theme, and what people changed."""
    runs: dict[str, list[Step]] = {}
    for run_id, step in study.store.themes.lineage():
        runs.setdefault(run_id, []).append(step)
    edits = study.store.themes.edits()
    told = tuple((run, study.store.runs.get(run).started_at, tuple(steps)) for run, steps in runs.items())
    return History(told, tuple(edits), frozenset(undone(edits)))


def board_record(now: Board, people: Mapping[str, int]) -> dict[str, Any]:
    """The board as JSON; `people` as `speakers` counts them."""
    return {
        "run": now.run_id,
        "themes": [
            t.model_dump(mode="json", include={"id", "name", "definition", "by", "mapping"})
            | {"segments": [m.segment_id for m in t.members], "participants": people[t.id]}
            for t in now.themes
        ],
        "unmet": [{"edit": u.edit.id, "reason": u.reason} for u in now.unmet],
        "codings_older_than_edits": now.stale,
    }


def board_lines(now: Board, people: Mapping[str, int]) -> list[str]:
    """The board for a terminal; `people` as `speakers` counts them."""
    lines = [f"{len(now.themes)} themes of run {now.run_id}"]
    for t in now.themes:
        place = "outside the framework" if t.mapping.outside else ", ".join(c.code for c in t.mapping.codes)
        size = f"{len(t.members)} segments, {people[t.id]} participants"
        lines.append(f"  {t.id}  {t.name}  [{place or 'not mapped'}]  {size}  (named by {t.by or 'nobody'})")
    lines += [f"edit {u.edit.id} cannot be honoured: {u.reason}" for u in now.unmet]
    if now.stale:
        lines.append("themes were changed after the last run: `belonging analyse` takes that into the codings")
    return lines


def history_record(found: History) -> dict[str, Any]:
    """The history as JSON."""
    return {
        "runs": [
            {"run": run, "started_at": at, "steps": [step.model_dump(mode="json") for step in steps]}
            for run, at, steps in found.runs
        ],
        "edits": [e.model_dump(mode="json") | {"undone": e.id in found.undone} for e in found.edits],
    }


def history_lines(found: History) -> list[str]:
    """The history for a terminal."""
    lines: list[str] = []
    for run, at, steps in found.runs:
        lines.append(f"run {run}, {at}")
        lines += [f"  {step_line(step)}" for step in steps]
    lines.append(f"{len(found.edits)} edits by people")
    lines += [f"  {edit_line(e)}{'  [undone]' if e.id in found.undone else ''}" for e in found.edits]
    return lines


def step_line(step: Step) -> str:
    """One step of a run's lineage."""
    ids = " + ".join(step.before), " + ".join(step.after)
    way = " → ".join(i for i in ids if i) if ids[0] != ids[1] else ids[0]
    names = f": {step.was!r} → {step.now!r}" if step.was or step.now else ""
    overlap = step.overlap
    shared = f"; {overlap.shared} of {overlap.before} and {overlap.after} shared" if overlap else ""
    likeness = f", cosine {overlap.likeness:.2f}" if overlap and overlap.likeness is not None else ""
    edit = f" (edit {step.edit})" if step.edit is not None else ""
    return f"{step.fate}  {way}{names}  {step.reason}{shared}{likeness}{edit}"


def edit_line(edit: Edit) -> str:
    """One record."""
    change = edit.change.model_dump(mode="json", exclude={"kind"}, exclude_defaults=True)
    segments = change.pop("segments", None)
    told = [f"{name} {_plain(value)}" for name, value in change.items()]
    told += [f"{len(segments)} segments"] if segments else []
    about = f"  [{', '.join(concerned(edit.change))}]" if concerned(edit.change) else ""
    return f"{edit.id}  {edit.change.kind}{about}  {'; '.join(told)}  by {edit.by}, {edit.at}: {edit.reason}"


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _last(study: Study) -> str:
    run_id = study.store.themes.last()
    if not run_id:
        raise StudyError(f"{study.folder}: no themes yet; find them with `belonging analyse`")
    return run_id
