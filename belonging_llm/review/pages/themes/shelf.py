"""What theme pages show, kept in the server for as long as nothing changed: large studies are slow to put together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from belonging_llm import theme_board
from belonging_llm.errors import StudyError
from belonging_llm.review.pages.themes.words import renamed
from belonging_llm.review.visit import Visit
from belonging_llm.theme_board import Board
from belonging_llm.themes.edits import standing


@dataclass(frozen=True)
class Shelf:
    """The last run's themes with what is counted of them.

    Attributes:
        state: Names what they were put together from.
        found: Names as the machine gave them.
        people: Participants by theme.
        loose: Segments in no theme, by transcript and place.
    """

    state: str
    board: Board
    found: dict[str, str]
    people: dict[str, int]
    loose: tuple[str, ...]

    @cached_property
    def names(self) -> dict[str, str]:
        """What themes are called, or were when they were merged away or retired."""
        now = {theme.id: theme.name for theme in self.board.themes}
        return self.found | renamed(standing(self.board.edits)) | now


def shelf(visit: Visit) -> Shelf | None:
    """Themes as they are now; None where there are none yet."""
    run_id = visit.store.themes.last()
    if not run_id:
        return None
    state = visit.store.themes.state(run_id)
    kept = getattr(visit.request.app.state, "themes", None)
    if isinstance(kept, Shelf) and kept.state == state:
        return kept
    made = _made(visit, state)
    visit.request.app.state.themes = made
    return made


def _made(visit: Visit, state: str) -> Shelf | None:
    try:
        board = theme_board.board(visit.study)
    except StudyError:
        return None
    whose = visit.store.words.people()
    inside = {ident for theme in board.themes for ident in theme.own}
    return Shelf(
        state=state,
        board=board,
        found=visit.store.themes.names(board.run_id),
        people={t.id: len({whose[i] for i in t.own if i in whose}) for t in board.themes},
        loose=tuple(ident for ident in whose if ident not in inside),
    )
