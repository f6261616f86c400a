"""Gold in a prompt, a codebook or a request stops the analysis and the audit."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from audited import bring, ident, people_code, run, text, who, write
from click.testing import CliRunner

from belonging_llm import analysis, cli
from belonging_llm.adapters import factory
from belonging_llm.adapters.fakes import FakeChat
from belonging_llm.analysis import Job
from belonging_llm.auditing.audit import audit
from belonging_llm.auditing.guarding import search_for_leaks
from belonging_llm.auditing.splits import Part, parts
from belonging_llm.errors import LeakError
from belonging_llm.importing import Kind
from belonging_llm.llm import ChatRequest
from belonging_llm.prompts import load
from belonging_llm.study import Study


def locked(folder: Path) -> dict[str, Part]:
    opened = Study(folder)
    found = parts(opened)
    opened.store.close()
    return found


def somebody_in_test(folder: Path) -> int:
    """A participant of the test split, by number."""
    where = locked(folder)
    return next(p for p in range(12) if where[who(p)] is Part.TEST)


def plant_in_codebook(folder: Path, words: str) -> None:
    rows = [("home", "Home", "Feels at home.", words), ("group", "Group", "Speaks of a group.", "")]
    bring(folder, write(folder / "planted.csv", ("code", "name", "definition", "examples"), rows), Kind.CODEBOOK)


def plant_in_prompt(folder: Path, words: str) -> Path:
    path = folder / "prompts" / "code_segment.v1.md"
    path.write_text(load("code_segment.v1").source.replace("## User\n", f"## User\nLike: {words}\n"), encoding="utf-8")
    return path


def command(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(cli.main, [str(a) for a in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def test_without_a_split_nothing_can_leak(talks: Path) -> None:
    assert search_for_leaks(Study(talks)) == "no test split yet"


def test_an_example_from_the_test_split_stops_analysis_and_audit(talks: Path) -> None:
    people_code(talks)
    run(talks)
    p = somebody_in_test(talks)
    plant_in_codebook(talks, f"We said: {text(p, 2).upper()}")
    code, output = command("analyse", talks, "--llm", "none")
    assert code == 1
    assert "code home, example" in output
    assert f"segment {ident(p, 2)}" in output
    with pytest.raises(LeakError, match=f"code home, example.*segment {ident(p, 2)}"):
        audit(Study(talks))
    assert len(Study(talks).store.runs.finished()) == 1


def test_a_prompt_with_a_test_segments_words_stops_analysis_and_audit(talks: Path) -> None:
    people_code(talks)
    run(talks)
    p = somebody_in_test(talks)
    plant_in_prompt(talks, text(p, 0))
    code, output = command("analyse", talks, "--llm", "none")
    assert code == 1
    assert f"prompt code_segment.v1 holds words of segment {ident(p, 0)}" in output
    with pytest.raises(LeakError, match=r"prompt code_segment\.v1"):
        audit(Study(talks))


def test_a_leak_stops_the_audit_before_the_test_split_is_opened(talks: Path) -> None:
    people_code(talks)
    run(talks)
    plant_in_codebook(talks, text(somebody_in_test(talks), 2))
    with pytest.raises(LeakError):
        audit(Study(talks), part=Part.TEST)
    assert Study(talks).store.audits.unsealings() == []


def test_words_of_development_segments_may_be_examples(talks: Path) -> None:
    people_code(talks)
    run(talks)
    where = locked(talks)
    p = next(p for p in range(12) if where[who(p)] is Part.DEVELOPMENT)
    plant_in_codebook(talks, text(p, 2))
    assert "hold no words of the" in audit(Study(talks)).provenance.leaks_searched


def answer(request: ChatRequest) -> str:
    codes = request.user.split("Candidate codes: ")[1].split("\n")[0].split(", ")
    return json.dumps({code: {"applies": False, "polarity": "mixed", "words": ""} for code in codes})


def asked_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """A run that asks a model about half of the segments, without themes; returns how many requests it sent."""
    settings = folder / "study.toml"
    changed = re.sub(r"(?m)^ask_share = .*$", "ask_share = 0.5", settings.read_text(encoding="utf-8"))
    settings.write_text(changed, encoding="utf-8")
    chat = FakeChat(answer)
    monkeypatch.setattr(factory, "chat_model", lambda *_, **__: chat)
    job = Job(str(folder), "fake", "hashed")
    opened, _ = analysis.prepare(job)
    for rows in analysis.batches(job, opened.id):
        analysis.code_batch(job, opened.id, rows)
    analysis.finish(job, opened.id)
    return len(chat.asked)


def test_requests_as_they_were_sent_are_searched(talks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = asked_run(talks, monkeypatch)
    assert sent >= 10
    people_code(talks)
    assert f"{sent} coding requests as they were sent hold no words" in audit(Study(talks)).provenance.leaks_searched


def test_a_run_made_with_a_leak_before_there_was_a_split_is_not_audited(
    talks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Everybody's first segment is in the prompt, so that whoever is drawn into the test split was shown.
    path = plant_in_prompt(talks, " ".join(text(p, 0) for p in range(12)))
    asked_run(talks, monkeypatch)
    people_code(talks)
    with pytest.raises(LeakError, match="prompt code_segment"):
        audit(Study(talks))
    path.unlink()
    with pytest.raises(LeakError, match=r"request \w{12} as it was sent holds words of segment s\d\d0"):
        audit(Study(talks))
