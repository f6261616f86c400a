"""What somebody searches for in a run, as it stands behind the question mark of an address."""

from __future__ import annotations

from collections.abc import Mapping

from belonging_llm.codes import Outcome
from belonging_llm.inspection import DIFFERENT, VERDICTS, Beside, Search, Verdict

ANY_DIFFERENCE = "different"
UNTOUCHED, TOUCHED = "no", "yes"
NAMES = ("run", "code", "outcome", "low", "high", "beside", "attribute", "participant", "theme", "audited", "order")
BESIDE_IN_WORDS = {
    Beside.SAME: "the same",
    Beside.MISSED: "missed: people have the code",
    Beside.EXTRA: "extra: people do not have it",
    Beside.POLARITY: "another polarity",
    Beside.EVIDENCE: "other words as evidence",
    Beside.LEFT: "left to people",
    Beside.UNSETTLED: "people disagree, not settled",
    Beside.UNJUDGED: "no person has judged it",
}
OUTCOME_IN_WORDS = {
    Outcome.ASSIGNED: "assigned",
    Outcome.NOT_ASSIGNED: "not assigned",
    Outcome.ABSTAINED: "left to people",
    Outcome.FAILED: "failed",
}
VERDICT_IN_WORDS = {Verdict.ACCEPT: "accepted", Verdict.CORRECT: "corrected", Verdict.REJECT: "rejected"}


def search_from(given: Mapping[str, str], *, size: int) -> Search:
    """A search; what makes no sense restricts nothing."""
    segment, code = given.get("after_segment", ""), given.get("after_code", "")
    return Search(
        code=given.get("code", ""),
        outcome=_outcome(given.get("outcome", "")),
        low=_share(given.get("low", "")),
        high=_share(given.get("high", "")),
        beside=_beside(given.get("beside", "")),
        attribute=_attribute(given.get("attribute", "")),
        participant=given.get("participant", ""),
        theme=given.get("theme", ""),
        audited=_audited(given.get("audited", "")),
        order="least sure" if given.get("order") == "least sure" else "interviews",
        after=(segment, code) if segment and code else None,
        size=size,
    )


def kept(given: Mapping[str, str]) -> dict[str, str]:
    """The search as it goes on from page to page."""
    return {name: given[name] for name in NAMES if given.get(name)}


def _outcome(name: str) -> Outcome | None:
    return Outcome(name) if name in set(Outcome) else None


def _share(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value <= 1 else None


def _beside(name: str) -> tuple[Beside, ...]:
    if name == ANY_DIFFERENCE:
        return DIFFERENT
    return (Beside(name),) if name in set(Beside) else ()


def _attribute(text: str) -> tuple[str, str] | None:
    name, equals, value = text.partition("=")
    return (name, value) if equals else None


def _audited(name: str) -> Verdict | bool | None:
    if name in (TOUCHED, UNTOUCHED):
        return name == TOUCHED
    return Verdict(name) if name in set(VERDICTS) else None
