"""The list of themes, one theme with its segments, segments in no theme, and what people changed."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import Response

from belonging_llm.review.pages.themes.shelf import Shelf, shelf
from belonging_llm.review.pages.themes.words import FATES, Line, lines, renamed, told
from belonging_llm.review.visit import Visit
from belonging_llm.theme_board import Board
from belonging_llm.themes import Theme
from belonging_llm.themes.edits import Restore, Retire, Undo, concerned, standing, undone
from belonging_llm.themes.lineage import Fate, Step

SHOWN = 50


def show_all(visit: Visit, *, problem: str = "", status: int = 200) -> Response:
    """Every theme of the last run, as people left it."""
    kept = shelf(visit)
    if kept is None:
        return visit.render("themes.html.j2", board=None, problem=problem, seen=0)
    board = kept.board
    heads = [theme.quotes[0] for theme in board.themes if theme.quotes]
    quoted = {s.id: s for s in visit.store.words.of([quote.segment_id for quote in heads])}
    visit.saw((s.transcript_id, s.id) for s in quoted.values())
    return visit.render(
        "themes.html.j2",
        status=status,
        board=board,
        seen=_seen(board),
        codes=_codes(visit),
        own=kept.own,
        people=kept.people,
        quotes={q.segment_id: quoted[q.segment_id].text[q.start : q.end] for q in heads if q.segment_id in quoted},
        whose={s.id: s.participant for s in quoted.values()},
        badges=_badges(visit, board),
        loose=len(kept.loose),
        retired=_retired(kept),
        unmet=[(told(one.edit, kept.names), one.reason) for one in board.unmet],
        problem=problem,
    )


def show_one(visit: Visit, *, wanted: str = "", problem: str = "", status: int = 200) -> Response:
    """One theme: its words, segments page by page, and forms to change it."""
    kept, ident = shelf(visit), wanted or visit.part("theme")
    theme = kept.themes.get(ident) if kept else None
    if kept is None or theme is None:
        raise visit.missing(f"the theme {ident}")
    board = kept.board
    asked = visit.asked("q") or visit.field("q")
    members = theme.members
    ids = [m.segment_id for m in members]
    if asked:
        found = visit.store.words.holding(asked, among=ids)
        members = tuple(m for m in members if m.segment_id in found)
        ids = [m.segment_id for m in members]
    window, following, earlier = _window(ids, visit.asked("after") or visit.field("after"))
    listed = lines(theme, members[window], visit.store.words.of(ids[window]))
    visit.saw((line.segment.transcript_id, line.segment.id) for line in listed)
    return visit.render(
        "theme.html.j2",
        status=status,
        theme=theme,
        board=board,
        seen=_seen(board),
        others=[t for t in board.themes if t.id != ident],
        codes=_codes(visit),
        own=kept.own[ident],
        people=kept.people[ident],
        lines=listed,
        found=len(members),
        asked=asked,
        following=following,
        earlier=earlier,
        steps=_steps(visit, ident),
        badges=_badges(visit, board).get(ident, []),
        changes_made=_changes(kept, ident),
        problem=problem,
    )


def loose(visit: Visit, *, problem: str = "", status: int = 200) -> Response:
    """Segments that are in no theme."""
    kept = shelf(visit)
    if kept is None:
        raise visit.missing("any theme")
    board, outside = kept.board, list(kept.loose)
    asked = visit.asked("q") or visit.field("q")
    if asked:
        found = visit.store.words.holding(asked, among=outside)
        outside = [i for i in outside if i in found]
    window, following, earlier = _window(outside, visit.asked("after") or visit.field("after"))
    listed = [Line(s, "", ((s.text, False),)) for s in visit.store.words.of(outside[window])]
    visit.saw((line.segment.transcript_id, line.segment.id) for line in listed)
    return visit.render(
        "themes_loose.html.j2",
        status=status,
        lines=listed,
        found=len(outside),
        asked=asked,
        following=following,
        earlier=earlier,
        others=board.themes,
        seen=_seen(board),
        problem=problem,
    )


def history(visit: Visit, *, problem: str = "", status: int = 200) -> Response:
    """Every change by people, the last first; and what became of themes from run to run."""
    kept = shelf(visit)
    changes = _changes(kept) if kept else []
    runs = {run.id: run for run in visit.store.runs.finished()}
    lineage = [(runs[ident], step) for ident, step in visit.store.themes.lineage() if ident in runs]
    # In a study's first run all themes are new; that is no news.
    lineage = [pair for pair in lineage if pair[0].id != lineage[0][0].id and pair[1].fate is not Fate.CONTINUED]
    return visit.render(
        "themes_history.html.j2",
        status=status,
        changes_made=changes,
        lineage=lineage[::-1][:200],
        names=kept.names if kept else {},
        fates=FATES,
        seen=_seen(kept.board) if kept else 0,
        problem=problem,
    )


def _seen(board: Board) -> int:
    """The last record that a form made now has seen."""
    return board.edits[-1].id if board.edits else 0


def _window(ids: Sequence[str], after: str) -> tuple[slice, str, bool]:
    """Where what is shown behind an id stands, the id to go on from, and whether something lies before."""
    begin = ids.index(after) + 1 if after in ids else 0
    end = begin + SHOWN
    return slice(begin, end), ids[end - 1] if end < len(ids) else "", begin > 0


def _codes(visit: Visit) -> dict[str, str]:
    return {code.id: code.name for code in visit.study.framework().assignable}


def _badges(visit: Visit, board: Board) -> dict[str, list[str]]:
    """What is special about each theme: what became of it in the last run, and who changed it since."""
    found: dict[str, list[str]] = {theme.id: [] for theme in board.themes}
    several = len([run for run in visit.store.runs.finished() if run.status == "complete"]) > 1
    for step in visit.store.themes.steps(board.run_id):
        for ident in step.after:
            if ident in found and step.fate is not Fate.CONTINUED and several:
                found[ident].append(FATES[step.fate])
    for edit in standing(board.edits):
        for ident in concerned(edit.change):
            if ident in found and (said := f"changed by {edit.by}") not in found[ident]:
                found[ident].append(said)
    return found


def _retired(kept: Shelf) -> list[tuple[str, str]]:
    """Themes that people took for none, with their names."""
    gone: dict[str, None] = {}
    for edit in standing(kept.board.edits):
        if isinstance(edit.change, Retire):
            gone[edit.change.theme] = None
        elif isinstance(edit.change, Restore):
            gone.pop(edit.change.theme, None)
    return [(ident, kept.names.get(ident, ident)) for ident in gone]


def _steps(visit: Visit, ident: str) -> list[tuple[str, str, Step]]:
    """What became of a theme, run after run, the last first."""
    runs = {run.id: run for run in visit.store.runs.finished()}
    mine = [(i, step) for i, step in visit.store.themes.lineage() if ident in (*step.before, *step.after) and i in runs]
    return [(runs[i].finished_at or "", FATES[step.fate], step) for i, step in reversed(mine)]


def _changes(kept: Shelf, ident: str = "") -> list[dict[str, object]]:
    """Records as a page shows them, the last first: all, or those of one theme."""
    board, names = kept.board, dict(kept.found)
    gone, unmet = undone(board.edits), {one.edit.id: one.reason for one in board.unmet}
    by_id = {edit.id: edit for edit in board.edits}
    found = []
    for edit in board.edits:
        about = edit
        while isinstance(about.change, Undo) and about.change.edit in by_id:
            about = by_id[about.change.edit]
        if not ident or ident in concerned(about.change):
            said = {"told": told(edit, names), "undone": edit.id in gone, "unmet": unmet.get(edit.id, "")}
            found.append({"edit": edit} | said)
        # A record speaks of themes as they were called then.
        names |= renamed([edit])
    return found[::-1]


def theme_of(visit: Visit, ident: str) -> Theme | None:
    """A theme as it is now."""
    kept = shelf(visit)
    return kept.themes.get(ident) if kept else None
