"""Who coded before they could see the model's codings: an export that holds them says which codings were there before.

Whoever opens such a project sees what the model says. On its way back, people's codings of a text count as made without
having seen the model only if they are the ones that the export went out with.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Container

from belonging_llm.exchange.project import MODEL, Project
from belonging_llm.provenance import digest, text_digest

NOTE = "Made before this export"
_LEAD = (
    "People's codings that were there before anybody could see the model's in this project. Do not change this note."
)


def stamp(project: Project, seen: Container[tuple[str, str]]) -> str:
    """The text of the note: for each coder and source, a digest of the codings.

    Args:
        seen: Coders (by name) and sources (by GUID) who had seen the model's codings before.
    """
    lines = sorted(mark for key, mark in _marks(project).items() if key not in seen)
    return "\n".join([_LEAD, *lines])


def unseen(project: Project) -> set[tuple[str, str]]:
    """Coders (by name) and sources (by GUID) whose codings are as they were before the model's could be seen."""
    marks = _marks(project)
    if not any(user.name.startswith(MODEL) for user in project.users):
        return set(marks)
    known = {line for note in project.notes if note.name == NOTE for line in note.text.split("\n")}
    return {key for key, mark in marks.items() if mark in known}


def _marks(project: Project) -> dict[tuple[str, str], str]:
    """A digest for each person and source; GUIDs have no part in it, since programs make them anew."""
    names = {user.guid: user.name for user in project.users}
    codes = {code.guid: code.name for code in project.codes}
    found: dict[tuple[str, str], list[tuple[int, int, str]]] = defaultdict(list)
    texts = {s.guid: text_digest(unicodedata.normalize("NFC", s.text)) for s in project.sources}
    for source in project.sources:
        for passage in source.passages:
            for mark in passage.marks:
                coder = names.get(mark.user, "")
                if not coder.startswith(MODEL):
                    found[coder, source.guid].append((passage.start, passage.end, codes[mark.code]))
    return {key: digest(key[0], texts[key[1]], sorted(said)) for key, said in found.items()}
