"""Every page there is. A module under `pages/` lists its own; naming the module here puts them up."""

from __future__ import annotations

from belonging_llm.review.page import Page
from belonging_llm.review.pages import (
    access,
    code,
    codebook,
    deidentify,
    own_account,
    people,
    sign_in,
    start,
    static_files,
    themes,
)

PAGES: tuple[Page, ...] = (
    *static_files.PAGES,
    *sign_in.PAGES,
    *start.PAGES,
    *code.PAGES,
    *own_account.PAGES,
    *people.PAGES,
    *access.PAGES,
    *themes.PAGES,
    *codebook.PAGES,
    *deidentify.PAGES,
)
