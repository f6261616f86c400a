"""What a queue was drawn from, in words."""

from __future__ import annotations

from belonging_llm.store.reviewing import Queue
from belonging_llm.study import Study


def drawn_from(study: Study, queue: Queue) -> str:
    """What somebody reads who has never seen how it was typed."""
    kind, _, number = queue.drawn_from.partition(" ")
    if kind == "plan" and number.isdecimal():
        return _plan(study, int(number))
    if kind == "sample":
        return f"a random sample of {number} segments"
    return "all segments of the study" if kind == "all" else queue.drawn_from


def _plan(study: Study, number: int) -> str:
    """An audit's plan by when it was drawn and how large it is; of one that is gone no more is known."""
    plan = study.store.audits.plans().get(number)
    if plan is None:
        return f"an audit sample that is not in the study any more (plan {number})"
    drawn = sum(unit.drawn for unit in study.store.audits.units(number))
    return f"the audit sample of {plan['at'][:10]} ({drawn} segments; plan {number})"
