"""The model beside people: pairs that somebody searches for, one pair with what stands behind it, and a verdict."""

from __future__ import annotations

from belonging_llm.review.page import Page
from belonging_llm.review.pages.audit import listing, pair

PAGES: tuple[Page, ...] = (*listing.PAGES, *pair.PAGES)
