"""What the pages about one study share while it is served: people's words, what waits, and runs beside people.

Everything here is read from the database and can be read again; nothing is kept only here.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from belonging_llm.codebook import Code
from belonging_llm.deliberation import Docket, People
from belonging_llm.inspection.beside import Comparison
from belonging_llm.inspection.live import Live
from belonging_llm.inspection.matrix import NOTHING, Matrix, Small, matrix, themed
from belonging_llm.inspection.sealing import Seal, seal
from belonging_llm.inspection.verdicts import VERDICTS, Verdict
from belonging_llm.store import Layered, Run, Store
from belonging_llm.study import Study

# Runs that are held in memory at a time.
HELD = 2


@dataclass
class Reviewed:
    """A run beside people, with what was said of its outcomes.

    Attributes:
        layered: Runs whose outcomes it says again; what was said of them stands.
        audited: int8, shape (n_segments, n_codes), a place in `VERDICTS`.
        seen: Number of the newest verdict that was noted; `noted` is how many were.
    """

    run: Run
    beside: Comparison
    layered: Layered
    audited: Small
    seen: int = 0
    noted: int = 0

    def refresh(self, store: Store) -> None:
        """Note verdicts that came since; all of them anew where one with a lower number came in behind."""
        came = store.people.verdicts(self.seen)
        if self.noted + len(came) != store.people.audits():
            self.audited[:] = NOTHING
            self.seen = self.noted = 0
            came = store.people.verdicts(0)
        self.update(came)

    def update(self, verdicts: Sequence[tuple[int, str, Mapping[str, str]]]) -> None:
        """Note verdicts; of several on one pair the last counts."""
        self.noted += len(verdicts)
        matrix = self.beside.matrix
        for number, segment, told in verdicts:
            # A withdrawal may have taken a detail out.
            row, column = matrix.row.get(segment), matrix.column.get(told.get("code", ""))
            verdict = told.get("verdict", "")
            stands = self.layered.stands(told.get("run", ""), segment)
            if stands and row is not None and column is not None and verdict in set(Verdict):
                self.audited[row, column] = VERDICTS.index(Verdict(verdict))
            self.seen = max(self.seen, number)


@dataclass
class Room:
    """One study's, in one process."""

    study: Study
    people: People = field(init=False)
    docket: Docket = field(init=False)
    live: Live = field(default_factory=Live)
    _runs: dict[str, Reviewed] = field(default_factory=dict)
    _basis: tuple[str, int] = ("", 0)
    _codes: dict[str, Code] = field(default_factory=dict)
    _participant: dict[str, str] = field(default_factory=dict)
    _coded: tuple[int, frozenset[str]] = (-1, frozenset())
    _begun: int = 0
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _reading: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.people = People(self.study.store, self.study.settings.audit.adjudicator)
        self.docket = Docket(self.people, (), ())

    @property
    def codes(self) -> Mapping[str, Code]:
        """Codes that can be assigned, by id, in the codebook's order."""
        return self._codes

    def refresh(self) -> None:
        """Take in what people did since the last request."""
        with self._lock:
            changed = self.people.refresh()
            framework = self.study.framework()
            basis = framework.digest, self.people.withdrawn
            if basis != self._basis or not changed <= self._participant.keys():
                self._codes = {code.id: code for code in framework.assignable}
                self._begin(basis)
                return
            self.docket.update(changed)
            for one in self._runs.values():
                one.beside.update(changed)

    def run(self, run_id: str) -> Reviewed:
        """A run beside people, as of the last refresh; KeyError when none of this id has ended."""
        return self._held(run_id) or self._read(run_id)

    def seal(self) -> Seal:
        """Whose segments are not shown beside the model's word."""
        if self._coded[0] != self.people.version:
            coded = frozenset(self._participant[s] for s in self.people.segments if s in self._participant)
            self._coded = self.people.version, coded
        return seal(self.study, self._coded[1])

    def hidden(self, reviewed: Reviewed, seal: Seal) -> NDArray[np.bool_]:
        """Rows of a run that are not shown, shape (n_segments,)."""
        where = reviewed.beside.matrix
        places = [i for i, who in enumerate(where.participants) if who in seal.hidden]
        return np.isin(where.participant, places)

    def participant(self, segment_id: str) -> str:
        """Whose a segment is; KeyError when there is none."""
        return self._participant[segment_id]

    @property
    def participants(self) -> Mapping[str, str]:
        """The participant of every segment."""
        return self._participant

    def _begin(self, basis: tuple[str, int]) -> None:
        """Read everything: at first, with another codebook, with segments that were not there, when somebody left."""
        places = self.study.store.outcomes.places()
        self._participant = {place.id: place.participant for place in places}
        self._basis = basis
        self._begun += 1
        self._runs.clear()
        self.docket = Docket(self.people, [place.id for place in places], self._codes)
        self.docket.update(self.people.segments)

    def _held(self, run_id: str) -> Reviewed | None:
        """A run that was read before, with what people said and changed since."""
        with self._lock:
            found = self._runs.pop(run_id, None)
            if found is not None:
                self._runs[run_id] = found
                found.refresh(self.study.store)
                if found.beside.matrix.edited != self.study.store.themes.last_edit():
                    found.beside.matrix = themed(self.study.store, found.beside.matrix)
            return found

    def _read(self, run_id: str) -> Reviewed:
        """Read a run, which takes seconds in a large study: whoever wants it meanwhile waits, all others go on."""
        with self._reading:
            found = self._held(run_id)
            while found is None:
                begun = self._begun
                made = self._matrix(run_id)
                with self._lock:
                    # Where everything was begun anew meanwhile, what was read may be out of date.
                    found = self._keep(run_id, made) if begun == self._begun else None
            return found

    def _matrix(self, run_id: str) -> Matrix:
        store = self.study.store
        if run_id not in {ended.id for ended in store.outcomes.runs()}:
            raise KeyError(run_id)
        made = matrix(store, run_id, tuple(self._codes))
        made.rank.setflags(write=False)  # ranked now, so that no request waits for it
        return made

    def _keep(self, run_id: str, made: Matrix) -> Reviewed:
        store = self.study.store
        run, audited = store.runs.get(run_id), np.full(made.outcome.shape, NOTHING, np.int8)
        beside, layered = Comparison(store, made, self.people), store.batches.layered(run_id)
        self._runs[run_id] = Reviewed(run, beside, layered, audited)
        while len(self._runs) > HELD:
            del self._runs[next(iter(self._runs))]
        self._runs[run_id].refresh(store)
        return self._runs[run_id]
