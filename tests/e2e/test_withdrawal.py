"""Somebody withdraws: nothing that was theirs is found in any byte, whatever interrupts it."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import signal
import socket
import uuid
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import studies
from chat_server import ChatServer
from studies import InProcess

from belonging_llm import study, withdrawal
from belonging_llm.asking import LedgerEntry
from belonging_llm.llm import ChatReply, ChatRequest
from belonging_llm.parcels.answers import Stray
from belonging_llm.parcels.parcel import Fate, Line, Parcel
from belonging_llm.store import Store
from belonging_llm.store.exchanges import Batch, Brought, CaseRecord, MemoPlace, MemoRecord, SourceRecord
from belonging_llm.study import Study
from belonging_llm.withdrawal import withdrawing

PLANTED = [f"zq{n:04d}xw" for n in range(1000)]
WHO = "P03"
OTHERS = ("P01", "P02", "P04", "P05", "P06")
TALK = (
    "In my first year I studied at night in the kitchen and wrote to my tutor {n} times about the essay. "
    "The others in the forum answered quickly and I felt that I was one of them after {n} weeks."
)


def planted(start: int, count: int) -> str:
    return " ".join(PLANTED[start : start + count])


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, running: ChatServer) -> Path:
    """A study that was analysed, evaluated, reported, tested for stability and exported; strings in every corner."""
    folder = tmp_path_factory.mktemp("withdrawal") / "study"
    with pytest.MonkeyPatch.context() as patch:
        belonging = studies.in_process(patch)
        study.create(folder).store.close()
        for number, who in enumerate(OTHERS):
            turns = [f"Interviewer: How was week {t}?\n\n{who}: {TALK.format(n=10 * number + t)}" for t in range(6)]
            (folder / "transcripts" / f"{who}.txt").write_text("\n\n".join(turns) + "\n", "utf-8")
        turns = [f"Interviewer: How was week {t}?\n\n{WHO}: I said {planted(12 * t, 12)} then." for t in range(50)]
        (folder / "transcripts" / f"{WHO}.txt").write_text("\n\n".join(turns) + "\n", "utf-8")
        _attributes(folder)
        _ok(belonging("import", folder, folder / "transcripts", folder / "participants.csv"))
        _gold(folder)
        _ok(belonging("import", folder, folder / "gold" / "codings.csv"))
        _settings(folder)
        _ok(belonging.analyse(folder, running.spec, "--yes"))
        _ok(belonging("evaluate", folder, "--split", "development"))
        _ok(belonging("stability", folder, "--llm", running.spec, "--segments", "8", "--seeds", "1", "--orders", "1"))
        for out in ("out.qdpx", "book.xlsx"):
            _ok(belonging("export", folder, folder / out))
        _ok(belonging("export", folder, folder / "tables", "--to", "csv"))
    opened = Study(folder)
    _beside(opened)
    opened.store.close()
    (folder / "notes.md").write_text(f"A plan.\n{WHO} said {planted(800, 10)}.\nAnother line.\n", "utf-8")
    (folder / "old.json.gz").write_bytes(gzip.compress(f'{{"{WHO}": "{planted(810, 10)}"}}'.encode()))
    (folder / "utf16.txt").write_text(f"{WHO}: {planted(0, 12)}\n", "utf-16")
    assert not set(PLANTED) - _found(folder), "every string is somewhere before"
    return folder


def _ok(done: object) -> None:
    assert done.exit_code == 0, done.output  # type: ignore[attr-defined]


def _attributes(folder: Path) -> None:
    rows = [["participant_id", "note"], *([who, "plain"] for who in OTHERS), [WHO, planted(600, 50)]]
    with (folder / "participants.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(rows)


def _gold(folder: Path) -> None:
    opened = Study(folder)
    from belonging_llm.importing import split_transcripts

    split_transcripts(opened)
    code = opened.framework().assignable[0].id
    rows: list[list[str]] = [["segment_id", "coder", "code", "reason"]]
    reasons = iter(PLANTED[650:750])
    for segment in opened.store.corpus.segments():
        for coder in ("A", "B"):
            mine = (
                " ".join(word for _, word in zip(range(4), reasons, strict=False)) if segment.participant == WHO else ""
            )
            rows.append([segment.id, coder, code if segment.turn % 4 else "", mine])
    opened.store.close()
    with (folder / "gold" / "codings.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(rows)


def _settings(folder: Path) -> None:
    path = folder / "study.toml"
    path.write_text(path.read_text("utf-8").replace("ask_share = 0.1", "ask_share = 0.6"), "utf-8")


def guid(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name))


def _beside(opened: Study) -> None:
    """What other ways would have left: notes and cases of a project, replies, batches under way, stray lines."""
    theirs = withdrawal.traces(opened, WHO)
    (transcript,) = theirs.alone
    segment = next(s for s in opened.store.corpus.segments() if s.participant == WHO)
    source = SourceRecord(id=guid("source"), transcript_id=transcript.id, name=WHO, description=planted(750, 10))
    memo = MemoRecord(id=guid("memo"), name="note", text=planted(760, 20), coder="A", at="")
    kept = MemoRecord(id=guid("other"), name="note", text="of the whole project", coder="A", at="")
    case = CaseRecord(id=guid("case"), participant=WHO, description=planted(780, 20), sources=(guid("source"),))
    brought = Brought(
        digest="d" * 64, file="p.qdpx", name="p", origin="x", description="", users={}, codes={}, variables=(),
        sets=({"guid": guid("set"), "name": "set", "sources": [guid("source")]},), offsets="", codings=0, kept=0, left_out=(f"{WHO}: gone",),
        notes=(),
    )  # fmt: skip
    places = (MemoPlace(memo_id=guid("memo"), kind="source", target=guid("source")),)
    opened.store.exchanges.add(
        Batch(
            brought=brought,
            sources=(source,),
            passages=(),
            codings=(),
            memos=(memo, kept),
            places=places,
            cases=(case,),
        )
    )
    _asked(opened.store, segment.text)


def _asked(store: Store, text: str) -> None:
    request = ChatRequest(system="s", user=f"Segment: {json.dumps(text)}", reply_schema={})
    reply = ChatReply(text=planted(820, 80), finish_reason="stop")
    entry = LedgerEntry(
        key="k" * 64, attempt=1, run_id="r", model="m", prompt="code_segment.v1", prompt_digest="d", reply=reply,
        seconds=0.0, at="",
    )  # fmt: skip
    store.ledger.record(entry, request)
    more = request.model_copy(update={"user": f"{request.user} {planted(900, 50)}"})
    for ident in ("open", "shut"):
        parcel = Parcel(
            id=ident, run_id="r", model="m", endpoint="https://models.example/v1", digest="d", requests=1, bytes=1,
            made_at="2026-01-01T00:00:00+00:00", touched_at="2026-01-01T00:00:00+00:00",
        )  # fmt: skip
        line = Line(key=f"k-{ident}", prompt="code_segment.v1", prompt_digest="d", request=more, about=(WHO,))
        store.parcels.seal(parcel, [line])
        store.parcels.leaving(ident)
    stray = Stray("output", 1, "unknown", planted(950, 50).encode())
    store.parcels.close("shut", "completed", Fate.MISSING, (), [stray])


def _found(folder: Path) -> set[str]:
    """Planted strings anywhere under a folder, in any spelling that a byte search can undo."""
    found: set[str] = set()
    for path in folder.rglob("*"):
        if path.is_file():
            for raw in (str(path).encode(), *_opened(path.read_bytes())):
                text = raw.decode("latin-1")
                wide = raw.replace(b"\x00", b"").decode("latin-1")
                found.update(word for word in PLANTED if word in text or word in wide)
    return found


def _opened(raw: bytes) -> Iterator[bytes]:
    yield raw
    if raw.startswith(b"\x1f\x8b"):
        yield from _opened(gzip.decompress(raw))
    if raw.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            for name in archive.namelist():
                yield from _opened(archive.read(name))


def _gone(folder: Path) -> None:
    assert _found(folder) == set()
    named = [p for p in folder.rglob("*") if p.is_file() and WHO.encode() in p.read_bytes()]
    assert named == [], "not even the id is left"
    assert not studies.damage(folder)


def test_not_a_byte_of_theirs_is_left(
    study: Path, tmp_path: Path, belonging: InProcess, running: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    original = study / "transcripts" / f"{WHO}.txt"
    raw, others = original.read_bytes(), _texts(study) - _texts(study, WHO)
    done = belonging("withdraw", study, WHO, "--yes", "--by", "the supervisor")
    assert done.exit_code == 0, done.output
    assert _found(temporary) == set()
    _gone(study)
    assert _texts(study) == others, "what others said stays, word for word"
    (certificate,) = (study / "certificates").glob("*.json")
    told = json.loads(certificate.read_text("utf-8"))
    assert told["compacted"] is True
    assert told["rows"]["segments"] == 50
    assert {one["endpoint"] for one in told["providers"]} == {running.url, "https://models.example/v1"}
    assert "of the whole project" in [m.text for m in Study(study).store.exchanges.memos()]
    copy = tmp_path / "again.txt"
    copy.write_bytes(raw)
    refused = belonging("import", study, copy)
    assert refused.exit_code == 1
    assert "stays out" in refused.output
    copy.write_bytes(raw.replace(b"\n", b"\r\n"))
    assert "stays out" in belonging("import", study, copy).output, "the same words in another file stay out too"


def test_the_next_analysis_is_of_those_who_are_left(study: Path, belonging: InProcess, server: ChatServer) -> None:
    assert belonging("withdraw", study, WHO, "--yes").exit_code == 0
    assert "somebody withdrew" in belonging("status", study).output
    before = len(server.log)
    done = belonging.analyse(study, server.spec, "--yes", "--json")
    assert done.exit_code == 0, done.output
    figures = json.loads(done.stdout)
    assert figures["unchanged"] is False
    assert figures["participants"] == len(OTHERS)
    assert not any(word in asked.user for asked in server.log[before:] for word in PLANTED)
    assert "somebody withdrew" not in belonging("status", study).output
    _gone(study)


def _texts(folder: Path, who: str = "") -> set[str]:
    opened = Study(folder)
    try:
        return {s.text for s in opened.store.corpus.segments() if not who or s.participant == who}
    finally:
        opened.store.close()


Patch = Callable[[pytest.MonkeyPatch], None]


def _die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _at_file(number: int) -> Patch:
    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        from belonging_llm.withdrawal import sweeping

        real, seen = sweeping._act, iter(range(1000))
        monkeypatch.setattr(sweeping, "_act", lambda found: _die() if next(seen) == number else real(found))

    return patch


def _before(name: str) -> Patch:
    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        from belonging_llm.store import withdrawals

        monkeypatch.setattr(withdrawals.Withdrawals, name, _die)

    return patch


def _in_the_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    from belonging_llm.store import withdrawals

    monkeypatch.setattr(withdrawals._Emptying, "_ledger", _die)


def _before_the_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(withdrawing, "_write", _die)


POINTS: dict[str, Patch] = {
    "first file": _at_file(0),
    "fifth file": _at_file(4),
    "before the rows": _before("empty"),
    "within the transaction": _in_the_transaction,
    "before the database is rebuilt": _before("purge"),
    "before the certificate": _before_the_certificate,
    "before it is closed": _before("finish"),
}


@pytest.mark.parametrize("point", POINTS)
def test_killed_half_way_the_same_command_finishes(study: Path, belonging: InProcess, point: str) -> None:
    child = os.fork()
    if child == 0:
        with pytest.MonkeyPatch.context() as monkeypatch:
            POINTS[point](monkeypatch)
            withdrawal.withdraw(Study(study), WHO, "somebody")
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), "nobody killed it"
    done = belonging("withdraw", study, WHO, "--yes")
    assert done.exit_code == 0, done.output
    _gone(study)
    (certificate,) = (study / "certificates").glob("*.json")
    told = json.loads(certificate.read_text("utf-8"))
    places = [one["place"] for one in told["files"]]
    assert len(places) == len(set(places))
    assert {"gold/codings.csv", "participants.csv", "out.qdpx", "book.xlsx", "notes.md"} <= set(places)
    assert told["rows"]["segments"] == 50


def test_without_sockets_all_of_it_works(study: Path, belonging: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the model in this process nothing even makes a socket."""

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("a socket was asked for")

    monkeypatch.setattr(socket, "socket", refused)
    monkeypatch.setattr(socket, "create_connection", refused)
    path = study / "transcripts" / "P07.txt"
    path.write_text(f"Interviewer: How was it?\n\nP07: {TALK.format(n=99)}\n", "utf-8")
    for command in (
        ("import", study, path),
        ("analyse", study, "--llm", "none"),
        ("evaluate", study, "--split", "development"),
        ("report", study),
        ("export", study, study / "again.qdpx"),
        ("egress", study),
        ("withdraw", study, WHO, "--yes"),
    ):
        done = belonging(*command)
        assert done.exit_code == 0, done.output
