"""Making accounts, and giving coders their queues."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from belonging_llm.errors import InputError
from belonging_llm.review.tokens import new_token, token_digest
from belonging_llm.store import Reviewer, Role
from belonging_llm.study import Study

LINK_LASTS = timedelta(days=3)
ALL = "all"
_NAME = re.compile(r"[^\W_][\w.@+-]{0,63}")
_LARGEST_SEED = 2**31 - 1


def add(study: Study, name: str, role: Role, *, coder: str = "") -> str:
    """Make an account, or renew the link of one that is there.

    Returns:
        The one-time link's token, which is kept nowhere else.

    Raises:
        InputError: a name that cannot be one, or that is taken.
    """
    if not _NAME.fullmatch(name):
        raise InputError(
            f"{name!r}: an account's name is 1 to 64 letters, digits or . _ @ + -, and begins with a letter"
        )
    store = study.store
    known = {one.name: one for one in store.reviewers.all()}
    if name not in known:
        store.reviewers.add(name, coder=_coder(study, coder or name, role), role=role)
    elif known[name].revoked_at or known[name].role is not role:
        raise InputError(f"{name}: there is such an account ({_state(known[name])}); choose another name")
    return invite(study, name)


def invite(study: Study, name: str) -> str:
    """A fresh one-time link for an account; an older one ends."""
    token = new_token()
    expires = (datetime.now(UTC) + LINK_LASTS).isoformat(timespec="milliseconds")
    study.store.reviewers.invite(name, token_digest(token), expires)
    return token


def revoke(study: Study, name: str) -> None:
    """Close an account.

    Raises:
        InputError: there is none of this name.
    """
    if name not in {one.name for one in study.store.reviewers.all()}:
        raise InputError(f"{name}: there is no such account; `belonging reviewers STUDY list` shows them")
    study.store.reviewers.revoke(name)


def assign(study: Study, name: str, *, drawn_from: str = "", seed: int | None = None) -> int:
    """Give a coder a queue in an order of their own, or add to it what it lacks.

    Args:
        drawn_from: `all`, `plan N` (the drawn segments of an audit plan) or `sample N` (as many at random); when empty,
            all for a new queue, and for one that is there whatever it was drawn from.
        seed: Of the order (and of the sample); drawn where None, recorded in any case.

    Returns:
        Segments in the queue now.

    Raises:
        InputError: no such plan, or nothing to draw from.
    """
    known = study.store.queues.get(name)
    if known and not drawn_from and known.drawn_from != ALL:
        return study.store.queues.progress(name).total
    drawn_from = drawn_from or ALL
    if seed is None:
        seed = known.seed if known else secrets.randbelow(_LARGEST_SEED)
    ids = sorted(_pool(study, drawn_from))
    if not ids:
        raise InputError(f"{drawn_from}: there is no segment to code; import transcripts and run `belonging analyse`")
    order = [ids[i] for i in np.random.default_rng(seed).permutation(len(ids))]
    wanted = re.fullmatch(r"sample (\d+)", drawn_from)
    order = order[: int(wanted[1])] if wanted else order
    study.store.queues.draw(name, order, drawn_from=drawn_from, seed=seed)
    return study.store.queues.progress(name).total


def lengthen(study: Study) -> None:
    """Put segments that are new in the study at the end of every open queue that was drawn from all of them."""
    for one in study.store.reviewers.all():
        queue = study.store.queues.get(one.name)
        if one.revoked_at is None and queue and queue.drawn_from == ALL:
            assign(study, one.name)


def _pool(study: Study, drawn_from: str) -> Sequence[str]:
    if drawn_from == ALL or drawn_from.startswith("sample "):
        return [segment.id for segment in study.store.corpus.segments()]
    number = drawn_from.removeprefix("plan ")
    plans = study.store.audits.plans()
    if not number.isdecimal() or int(number) not in plans:
        known = ", ".join(f"plan {n}" for n in plans) or "no plan yet"
        raise InputError(f"{drawn_from}: neither `all`, `sample N` nor a plan of `belonging audit plan` ({known})")
    return [unit.segment_id for unit in study.store.audits.units(int(number)) if unit.drawn]


def _coder(study: Study, coder: str, role: Role) -> str:
    if role is not Role.CODER:
        return coder
    taken = study.store.findings.coders()
    if coder in taken or coder == study.settings.audit.adjudicator:
        raise InputError(
            f"{coder}: codings under this name came from a file, or it is the adjudicator's; give --coder another name"
        )
    return coder


def _state(one: Reviewer) -> str:
    return f"{one.role}, closed" if one.revoked_at else str(one.role)
