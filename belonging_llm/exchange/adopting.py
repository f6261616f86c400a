"""Decide what becomes of a study's codebook when a project brings its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from belonging_llm import codebook
from belonging_llm.codebook import Code, Framework
from belonging_llm.errors import ExchangeError
from belonging_llm.exchange.code_tree import Look, from_tree, ids_of, seen
from belonging_llm.exchange.guids import guid
from belonging_llm.exchange.project import Project, ProjectCode
from belonging_llm.study import Study

AUTO, THEIRS, OURS, BOTH = "auto", "theirs", "ours", "both"
CHOICES = (AUTO, THEIRS, OURS, BOTH)


@dataclass(frozen=True)
class Adopted:
    """The outcome.

    Attributes:
        ids: The code's id in the study for each code of the project; of one that was not taken, the id it came with.
        notes: What was done, in words.
    """

    ids: Mapping[str, str]
    notes: tuple[str, ...]


def adopt(study: Study, project: Project, choice: str, place: str) -> Adopted:
    """Take the project's codes into the study.

    Raises:
        ExchangeError: the study works with another codebook, and nobody chose.
        CodebookError: the codes make no codebook.
    """
    if not project.codes:
        return Adopted({}, ("it has no codes; the study keeps its codebook",))
    ours, ids = study.framework(), ids_of(project.codes)
    if not any(code.codable for code in project.codes) and choice in (AUTO, THEIRS):
        same = _match(ours, project.codes, ids, looks(study))
        return Adopted({**ids, **same}, ("all its codes are folders; the study keeps its codebook",))
    theirs = from_tree(project.codes, name=project.name, about=project.description, place=place)
    same = _match(ours, project.codes, ids, looks(study))
    missing = [code for code in project.codes if code.guid not in same]
    if not missing:
        return Adopted({**ids, **same}, ("the study's codebook has all of its codes",))
    if choice == AUTO:
        choice = _choice(study, theirs, ours, len(missing), place)
    if choice == THEIRS:
        study.store.codebooks.use(theirs, reason=f"brought in with {Path(place).name}")
        return Adopted(ids, (f"its codebook ({len(theirs.codes)} codes) is the study's now",))
    if choice == OURS:
        return Adopted(
            {**ids, **same},
            (f"the study keeps its codebook; codings of {len(missing)} codes that it lacks are kept but not used",),
        )
    joined, fresh = _joined(ours, missing, {**ids, **same})
    study.store.codebooks.use(joined, reason=f"{len(missing)} codes brought in with {Path(place).name}")
    return Adopted({**ids, **same, **fresh}, (f"{len(missing)} codes were added to the study's codebook",))


def looks(study: Study) -> dict[str, Look]:
    """GUIDs and colours with which codes came in, by code id; the first file that had a code counts."""
    found: dict[str, Look] = {}
    memos: dict[str, list[str]] = {}
    for place in study.store.exchanges.places():
        if place.kind == "code":
            memos.setdefault(place.target, []).append(place.memo_id)
    for brought in study.store.exchanges.brought():
        for ident, look in brought.codes.items():
            found.setdefault(ident, Look(look["guid"], look["colour"], tuple(memos.get(ident, ()))))
    return found


def _choice(study: Study, theirs: Framework, ours: Framework, missing: int, place: str) -> str:
    """Theirs, as long as nobody has worked with the study's own codebook."""
    store = study.store
    untouched = ours.digest == codebook.load(study.settings.framework).digest
    if untouched and not store.findings.coders() and not store.runs.finished() and not store.exchanges.codings():
        return THEIRS
    raise ExchangeError(
        f"{place}: its codebook {theirs.name} has {missing} codes that the study's codebook {ours.name} has not. "
        "Choose: --codebook theirs (replace the study's), --codebook both (add the missing codes to it), or --codebook "
        "ours (leave it; codings of the missing codes are kept but not used)"
    )


def _match(
    ours: Framework, codes: tuple[ProjectCode, ...], ids: Mapping[str, str], known: Mapping[str, Look]
) -> dict[str, str]:
    """Ids of the study's codes by the project's: the same GUID, else the same id, else the same name."""
    by_guid = {look.guid: ident for ident, look in seen(ours, known).items()}
    # A code that was merged is no missing one: what is coded with it counts as the other's.
    gone = ours.absorbed.keys()
    by_guid |= {known[one].guid if one in known else guid("code", ours.id, one): one for one in gone}
    own = {code.id for code in ours.codes} | gone
    times = Counter(code.name.casefold() for code in ours.codes)
    by_name = {c.name.casefold(): c.id for c in ours.codes if times[c.name.casefold()] == 1}
    theirs = Counter(code.name.casefold() for code in codes)
    found: dict[str, str] = {}
    for code in codes:
        name = code.name.casefold()
        ident = by_guid.get(code.guid) or (ids[code.guid] if ids.get(code.guid) in own else None)
        if ident is None and theirs[name] == 1:
            ident = by_name.get(name)
        if ident is not None:
            found[code.guid] = ident
    return found


def _joined(ours: Framework, missing: list[ProjectCode], ids: Mapping[str, str]) -> tuple[Framework, dict[str, str]]:
    """The study's codebook with the missing codes behind its own."""
    taken = {code.id for code in ours.codes} | ours.absorbed.keys()
    fresh: dict[str, str] = {}
    for code in missing:
        ident, number = ids[code.guid], 1
        while ident in taken:
            number += 1
            ident = f"{ids[code.guid]} ({number})"
        taken.add(ident)
        fresh[code.guid] = ident
    place = {**ids, **fresh}
    more = [
        Code(
            id=fresh[code.guid],
            name=code.name,
            parent=place[code.parent] if code.parent else None,
            assignable=code.codable,
            definition=code.description,
        ).model_dump()
        for code in missing
    ]
    fields = ours.model_dump()
    return Framework.model_validate(fields | {"codes": [*fields["codes"], *more]}), fresh
