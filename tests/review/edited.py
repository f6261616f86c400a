"""What people edit, with somebody's markup wherever they may write: versions of the codebook, themes, suggestions."""

from __future__ import annotations

from collections.abc import Sequence

from belonging_llm import codebook, deidentification, theme_board
from belonging_llm.deidentification import Kind, Row, table
from belonging_llm.study import Study
from belonging_llm.themes.edits import Remap, Rename, Undo


def fill(study: Study, hostile: Sequence[str]) -> None:
    """Edits with these strings as names, reasons, authors and words."""
    whole, framework = "\n".join(hostile), study.framework()
    first = framework.codes[0].model_copy(update={"definition": f"Once {whole}"})
    study.store.codebooks.use(codebook.put(framework, first), by=whole, reason=whole)
    study.store.codebooks.use(framework, by=whole, reason=whole)
    theme = theme_board.board(study).themes[0].id
    for text in hostile:
        theme_board.revise(study, Rename(theme=theme, name=text[:200], definition=text), by=text, reason=text)
    mapped = Remap(theme=theme, codes=(framework.assignable[0].id,))
    made = theme_board.revise(study, mapped, by=whole, reason=whole)
    theme_board.revise(study, Undo(edit=made.id), by=whole, reason=whole)
    rows = [
        Row(found=f"{n} {text}", kind=Kind.PERSON, replacement=f"[person-{n}]", decision="", by=text, **_told(text))
        for n, text in enumerate(hostile, 1)
    ]
    decided = [row.model_copy(update={"decision": text}) for row, text in zip(rows[:9], hostile, strict=False)]
    table.write(study.folder / deidentification.FILE, [*decided, *rows[9:]])


def _told(text: str) -> dict[str, str]:
    """Of a suggestion: each with markup of its own, since a table of all in every cell is too large to be read."""
    return {"how": text, "where": text, "context": text}
