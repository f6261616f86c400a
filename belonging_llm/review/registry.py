"""Every page there is. A module under `pages/` lists its own; naming the module here puts them up."""

from __future__ import annotations

from belonging_llm.review.page import Page
from belonging_llm.review.pages import (
    access,
    adjudication,
    agreement,
    audit,
    changes,
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
    themes,
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
    *adjudication.PAGES,
    *audit.PAGES,
    *agreement.PAGES,
    *changes.PAGES,
    *own_account.PAGES,
    *people.PAGES,
    *access.PAGES,
    *themes.PAGES,
    *codebook.PAGES,
    *deidentify.PAGES,
)
