"""What codes are called on the page."""

from __future__ import annotations

from belonging_llm.auditing.record import Audit

NONE = "none"


def name_of(audit: Audit, code: str) -> str:
    """A code's name; its id where it has none."""
    return audit.code_names.get(code) or code


def side(audit: Audit, code: str) -> str:
    """A side of a confusion: a code's name, or that nothing stands there."""
    return "no code" if code == NONE and NONE not in audit.code_names else name_of(audit, code)
