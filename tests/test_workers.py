"""Nobody is taken out of a study that somebody works on, and nobody works on one that somebody is taken out of."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from belonging_llm import study, withdrawal
from belonging_llm.asking import LedgerEntry
from belonging_llm.batch import exclusive
from belonging_llm.errors import Incomplete
from belonging_llm.importing import import_paths, split_transcripts
from belonging_llm.llm import ChatReply, ChatRequest
from belonging_llm.provenance import now
from belonging_llm.study import Study
from belonging_llm.workers import PLACES, alone, working

ROOT = Path(__file__).parents[1]
AT_WORK = """
import sys
from pathlib import Path
from belonging_llm import workers
from belonging_llm.study import Study
with getattr(workers, sys.argv[2])(Study(Path(sys.argv[1]))):
    print("at it", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path, either_store: str) -> Path:
    """A study of two people's interviews."""
    made = study.create(tmp_path / "study")
    for who in ("Ana", "Ben"):
        (made.folder / "transcripts" / f"{who}.txt").write_text(
            f"Interviewer: How did it begin?\n\n{who}: We all wrote to {who} at night about marmalade.\n", "utf-8"
        )
    import_paths(made, [made.folder / "transcripts"])
    split_transcripts(made)
    made.store.close()
    return made.folder


@contextmanager
def process(folder: Path, what: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that works on a study, or has it alone, until it is killed."""
    env = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", AT_WORK, folder, what], stdin=pipe, stdout=pipe, text=True, env=env
    ) as p:
        try:
            assert p.stdout is not None
            assert p.stdout.readline() == "at it\n"
            yield p
        finally:
            p.kill()


def test_nobody_withdraws_while_another_process_works(folder: Path) -> None:
    with process(folder, "working") as other:
        opened = Study(folder)
        with pytest.raises(Incomplete, match="another process works on this study"):
            withdrawal.withdraw(opened, "Ben", "")
        assert opened.store.withdrawals.open() == []
        with working(opened), working(opened), exclusive(opened):
            pass  # several work side by side
        other.send_signal(signal.SIGKILL)
        other.wait()
        withdrawal.withdraw(opened, "Ben", "")
        assert {s.participant for s in opened.store.corpus.segments()} == {"Ana"}
        with working(opened):
            pass
        opened.store.close()


def test_nobody_begins_while_somebody_is_taken_out(folder: Path) -> None:
    with process(folder, "alone"):
        opened = Study(folder)
        for begin in (working, exclusive):
            with pytest.raises(Incomplete, match="is being taken out"), begin(opened):
                pass
        opened.store.close()


def test_nobody_begins_before_a_withdrawal_that_died_is_ended(folder: Path) -> None:
    opened = Study(folder)
    opened.store.withdrawals.begin("Ben", "")
    with pytest.raises(Incomplete, match="has not ended") as refused, working(opened):
        pass
    assert "Ben" not in str(refused.value)
    withdrawal.withdraw(opened, "Ben", "")
    with working(opened):
        pass
    opened.store.close()


def test_what_was_written_late_goes_when_a_withdrawal_that_died_is_ended(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Study(folder)
    (text,) = {s.text_digest for s in opened.store.corpus.segments() if s.participant == "Ana"}
    with monkeypatch.context() as patch:
        patch.setattr(type(opened.store.withdrawals), "purge", lambda _: (_ for _ in ()).throw(OSError("it died")))
        with pytest.raises(OSError, match="it died"):
            withdrawal.withdraw(opened, "Ben", "")
    opened.store.vectors.put({"0" * 64: np.ones(2, np.float32), text: np.ones(2, np.float32)}, "hashed")
    entry = LedgerEntry(
        key="late", attempt=1, run_id="r", model="m", prompt="code_segment.v1", prompt_digest="d",
        reply=ChatReply(text="marmalade", finish_reason="stop"), seconds=0.1, at=now(),
    )  # fmt: skip
    opened.store.ledger.record(entry, ChatRequest(system="You code.", user="about marmalade", reply_schema={}))
    made, _ = withdrawal.withdraw(opened, "Ben", "")
    assert not opened.store.ledger.replies("late")
    assert opened.store.vectors.get(["0" * 64], "hashed") == {}
    assert set(opened.store.vectors.get([text], "hashed")) == {text}
    assert made.rows["model calls and vectors that were written while this was under way"] == 2
    opened.store.close()


def test_a_full_house_is_left_as_it_was(folder: Path) -> None:
    """Whoever is refused holds nothing."""
    opened = Study(folder)
    with working(opened), pytest.raises(Incomplete), alone(opened):
        pass
    with alone(opened), pytest.raises(Incomplete, match=str(PLACES)), working(opened):
        pass
    with alone(opened):
        pass
    opened.store.close()
