"""What somebody says of one outcome of the model's after looking at it: accepted, corrected or rejected.

A record of its own kind. Whoever says it has seen the model's word, so it counts in no agreement and teaches nothing.
"""

from __future__ import annotations

from enum import StrEnum

from belonging_llm.codes import Coding, Outcome, Polarity
from belonging_llm.errors import InputError
from belonging_llm.store import JudgementKind, JudgementRecord, Mark, Said
from belonging_llm.study import Study

# Behind a person's name: their chain of records here never touches what they coded for themselves.
SAW_MODEL = " (audit)"


class Verdict(StrEnum):
    """`correct` gives another outcome or polarity; `reject` says that the outcome is wrong and leaves it at that."""

    ACCEPT = "accept"
    CORRECT = "correct"
    REJECT = "reject"


VERDICTS = tuple(Verdict)


def say(
    study: Study,
    run_id: str,
    coding: Coding,
    verdict: Verdict,
    *,
    reviewer: str,
    coder: str,
    reason: str,
    key: str,
    supersedes: int,
    outcome: Outcome | None = None,
    polarity: Polarity | None = None,
) -> JudgementRecord:
    """Keep a verdict on one coding of a run.

    Args:
        outcome: What it should be, for a correction; likewise `polarity`.
        supersedes: The person's last record on the segment that was shown along with it.

    Raises:
        InputError: no reason for what is not accepted, or a correction that corrects nothing.
        Overtaken: they said something in another window meanwhile.
    """
    if verdict is not Verdict.ACCEPT and not reason.strip():
        raise InputError("say in a few words what is wrong; whoever reads it later has nothing else to go by")
    right: tuple[Outcome, Polarity | None] = coding.outcome, coding.polarity
    if verdict is Verdict.CORRECT:
        right = _corrected(coding, outcome, polarity)
    applies = right[0] is Outcome.ASSIGNED and verdict is not Verdict.REJECT
    said = Said(
        key=key,
        kind=JudgementKind.AUDIT,
        segment_id=coding.segment_id,
        reviewer=reviewer,
        coder=coder + SAW_MODEL,
        marks=(Mark(code=coding.code, polarity=right[1]),) if applies else (),
        memo=reason.strip(),
        saw_model=True,
        codebook_digest=study.framework().digest,
        details={
            "run": run_id,
            "code": coding.code,
            "verdict": verdict.value,
            "was": coding.outcome.value,
            "outcome": "" if verdict is Verdict.REJECT else right[0].value,
        },
        supersedes=supersedes,
    )
    return study.store.judgements.submit(said)


def _corrected(coding: Coding, outcome: Outcome | None, polarity: Polarity | None) -> tuple[Outcome, Polarity | None]:
    if outcome not in (Outcome.ASSIGNED, Outcome.NOT_ASSIGNED):
        raise InputError("say what the outcome should be: that the code applies, or that it does not")
    polarity = polarity if outcome is Outcome.ASSIGNED else None
    if (outcome, polarity or coding.polarity) == (coding.outcome, coding.polarity):
        raise InputError("that is the outcome as it stands; accept it instead, or say which other it should be")
    return outcome, polarity
