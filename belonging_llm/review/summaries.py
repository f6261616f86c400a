"""Accounts in words, for the command line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from belonging_llm.study import Study


def accounts_json(study: Study) -> list[dict[str, Any]]:
    """Every account with its queue, without anything secret."""
    found = []
    for one in study.store.reviewers.all():
        queue = study.store.queues.get(one.name)
        found.append(
            {"name": one.name, "role": one.role.value, "coder": one.coder, "password_set": bool(one.password)}
            | {"made_at": one.made_at, "closed_at": one.revoked_at}
            | {"queue": queue.model_dump(exclude={"reviewer"}) if queue else None}
            | {"progress": study.store.queues.progress(one.name).model_dump() if queue else None}
        )
    return found


def account_lines(study: Study) -> Iterator[str]:
    """A line for each account."""
    for one in accounts_json(study):
        state = "closed" if one["closed_at"] else "open" if one["password_set"] else "no password yet"
        line = f"{one['name']:<20} {one['role']:<12} {state:<16} codes as {one['coder']}"
        if one["queue"]:
            done, total = one["progress"]["submitted"], sum(one["progress"].values()) - one["progress"]["flagged"]
            line += f"; {done} of {total} submitted ({one['queue']['drawn_from']}, seed {one['queue']['seed']})"
        yield line
