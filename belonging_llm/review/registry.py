"""Every page there is. A module under `pages/` lists its own; naming the module here puts them up."""

from __future__ import annotations

from belonging_llm.review.page import Page
from belonging_llm.review.pages import (
    access,
    code,
    codebook,
    deidentify,
    guidelines,
    own_account,
    people,
    queue,
    sign_in,
    start,
    static_files,
    transcript,
)

PAGES: tuple[Page, ...] = (
    *static_files.PAGES,
    *sign_in.PAGES,
    *start.PAGES,
    *code.PAGES,
    *queue.PAGES,
    *transcript.PAGES,
    *guidelines.PAGES,
    *own_account.PAGES,
    *people.PAGES,
    *access.PAGES,
    *codebook.PAGES,
    *deidentify.PAGES,
)
