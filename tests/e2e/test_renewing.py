"""A real Prefect server and worker: themes that are due are found anew only by somebody's word, and it is on record."""

from __future__ import annotations

import json
from typing import Any

import pytest
import studies
from served import Scheduled, until

from belonging_llm import renewal, theme_board
from belonging_llm.renewal import Word
from belonging_llm.study import Study

pytestmark = pytest.mark.slow

# Once a year: what happens here is begun by events and by hand.
NEVER = "0 3 1 1 *"
RENEW = "renew themes"


def renewals(scheduled: Scheduled, *types: str) -> list[dict[str, Any]]:
    wanted = {"state": {"type": {"any_": list(types)}}}
    return list(scheduled.ask("/flow_runs/filter", {"flows": {"name": {"any_": [RENEW]}}, "flow_runs": wanted}))


def paused(scheduled: Scheduled) -> str:
    """The run that waits for an answer; its id."""
    (found,) = until(lambda: renewals(scheduled, "PAUSED"), "a run asks and waits")
    until(lambda: scheduled_inputs(scheduled, found["id"]), "it says what it waits for")
    return str(found["id"])


def scheduled_inputs(scheduled: Scheduled, ident: str) -> list[Any]:
    return list(scheduled.ask(f"/flow_runs/{ident}/input/filter", {"prefix": "paused"}))


def resume(scheduled: Scheduled, ident: str, **given: Any) -> Any:
    """Answer a run through Prefect's API, as its pages do; what it made of that."""
    return scheduled.ask(f"/flow_runs/{ident}/resume", {"run_input": given})["status"]


def ended(scheduled: Scheduled, ident: str, state: str = "COMPLETED") -> None:
    alive = ("PAUSED", "RUNNING", "PENDING", "SCHEDULED")
    until(lambda: scheduled.run(ident)["state_type"] not in alive, "the run ends")
    assert scheduled.run(ident)["state_type"] == state, scheduled.run(ident)["state"]


def on_record(scheduled: Scheduled) -> list[tuple[str, Word]]:
    opened = Study(scheduled.folder)
    try:
        return renewal.words(opened)
    finally:
        opened.store.close()


def left(scheduled: Scheduled) -> tuple[str, str, str]:
    """Last themes' run, its themes, and why they are due."""
    opened = Study(scheduled.folder)
    try:
        now = theme_board.board(opened)
        return now.run_id, json.dumps([t.model_dump(mode="json") for t in now.themes]), theme_board.due(opened)
    finally:
        opened.store.close()


def test_themes_are_found_anew_by_somebodys_word_alone(scheduled: Scheduled) -> None:
    scheduled.drop("P03")
    scheduled.serve(NEVER)
    ended(scheduled, scheduled.run_now())
    before, asked = left(scheduled), len(scheduled.chat.log)
    assert "a fifth or more" in before[2]

    # The batch's event asked; an answer without a name is none; a refusal leaves everything as it is.
    first = paused(scheduled)
    assert resume(scheduled, first, agree=True, by=" ", reason="so much is new") == "REJECT"
    assert resume(scheduled, first, agree=False, by="Ana", reason="we compare with March first") == "ACCEPT"
    ended(scheduled, first)
    assert left(scheduled) == before
    assert len(scheduled.chat.log) == asked
    ((run_id, said),) = on_record(scheduled)
    assert (run_id, said.agree, said.by, said.reason) == (before[0], False, "Ana", "we compare with March first")

    # Asked again, somebody agrees.
    second = scheduled.run_now(RENEW)
    assert paused(scheduled) == second
    assert resume(scheduled, second, agree=True, by="Ben", reason="compared; go on") == "ACCEPT"
    ended(scheduled, second)
    run_id = renewed(scheduled, before, "Ben", "compared; go on")
    assert "Ben agreed: compared; go on" in studies.command("status", scheduled.folder).stdout

    # Themes that are not due are nobody's to decide.
    told = studies.command("renew", scheduled.folder, "--by", "Ben", "--reason", "again")
    assert told.returncode == 1
    assert "themes are not due" in told.stderr
    assert left(scheduled)[0] == run_id


def test_where_nobody_answers_nothing_changes_until_an_event_brings_the_word(scheduled: Scheduled) -> None:
    scheduled.drop("P03")
    scheduled.serve(NEVER, wait=2)
    ended(scheduled, scheduled.run_now())
    before = left(scheduled)
    (asked,) = until(lambda: renewals(scheduled, "FAILED"), "nobody answers")
    ((_, silence),) = until(lambda: on_record(scheduled), "the run notices what its server said")
    assert (silence.agree, silence.by, silence.reason) == (False, "", "no answer within 2 seconds")
    assert (left(scheduled), asked["tags"]) == (before, ["belonging-themes"])

    told = studies.command("renew", scheduled.folder, "--by", "Ana", "--reason", "not yet", "--refuse")
    assert (told.returncode, "themes stay as they are" in told.stdout) == (0, True), told.stderr
    assert left(scheduled) == before
    told = studies.command("renew", scheduled.folder, "--by", "Ana", "--reason", 'read all of it; "go"')
    assert (told.returncode, "a run is started" in told.stdout) == (0, True), told.stderr
    (run,) = until(lambda: [r for r in renewals(scheduled, "COMPLETED") if r["parameters"].get("agreed_by")], "renewed")
    assert run["parameters"]["agreed_by"] == "Ana"
    renewed(scheduled, before, "Ana", 'read all of it; "go"')
    assert [one.agree for _, one in on_record(scheduled)] == [False, False, True, True]


def renewed(scheduled: Scheduled, before: tuple[str, str, str], by: str, reason: str) -> str:
    """Themes are found anew, by this word; the run's id."""
    run_id, _, why = left(scheduled)
    assert run_id != before[0]
    assert why == ""
    opened = Study(scheduled.folder)
    assert opened.store.runs.get(run_id).kind == "whole"
    opened.store.close()
    kept, said = on_record(scheduled)[-1]
    assert (kept, said.agree, said.by, said.reason, said.why) == (run_id, True, by, reason, before[2])
    return run_id
