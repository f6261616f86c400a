"""The study's database: the only package that knows SQL."""

from __future__ import annotations

from belonging_llm.store.audits import AuditRecords, AuditUnit, Unsealing
from belonging_llm.store.codebook_use import CodebookUse, Use
from belonging_llm.store.codebooks import Codebooks, Version
from belonging_llm.store.corpus import Corpus
from belonging_llm.store.database import connect
from belonging_llm.store.exchanges import Exchanges
from belonging_llm.store.findings import Findings
from belonging_llm.store.ledger import Left, StoredLedger
from belonging_llm.store.parcels import StoredParcels
from belonging_llm.store.reviewing import (
    Attempts,
    Certainty,
    Draft,
    JudgementKind,
    JudgementRecord,
    Judgements,
    Mark,
    Queues,
    Reviewer,
    Reviewers,
    Role,
    Said,
    Session,
    Sessions,
    State,
    Viewings,
)
from belonging_llm.store.rewording import Reworded, Rewording
from belonging_llm.store.runs import Run, Runs
from belonging_llm.store.segment_words import SegmentWords
from belonging_llm.store.stability import StabilityTest, StabilityTests
from belonging_llm.store.themes import Origin, Themes
from belonging_llm.store.vectors import StoredVectors
from belonging_llm.store.withdrawals import Leaving, Withdrawal, Withdrawals

__all__ = [
    "AuditUnit",
    "Certainty",
    "Draft",
    "JudgementKind",
    "JudgementRecord",
    "Leaving",
    "Left",
    "Mark",
    "Origin",
    "Reviewer",
    "Reworded",
    "Role",
    "Run",
    "Said",
    "Session",
    "StabilityTest",
    "State",
    "Store",
    "Unsealing",
    "Use",
    "Version",
    "Withdrawal",
]


class Store:
    """Everything a study keeps, by what it is."""

    def __init__(self, url: str) -> None:
        """Open the database at a SQLAlchemy URL, bringing its schema up to date.

        Raises:
            StudyError: it cannot be opened.
        """
        self._engine = connect(url)
        self.corpus = Corpus(self._engine)
        self.codebooks = Codebooks(self._engine)
        self.codebook_use = CodebookUse(self._engine)
        self.words = SegmentWords(self._engine)
        self.vectors = StoredVectors(self._engine)
        self.ledger = StoredLedger(self._engine)
        self.parcels = StoredParcels(self._engine)
        self.runs = Runs(self._engine)
        self.findings = Findings(self._engine)
        self.themes = Themes(self._engine)
        self.audits = AuditRecords(self._engine)
        self.stability = StabilityTests(self._engine)
        self.exchanges = Exchanges(self._engine)
        self.withdrawals = Withdrawals(self._engine)
        self.rewording = Rewording(self._engine)
        self.reviewers = Reviewers(self._engine)
        self.sessions = Sessions(self._engine)
        self.attempts = Attempts(self._engine)
        self.queues = Queues(self._engine)
        self.judgements = Judgements(self._engine)
        self.viewings = Viewings(self._engine)

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()
