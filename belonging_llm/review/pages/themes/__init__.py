"""Themes: read, and changed by people; every change is a record that can be undone."""

from __future__ import annotations

from belonging_llm.review.page import ADJUDICATORS, Page
from belonging_llm.review.pages.themes.changing import edit
from belonging_llm.review.pages.themes.reading import history, loose, show_all, show_one

_RENAME = {"kind": "rename", "theme": "{theme}", "name": "Seen by somebody", "reason": "clearer", "page": "{theme}"}

PAGES = (
    Page("themes", "/themes", show_all, ADJUDICATORS, menu="Themes"),
    Page("themes-history", "/themes/history", history, ADJUDICATORS),
    Page("themes-loose", "/themes/none", loose, ADJUDICATORS),
    Page("themes-edit", "/themes/edit", edit, ADJUDICATORS, method="POST", form=_RENAME),
    Page("theme", "/themes/{theme}", show_one, ADJUDICATORS, examples=("/themes/{theme}", "/themes/{theme}?q=seen")),
)
