"""Change a codebook one code at a time; ids stay what they are, since codings refer to them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

from pydantic import ValidationError

from belonging_llm.codebook.framework import Code, Framework
from belonging_llm.errors import CodebookError


def put(framework: Framework, code: Code) -> Framework:
    """The codebook with a code: in place of the one with its id, or new, behind the last of its siblings.

    Raises:
        CodebookError: the parent is not there, or below the code itself; or nothing could be assigned any more.
    """
    codes = list(framework.codes)
    place = next((i for i, one in enumerate(codes) if one.id == code.id), None)
    if place is None:
        codes.insert(_behind_siblings(codes, code.parent), code)
    else:
        codes[place] = code
    return _checked(framework, codes)


def retire(framework: Framework, code_id: str) -> Framework:
    """The codebook without a code; codes below it come under the one above it. Codings of it are not touched.

    Raises:
        CodebookError: there is no such code, or nothing could be assigned any more.
    """
    gone = next((code for code in framework.codes if code.id == code_id), None)
    if gone is None:
        raise CodebookError(f"{code_id}: is not in the codebook {framework.id}")
    stay = [code for code in framework.codes if code.id != code_id]
    moved = [code.model_copy(update={"parent": gone.parent}) if code.parent == code_id else code for code in stay]
    return _checked(framework, moved)


def merge(framework: Framework, code_id: str, into: str) -> Framework:
    """The codebook with one code merged into another: what people said of it counts as said of the other.

    Its words go; whoever merges changes the other's definition so that it holds for both. Codes below it come under the
    one above it.

    Raises:
        CodebookError: one of them is not there or a heading, or they are the same.
    """
    codes = {code.id: code for code in framework.codes}
    for one in (code_id, into):
        if one not in codes:
            raise CodebookError(f"{one}: is not in the codebook {framework.id}")
        if not codes[one].assignable:
            raise CodebookError(f"{one}: is a heading; only codes that can be given to segments can be merged")
    if code_id == into:
        raise CodebookError(f"{code_id}: cannot be merged into itself")
    left = retire(framework, code_id)
    target = left.code(into)
    absorbs = (*target.absorbs, code_id, *codes[code_id].absorbs)
    return put(left, target.model_copy(update={"absorbs": absorbs}))


def fresh_id(name: str, taken: Collection[str]) -> str:
    """An id for a new code, from its name; never one that a code has or had."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60] or "code"
    found, number = stem, 1
    while found in taken:
        number += 1
        found = f"{stem}-{number}"
    return found


def _behind_siblings(codes: list[Code], parent: str | None) -> int:
    family = {parent} if parent else set[str]()
    last = len(codes)
    for place, code in enumerate(codes):
        if parent and (code.id in family or code.parent in family):
            family.add(code.id)
            last = place + 1
    return last


def _checked(framework: Framework, codes: list[Code]) -> Framework:
    fields = framework.model_dump()
    try:
        return Framework.model_validate(fields | {"codes": [code.model_dump() for code in codes]})
    except ValidationError as error:
        said = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        raise CodebookError(f"{framework.id}: {said}") from error
