"""The inbox: where new material is put, and what becomes of each file. Nothing in it is ever moved or deleted."""

from __future__ import annotations

from belonging_llm.inbox.folder import Inbox, Lying
from belonging_llm.inbox.looking import Look, look
from belonging_llm.inbox.taking import Taken, take_in

__all__ = ["Inbox", "Look", "Lying", "Taken", "look", "take_in"]
