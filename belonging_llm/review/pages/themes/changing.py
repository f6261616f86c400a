"""Changes of themes: recorded, or refused with what was typed still there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError
from starlette.responses import Response

from belonging_llm import theme_board
from belonging_llm.errors import InputError, StaleError
from belonging_llm.review.forms import is_number
from belonging_llm.review.pages.themes.reading import history, loose, show_all, show_one, theme_of
from belonging_llm.review.visit import Visit
from belonging_llm.themes import Change, Edit
from belonging_llm.themes.edits import CHANGE, EditKind, Merge, Retire, Split, Undo


def edit(visit: Visit) -> Response:
    """Record a change, or say why it cannot be."""
    try:
        change = _change(visit)
        seen = visit.field("seen")
        reason = visit.field("reason")
        made = theme_board.revise(
            visit.study, change, by=visit.reviewer.name, reason=reason, seen=int(seen) if is_number(seen) else None
        )
    except StaleError as error:
        return _again(visit, f"{error}. Look at it as it is now, and send it again if you still want it.", 409)
    except InputError as error:
        return _again(visit, f"{error}.", 422)
    return visit.redirect(_next(visit, made))


def _change(visit: Visit) -> Change:
    """The change that a form asks for.

    Raises:
        InputError: the form is not filled in.
    """
    kind, theme = visit.field("kind"), visit.field("theme")
    segments = list(visit.all_fields("segments"))
    name, definition = visit.field("name").strip(), visit.field("definition").strip()
    chosen = [one for one in visit.all_fields("themes") if one != visit.field("into")]
    forms: dict[str, dict[str, Any]] = {
        EditKind.MERGE: {"into": visit.field("into"), "themes": chosen},
        EditKind.SPLIT: {"theme": theme, "segments": segments, "name": name, "definition": definition},
        EditKind.RENAME: {"theme": theme, "name": name, "definition": definition},
        EditKind.MOVE: {"segments": segments, "to": visit.field("to"), "source": theme},
        EditKind.MAP: {
            "theme": theme,
            "codes": list(visit.all_fields("codes")),
            "outside": visit.field("outside") == "yes",
        },
        EditKind.RETIRE: {"theme": theme},
        EditKind.RESTORE: {"theme": theme},
        EditKind.UNDO: {"edit": visit.field("edit")},
    }
    fields = forms.get(kind, {})
    if kind in (EditKind.SPLIT, EditKind.MOVE) and not segments:
        raise InputError("no segment is chosen; tick those that it is about")
    if kind == EditKind.MERGE and not chosen:
        raise InputError("choose at least two themes to merge")
    if kind in (EditKind.SPLIT, EditKind.RENAME) and not name:
        raise InputError("a theme needs a name")
    if kind == EditKind.MOVE and visit.field("to") == "?":
        raise InputError("choose where the segments belong")
    try:
        return CHANGE.validate_python({"kind": kind, **fields})
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        raise InputError(f"{'.'.join(map(str, problem['loc'][1:]))}: {problem['msg']}") from error


def _again(visit: Visit, problem: str, status: int) -> Response:
    """The page that the form stood on, as things are now, with what was typed."""
    page = visit.field("page")
    if theme_of(visit, page):
        return show_one(visit, wanted=page, problem=problem, status=status)
    shown: dict[str, Callable[..., Response]] = {"history": history, "none": loose}
    return shown.get(page, show_all)(visit, problem=problem, status=status)


def _next(visit: Visit, made: Edit) -> str:
    """Where somebody goes on."""
    url, change, page = visit.rendering.url, made.change, visit.field("page")
    if isinstance(change, Merge):
        return url("theme", theme=change.into)
    if isinstance(change, Split):
        return url("theme", theme=change.new)
    if isinstance(change, Retire):
        return url("themes")
    if isinstance(change, Undo) and page == "history":
        return url("themes-history")
    if page == "none":
        return url("themes-loose")
    return url("theme", theme=page) if theme_of(visit, page) else url("themes")
