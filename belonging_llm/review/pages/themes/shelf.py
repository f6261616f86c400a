"""What theme pages show, kept in the server for as long as nothing changed: large studies are slow to put together."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cached_property

from starlette.applications import Starlette

from belonging_llm import theme_board
from belonging_llm.errors import StudyError
from belonging_llm.review.pages.themes.words import renamed
from belonging_llm.review.visit import Visit
from belonging_llm.study import Study
from belonging_llm.theme_board import Board
from belonging_llm.themes import Theme
from belonging_llm.themes.edits import standing

# Whoever asks while it is being put together waits for that, and does not do it again.
_MAKING = threading.Lock()


@dataclass(frozen=True)
class Shelf:
    """The last run's themes with what is counted of them.

    Attributes:
        state: Names what they were put together from.
        found: Names as the machine gave them.
        people: Participants by theme.
        loose: Segments in no theme, by transcript and place.
        own: How many segments have their home in each theme.
        themes: By id.
    """

    state: str
    board: Board
    found: dict[str, str]
    people: dict[str, int]
    loose: tuple[str, ...]
    own: dict[str, int]
    themes: dict[str, Theme]

    @cached_property
    def names(self) -> dict[str, str]:
        """What themes are called, or were when they were merged away or retired."""
        now = {theme.id: theme.name for theme in self.board.themes}
        return self.found | renamed(standing(self.board.edits)) | now


def shelf(visit: Visit) -> Shelf | None:
    """Themes as they are now; None where there are none yet."""
    return shelf_of(visit.request.app, visit.study)


def shelf_of(app: Starlette, study: Study) -> Shelf | None:
    """The same for an application."""
    run_id = study.store.themes.last()
    if not run_id:
        return None
    with _MAKING:
        state = study.store.themes.state(run_id)
        kept = getattr(app.state, "themes", None)
        if isinstance(kept, Shelf) and kept.state == state:
            return kept
        made = _made(study, state)
        app.state.themes = made
        return made


def _made(study: Study, state: str) -> Shelf | None:
    try:
        board = theme_board.board(study)
    except StudyError:
        return None
    whose = study.store.words.people()
    own = {theme.id: theme.own for theme in board.themes}
    inside = {ident for home in own.values() for ident in home}
    return Shelf(
        state=state,
        board=board,
        found=study.store.themes.names(board.run_id),
        people={ident: len({whose[i] for i in home if i in whose}) for ident, home in own.items()},
        loose=tuple(ident for ident in whose if ident not in inside),
        own={ident: len(home) for ident, home in own.items()},
        themes={theme.id: theme for theme in board.themes},
    )
