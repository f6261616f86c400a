"""`belonging review` and `belonging reviewers`: where it may be served, and who may come in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from world import World

from belonging_llm.cli import main
from belonging_llm.errors import InputError
from belonging_llm.review.drawing import drawn_from
from belonging_llm.review.server import Where, listen
from belonging_llm.store import AuditUnit
from belonging_llm.store.reviewing import Queue


def run(*words: str) -> str:
    result = CliRunner().invoke(main, list(words))
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.20", "review.example.org", "::"])
def test_plain_http_does_not_leave_this_machine_unasked(host: str) -> None:
    with pytest.raises(InputError, match="--insecure-http"):
        Where(host=host, names=("review.example.org",)).check()
    Where(host=host, names=("review.example.org",), insecure=True).check()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_this_machine_may_always_ask(host: str) -> None:
    where = Where(host=host)
    where.check()
    assert {"localhost:8765", "127.0.0.1:8765", "[::1]:8765"} <= where.hosts(8765)
    assert where.address(8765).removeprefix("http://").removesuffix("/") in where.hosts(8765)


def test_a_name_is_wanted_where_every_address_is_listened_on(tmp_path: Path) -> None:
    for path in (tmp_path / "c.pem", tmp_path / "k.pem"):
        path.write_text("", encoding="utf-8")
    tls = {"certificate": tmp_path / "c.pem", "key": tmp_path / "k.pem"}
    with pytest.raises(InputError, match="--name"):
        Where(host="0.0.0.0", **tls).check()
    where = Where(host="0.0.0.0", port=443, names=("Review.example.org",), **tls)
    where.check()
    assert where.hosts(443) == {"review.example.org", "review.example.org:443"}
    assert "0.0.0.0:443" not in where.hosts(443)
    with pytest.raises(InputError, match="go together"):
        Where(certificate=tmp_path / "c.pem").check()


def test_a_port_that_is_taken_is_told() -> None:
    taken = listen(Where(port=0))
    with pytest.raises(InputError, match="--port"):
        listen(Where(port=taken.getsockname()[1]))
    taken.close()


def test_accounts_are_made_listed_and_closed(made: World) -> None:
    folder = str(made.folder)
    link = run("reviewers", folder, "add", "anna", "--segments", "sample 5", "--seed", "3")
    assert "/welcome/" in link
    assert "anna has 5 segments" in link
    assert "port, 8765; served elsewhere (--port, --public-url)" in link
    elsewhere = run("reviewers", folder, "add", "anna", "--address", "https://coding.example.org/")
    assert elsewhere.splitlines()[-1].startswith("https://coding.example.org/welcome/")
    assert "8765" not in elsewhere
    again = run("reviewers", folder, "add", "anna")
    assert "anna has 5 segments" in again, "a queue that is there stays what it is"
    assert again.splitlines()[-1] != link.splitlines()[-1]
    listed = {one["name"]: one for one in json.loads(run("reviewers", folder, "list", "--json"))}
    assert listed["anna"]["queue"]["drawn_from"] == "sample 5"
    assert listed["anna"]["queue"]["seed"] == 3
    assert not listed["anna"]["password_set"]
    assert listed["ann"]["password_set"]
    assert "argon2" not in json.dumps(listed)
    assert "/welcome/" in run("reviewers", folder, "add", "anna-adj", "--role", "adjudicator", "--coder", "anna")
    run("reviewers", folder, "revoke", "anna")
    assert "closed" in next(line for line in run("reviewers", folder, "list").splitlines() if line.startswith("anna "))


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["add", "a b"], "letters, digits"),
        (["add", "ann", "--role", "admin"], "choose another name"),
        (["add", "new", "--segments", "plan 9"], "no plan yet"),
        (["add", "new2", "--coder", "adjudicated"], "adjudicator's"),
        (["revoke", "nobody"], "no such account"),
    ],
)
def test_what_cannot_be_is_told(made: World, words: list[str], why: str) -> None:
    result = CliRunner().invoke(main, ["reviewers", str(made.folder), *words])
    assert result.exit_code == 1
    assert why in result.output


def test_what_a_queue_was_drawn_from_is_told_in_words(made: World) -> None:
    opened = made.open()
    ids = [segment.id for segment in opened.store.corpus.segments()][:4]
    units = [AuditUnit(segment_id=one, inclusion=0.5, stratum="all", drawn=n < 3) for n, one in enumerate(ids)]
    number = opened.store.audits.add_plan({"seed": 1}, units)
    day = opened.store.audits.plans()[number]["at"][:10]
    told = {}
    for kind in ("all", "sample 4", f"plan {number}", "plan 99"):
        queue = Queue(reviewer="x", drawn_from=kind, seed=1, made_at="")
        told[kind] = drawn_from(opened, queue)
    assert told == {
        "all": "all segments of the study",
        "sample 4": "a random sample of 4 segments",
        f"plan {number}": f"the audit sample of {day} (3 segments; plan {number})",
        "plan 99": "an audit sample that is not in the study any more (plan 99)",
    }
    opened.store.close()
