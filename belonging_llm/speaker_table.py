"""The table of speakers: who is who in a study's transcripts, as found and as people correct it.

It is kept with the transcripts, and written to `speakers.csv` in the study's folder. A person changes roles and
participants there, or on the command line; whatever reads the transcripts next takes the changes up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from belonging_llm.errors import ContainerError, InputError, TableError
from belonging_llm.study import Study
from belonging_llm.tables import add_rows, write_rows
from belonging_llm.transcripts import Basis, Role, Speaker, Transcript
from belonging_llm.transcripts.cast import recast, table
from belonging_llm.transcripts.sheet import read_sheet

FILE = "speakers.csv"
COLUMNS = ("transcript", "speaker", "turns", "words", "role", "participant", "known_by", "transcript_id")
_ID = re.compile(r"[0-9a-f]{16}")
# Spreadsheets would take these for formulas; `write_rows` puts an apostrophe before them.
_FORMULAS = ("'=", "'+", "'-", "'@", "'\t", "'\r")


class SpeakerRow(BaseModel):
    """One speaker of one transcript.

    Attributes:
        participant: Empty for whoever is no participant.
        known_by: `label`, `guess` or `person`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    transcript: str
    speaker: str
    turns: int
    words: int
    role: Role
    participant: str
    known_by: Basis
    transcript_id: str


@dataclass(frozen=True)
class Decision:
    """What a person says of a speaker.

    Attributes:
        speaker: As the transcripts write it.
        participant: None leaves the one there is, or makes the speaker's name one.
        transcript: A transcript's name or id; empty for all.
        place: Where it was said, for messages.
    """

    speaker: str
    role: Role
    participant: str | None = None
    transcript: str = ""
    place: str = ""


@dataclass(frozen=True)
class Applied:
    """What became of decisions.

    Attributes:
        changed: Speakers whose role or participant is another now, a line each.
        refused: Why some could not be followed.
    """

    changed: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


def rows(study: Study, only: Sequence[str] | None = None) -> list[SpeakerRow]:
    """Every speaker of the transcripts, by transcript's name; `only` names transcripts' ids."""
    ids = study.store.corpus.transcript_ids() if only is None else only
    found = sorted((study.store.corpus.transcript(i) for i in ids), key=lambda t: (t.name, t.id))
    return [
        SpeakerRow(
            transcript=transcript.name,
            speaker=voice.speaker.name,
            turns=voice.turns,
            words=voice.words,
            role=voice.speaker.role,
            participant=voice.speaker.participant or "",
            known_by=voice.speaker.basis,
            transcript_id=transcript.id,
        )
        for transcript in found
        for voice in table(transcript)
    ]


def write(study: Study) -> Path:
    """Write the table to the study's folder, replacing what is there.

    Raises:
        TableError: it cannot be written.
    """
    path = study.folder / FILE
    write_rows(path, [{k: str(v) for k, v in row.model_dump().items()} for row in rows(study)], COLUMNS)
    return path


def add(study: Study, fresh: Sequence[SpeakerRow]) -> None:
    """Put speakers of new transcripts at the end of the study's table, without reading what is in it.

    Raises:
        TableError: it cannot be written.
    """
    path = study.folder / FILE
    lines = [{k: str(v) for k, v in row.model_dump().items()} for row in fresh]
    if not path.exists():
        write_rows(path, lines, COLUMNS)
        return
    try:
        add_rows(path, lines, COLUMNS)
    except OSError as error:
        raise TableError(f"{path}: cannot be written: {error}") from error


def read(path: Path) -> list[Decision]:
    """The decisions in a table that `write` made and a person changed; it may have fewer columns and rows.

    Raises:
        TableError: unreadable, without a needed column, or with a role that does not exist.
    """
    try:
        sheet = read_sheet(path)
    except (InputError, ContainerError) as error:
        raise TableError(str(error)) from error
    (_, headings), *body = sheet.rows.items()
    place = {name.strip(): column for column, name in headings.items()}
    missing = [name for name in ("speaker", "role") if name not in place]
    if missing:
        raise TableError(f"{path}: has no column {', '.join(missing)}; `belonging speakers` writes the table anew")
    cells = [(n, {name: _plain(row.get(column, "")) for name, column in place.items()}) for n, row in body]
    return [_decision(row, f"{path}, row {n}") for n, row in cells if row["speaker"]]


