"""What codes are called on the page."""

from __future__ import annotations

from belonging_llm.auditing.record import Audit

NONE = "none"


def name_of(audit: Audit, code: str) -> str:
    """A code's name; its id where it has none, and both where another code has the same name."""
    name = audit.code_names.get(code) or code
    alike = sum((other or ident) == name for ident, other in audit.code_names.items())
    return f"{name} ({code})" if alike > 1 else name


def side(audit: Audit, code: str) -> str:
    """A side of a confusion: a code's name, or that nothing stands there."""
    return "no code" if code == NONE and NONE not in audit.code_names else name_of(audit, code)
