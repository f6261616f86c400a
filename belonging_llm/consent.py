"""Whose words may leave this machine: the study's permission, and each participant's."""

from __future__ import annotations

from collections.abc import Iterable

from belonging_llm.errors import ConsentError
from belonging_llm.llm import is_loopback
from belonging_llm.study import PER_PARTICIPANT, Study

ATTRIBUTE = "consent_remote"
YES = {"yes", "true", "1"}
_SHOWN = 20


def lacking(study: Study, participants: Iterable[str]) -> list[str]:
    """Participants without consent to their words leaving this machine, sorted; whoever said nothing lacks it."""
    if study.settings.synthetic or study.settings.consent != PER_PARTICIPANT:
        return []
    people = sorted(set(participants))
    known = study.store.corpus.participants(people)
    return sorted(who for who in people if known.get(who, {}).get(ATTRIBUTE, "").strip().lower() not in YES)


def demand(study: Study, endpoint: str | None, participants: Iterable[str]) -> None:
    """Go on only if everybody agreed, or nothing leaves this machine.

    Args:
        endpoint: Where the words would go; None when they stay in this process.

    Raises:
        ConsentError: somebody did not; names who.
    """
    if endpoint is None or is_loopback(endpoint):
        return
    if missing := lacking(study, participants):
        named = ", ".join(missing[:_SHOWN]) + (f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else "")
        raise ConsentError(
            f"nothing was sent to {endpoint}: no consent on record of {named}. Import a participants' table whose "
            f"column {ATTRIBUTE} says yes for those who agreed; or state in study.toml that all did: consent = "
            '"all, stated by NAME on YYYY-MM-DD"; or use --llm local'
        )


def basis(study: Study) -> str:
    """What the permission to send words away rests on, for the record of a run."""
    if study.settings.synthetic:
        return "synthetic: nobody's words"
    return study.settings.consent
