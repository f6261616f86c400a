"""What could not be computed, and the answers to reporting checklists."""

from __future__ import annotations

from dataclasses import dataclass

from belonging_llm.auditing.record import Audit, ChecklistItem


@dataclass(frozen=True)
class Gone:
    """Figures without a value for one reason."""

    reason: str
    where: tuple[str, ...]


@dataclass(frozen=True)
class Checklist:
    """One reporting checklist with its answers."""

    name: str
    items: tuple[ChecklistItem, ...]
    left_open: int


def gone(audit: Audit) -> tuple[Gone, ...]:
    """Undefined figures by reason, the most frequent reason first."""
    found: dict[str, list[str]] = {}
    for one in audit.undefined:
        found.setdefault(one.get("reason", "no reason was recorded"), []).append(one.get("where", "somewhere"))
    ordered = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    return tuple(Gone(reason, tuple(where)) for reason, where in ordered)


def checklists(audit: Audit) -> tuple[Checklist, ...]:
    """Each checklist with how many of its items are open."""
    found: dict[str, list[ChecklistItem]] = {}
    for item in audit.checklists:
        found.setdefault(item.checklist, []).append(item)
    return tuple(
        Checklist(name, tuple(items), sum(not item.answer.strip() for item in items)) for name, items in found.items()
    )