def edits(study: Study, only: Sequence[str] | None = None) -> list[Decision]:
    """What a person changed in the study's table since it was written; `only` of these transcripts, by id.

    Raises:
        TableError: the table is there and cannot be read.
    """
    path = study.folder / FILE
    if not path.exists():
        return []
    known = {(row.transcript_id, row.speaker): (row.role, row.participant) for row in rows(study, only)}
    ids = set(study.store.corpus.transcript_ids() if only is None else only)
    return [
        decision
        for decision in read(path)
        if (only is None or decision.transcript in ids)
        and known.get((decision.transcript, decision.speaker)) != (decision.role, decision.participant or "")
        # A row that outlived its transcript says nothing.
        and (decision.transcript in ids or not _ID.fullmatch(decision.transcript))
    ]


def take_up(study: Study, only: Sequence[str] | None = None) -> Applied:
    """Follow what a person changed in the study's table (`only` about these transcripts), and write it anew.

    Raises:
        TableError: the table cannot be read.
        InputError: a change cannot be followed.
    """
    wanted = edits(study, only)
    if not wanted:
        return Applied()
    done = _follow(study, wanted)
    if done.refused:
        raise InputError(f"{'; '.join(done.refused)}; `belonging speakers {study.folder.name}` puts the table right")
    write(study)
    return done


def apply(study: Study, decisions: Sequence[Decision]) -> Applied:
    """Follow decisions in the transcripts that nobody has coded yet, and write the study's table anew.

    Raises:
        TableError: the table cannot be written.
    """
    done = _follow(study, decisions)
    write(study)
    return done


def _follow(study: Study, decisions: Sequence[Decision]) -> Applied:
    coded = study.store.corpus.coded()
    changed: list[str] = []
    refused = [f"{d.place or d.speaker}: no transcript has a speaker {d.speaker!r}" for d in _unknown(study, decisions)]
    for ident in study.store.corpus.transcript_ids():
        transcript = study.store.corpus.transcript(ident)
        fresh = recast(transcript, _decided(transcript, decisions))
        lines = _changes(transcript, fresh)
        if lines and ident in coded:
            refused.append(f"{transcript.name}: its segments have been coded, so who speaks in it stays as it is")
        elif lines:
            study.store.corpus.recast(fresh)
            changed += lines
    return Applied(tuple(changed), tuple(refused))


def parse(text: str, transcript: str = "") -> Decision:
    """A decision as typed: `NAME=interviewer`, `NAME=boilerplate` or `NAME=PARTICIPANT`.

    Raises:
        InputError: it is none of these.
    """
    name, sign, value = text.rpartition("=")
    name, value = name.strip(), value.strip()
    if not sign or not name or not value:
        raise InputError(f"{text}: say NAME=interviewer, NAME=boilerplate (left out), or NAME=P07 for a participant")
    if value.casefold() in {Role.INTERVIEWER, Role.BOILERPLATE}:
        return Decision(name, Role(value.casefold()), None, transcript, text)
    return Decision(name, Role.PARTICIPANT, value, transcript, text)


def _plain(cell: str) -> str:
    """A cell as it was before it was made harmless to spreadsheets."""
    text = cell.strip()
    return text[1:] if text.startswith(_FORMULAS) else text


def _decision(row: Mapping[str, str], place: str) -> Decision:
    role = row["role"].casefold()
    if role not in set(Role):
        raise TableError(f"{place}: {row['role']!r} is no role; write {', '.join(Role)}")
    who = row.get("participant", "") if role == Role.PARTICIPANT else ""
    return Decision(row["speaker"], Role(role), who, row.get("transcript_id") or row.get("transcript", ""), place)


def _unknown(study: Study, decisions: Sequence[Decision]) -> list[Decision]:
    known = {(key, row.speaker) for row in rows(study) for key in (row.transcript_id, row.transcript, "")}
    return [decision for decision in decisions if (decision.transcript, decision.speaker) not in known]


def _decided(transcript: Transcript, decisions: Sequence[Decision]) -> dict[str, Speaker]:
    """Speakers as decided; of several decisions about one the last counts."""
    known = {speaker.name: speaker for speaker in transcript.speakers}
    decided = {}
    for decision in decisions:
        if decision.speaker in known and decision.transcript in {"", transcript.name, transcript.id}:
            decided[decision.speaker] = _speaker(known[decision.speaker], decision)
    return decided


def _speaker(known: Speaker, decision: Decision) -> Speaker:
    who = None
    if decision.role is Role.PARTICIPANT:
        who = decision.participant or known.participant or known.name
    if (decision.role, who) == (known.role, known.participant):
        return known
    return Speaker(name=known.name, role=decision.role, participant=who, basis=Basis.PERSON)


def _changes(before: Transcript, after: Transcript) -> list[str]:
    return [
        f"{before.name}: {old.name} is {_called(new)} now (was {_called(old)})"
        for old, new in zip(before.speakers, after.speakers, strict=True)
        if old != new
    ]


def _called(speaker: Speaker) -> str:
    return f"participant {speaker.participant}" if speaker.role is Role.PARTICIPANT else f"{speaker.role}"
