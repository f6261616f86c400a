"""What people said of codes that were merged since, read as said of the code that they were merged into.

Nobody's coding is rewritten: the codebook in use says which codes it absorbed, and whatever reads people's codings
reads them through it. Another version of the codebook reads the same codings otherwise.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from belonging_llm.codes.coding import Coding, EvidenceSpan, Outcome, Polarity


def merged(codings: Sequence[Coding], absorbed: Mapping[str, str]) -> list[Coding]:
    """People's codings with one for each segment, code in use and coder, by segment, code and coder.

    Args:
        absorbed: For codes that were merged into another, that other.
    """
    if not absorbed:
        return list(codings)
    said: dict[tuple[str, str, str], list[Coding]] = {}
    for one in codings:
        said.setdefault((one.segment_id, absorbed.get(one.code, one.code), one.coder), []).append(one)
    return [_one(code, said[key]) for key in sorted(said) for code in [key[1]]]


def outcome_of(said: Collection[Outcome]) -> Outcome:
    """A yes to any of the codes is a yes; whoever left one open and gave none left it open."""
    if Outcome.ASSIGNED in said:
        return Outcome.ASSIGNED
    return next((one for one in said if one is not Outcome.NOT_ASSIGNED), Outcome.NOT_ASSIGNED)


def polarity_of(said: Iterable[Polarity | None]) -> Polarity | None:
    """The polarity that somebody gave; None where they gave none, or different ones to different codes."""
    given = {one for one in said if one is not None}
    return given.pop() if len(given) == 1 else None


def _one(code: str, said: Sequence[Coding]) -> Coding:
    """Several codings of one person on one segment as one."""
    if len(said) == 1:
        return said[0] if said[0].code == code else said[0].model_copy(update={"code": code})
    outcome = outcome_of([one.outcome for one in said])
    count = [one for one in said if one.outcome is outcome]
    spans = sorted({(span.start, span.end) for one in count for span in one.evidence})
    return count[0].model_copy(
        update={
            "code": code,
            "outcome": outcome,
            "polarity": polarity_of(one.polarity for one in count),
            "evidence": tuple(EvidenceSpan(start=start, end=end) for start, end in spans),
            "rationale": "\n".join(dict.fromkeys(one.rationale for one in count if one.rationale)),
        }
    )
