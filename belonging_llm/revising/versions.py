"""Versions of a study's codebook: found by what people call them, and codes that were retired on the way."""

from __future__ import annotations

from dataclasses import dataclass

from belonging_llm.codebook import Code
from belonging_llm.errors import CodebookError
from belonging_llm.store import Use, Version
from belonging_llm.study import Study


@dataclass(frozen=True)
class Retired:
    """A code that an earlier version had, as it was last.

    Attributes:
        last: The number of the last version that had it.
        uses: People's codings that are kept under it.
        into: The code that it was merged into, as which these count; empty where they count no more.
    """

    code: Code
    last: int
    uses: tuple[Use, ...]
    into: str = ""


def asked_for(study: Study, wanted: str) -> Version:
    """A version by its number, by `first` or `last`, or by the beginning of its digest.

    Raises:
        CodebookError: there is none, or several begin so.
    """
    versions = study.store.codebooks.versions()
    places = {"first": versions[:1], "last": versions[-1:]}
    found = places.get(wanted) or [v for v in versions if str(v.number) == wanted]
    found = found or [v for v in versions if len(wanted) >= 4 and v.digest.startswith(wanted)]
    if len({v.digest for v in found}) != 1:
        known = ", ".join(str(v.number) for v in versions) or "none"
        why = "several versions begin so" if found else "no such version of the codebook"
        raise CodebookError(f"{wanted}: {why}; the study has {known}")
    return found[-1]


def retired(study: Study) -> list[Retired]:
    """Codes that earlier versions had and the one in use has not, by id."""
    store, last = study.store, dict[str, tuple[Code, int]]()
    books = {digest: store.codebooks.get(digest) for digest in {v.digest for v in store.codebooks.versions()}}
    for version in store.codebooks.versions():
        last |= {code.id: (code, version.number) for code in books[version.digest].codes}
    framework = study.framework()
    current = {code.id for code in framework.codes}
    gone = {ident: found for ident, found in last.items() if ident not in current}
    uses = store.codebook_use.by_people(gone)
    return [
        Retired(code, number, tuple(use for use in uses if use.code == ident), framework.absorbed.get(ident, ""))
        for ident, (code, number) in sorted(gone.items())
    ]
