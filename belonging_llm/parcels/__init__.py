"""Parcels: many questions sent at once and answered within a day, through an endpoint's Batch API, at a lower price.

The endpoint calls them batches; so does the command line. In here a batch is one of the steps that coding is cut into.
"""

from __future__ import annotations

from belonging_llm.parcels.answers import Found, Stray, read
from belonging_llm.parcels.errand import Errand
from belonging_llm.parcels.parcel import Fate, Line, Parcel, Post, Register, Remote, State
from belonging_llm.parcels.terms import Mode, Patience, Terms

__all__ = [
    "Errand",
    "Fate",
    "Found",
    "Line",
    "Mode",
    "Parcel",
    "Patience",
    "Post",
    "Register",
    "Remote",
    "State",
    "Stray",
    "Terms",
    "read",
]
