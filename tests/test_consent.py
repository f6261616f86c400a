"""Nobody's words leave without consent: a listening server sees no request at all."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from belonging_llm import cli, consent, study
from belonging_llm.adapters import factory
from belonging_llm.adapters.fakes import HashEncoder
from belonging_llm.errors import ConsentError
from belonging_llm.importing import import_paths, split_transcripts
from belonging_llm.study import Study


class Listener:
    """Counts who knocks."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.knocks = 0
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                self._socket.accept()[0].close()
            except OSError:
                return
            self.knocks += 1

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    """A server that passes for one elsewhere."""
    made = Listener()
    for module in (consent, factory):
        monkeypatch.setattr(module, "is_loopback", lambda _: False)
    monkeypatch.setattr(factory, "encoder", lambda _: HashEncoder())
    yield made
    made.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = study.create(tmp_path / "study")
    for who in ("P01", "P02", "P03"):
        path = tmp_path / f"{who}.txt"
        path.write_text(f"Interviewer: How was it?\n\n{who}: It was good to be there with the others in {who}.\n")
        assert not import_paths(made, [path])[0].problem
    split_transcripts(made)
    made.store.close()
    settings = tmp_path / "study" / "study.toml"
    settings.write_text(settings.read_text("utf-8").replace("allow_remote = false", "allow_remote = true"), "utf-8")
    return tmp_path / "study"


def attributes(folder: Path, **said: str) -> None:
    path = folder / "participants.csv"
    rows = "".join(f"{who},{word}\n" for who, word in said.items())
    path.write_text(f"participant_id,{consent.ATTRIBUTE}\n{rows}", "utf-8")
    import_paths(Study(folder), [path])


def missing(folder: Path) -> list[str]:
    return consent.lacking(Study(folder), ["P01", "P02", "P03"])


@pytest.mark.parametrize("more", [[], ["--batch"], ["--recall"]])
def test_without_consent_nothing_is_sent_and_who_lacks_it_is_named(
    folder: Path, listener: Listener, more: list[str]
) -> None:
    attributes(folder, P01="yes", P02="no")
    spec = f"http://127.0.0.1:{listener.port}/v1#pretend"
    done = CliRunner().invoke(cli.main, ["analyse", str(folder), "--llm", spec, "--yes", *more])
    assert done.exit_code == 1
    assert "P02, P03" in done.output
    assert "P01" not in done.output.replace(str(folder), "")
    assert listener.knocks == 0
    assert Study(folder).store.ledger.departures() == []


def test_whoever_says_nothing_lacks_it(folder: Path) -> None:
    assert missing(folder) == ["P01", "P02", "P03"]
    attributes(folder, P01="Yes", P02="", P03="maybe")
    assert missing(folder) == ["P02", "P03"]
    attributes(folder, P01="no", P02="yes", P03="TRUE")
    assert missing(folder) == ["P01"]


def test_somebody_may_state_it_for_all(folder: Path) -> None:
    settings = folder / "study.toml"
    text = settings.read_text("utf-8")
    settings.write_text(text.replace('"per participant"', '"all, stated by R. Ahead on 2026-02-03"'), "utf-8")
    assert missing(folder) == []
    assert consent.basis(Study(folder)) == "all, stated by R. Ahead on 2026-02-03"
    settings.write_text(text.replace('"per participant"', '"all of them"'), "utf-8")
    with pytest.raises(study.StudyError, match="stated by NAME on"):
        Study(folder)


def test_synthetic_words_are_nobodys(folder: Path) -> None:
    settings = folder / "study.toml"
    settings.write_text(settings.read_text("utf-8").replace("synthetic = false", "synthetic = true"), "utf-8")
    assert missing(folder) == []


def test_what_stays_here_needs_none(folder: Path) -> None:
    opened = Study(folder)
    consent.demand(opened, None, ["P01"])
    consent.demand(opened, "http://127.0.0.1:9/v1", ["P01"])
    with pytest.raises(ConsentError, match="P01"):
        consent.demand(opened, "https://models.example/v1", ["P01"])
