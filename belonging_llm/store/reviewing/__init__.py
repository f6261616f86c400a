"""What the review application keeps: reviewers, sessions, queues, judgements, and who saw what."""

from __future__ import annotations

from belonging_llm.store.reviewing.attempts import Attempts
from belonging_llm.store.reviewing.hearing import heard
from belonging_llm.store.reviewing.judgements import (
    Certainty,
    JudgementKind,
    JudgementRecord,
    Judgements,
    Mark,
    Overtaken,
    Said,
)
from belonging_llm.store.reviewing.queues import Draft, Progress, Queue, QueueItem, Queues, State
from belonging_llm.store.reviewing.reviewers import Reviewer, Reviewers, Role
from belonging_llm.store.reviewing.sessions import Session, Sessions
from belonging_llm.store.reviewing.viewings import Viewing, Viewings

__all__ = [
    "Attempts",
    "Certainty",
    "Draft",
    "JudgementKind",
    "JudgementRecord",
    "Judgements",
    "Mark",
    "Overtaken",
    "Progress",
    "Queue",
    "QueueItem",
    "Queues",
    "Reviewer",
    "Reviewers",
    "Role",
    "Said",
    "Session",
    "Sessions",
    "State",
    "Viewing",
    "Viewings",
    "heard",
]
