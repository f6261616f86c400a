"""Two coders disagree, an adjudicator settles it, the audit shows it, and agreement follows; all in a real browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import world
from browsing import Browsing, Watched
from serving import Served

from belonging_llm.codes import Coding, Judgement, Outcome
from belonging_llm.store import JudgementKind

PEOPLE = [f"P{n:02}" for n in range(1, 7)]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Nobody has coded yet; who is in which part is decided, so that the first participant is development's."""
    made = world.make(tmp_path_factory.mktemp("settling") / "study", participants=PEOPLE, disputes=False)
    study = made.open()
    parts = dict(zip(PEOPLE, ["development"] * 3 + ["calibration", "test", "test"], strict=True))
    study.store.audits.lock(parts, {"shares": study.settings.audit.shares, "seed": 0})
    study.store.close()
    with Served(made) as running:
        yield running


@pytest.fixture
def window(browsing: Browsing, served: Served) -> Iterator[Watched]:
    opened = browsing.window(served)
    yield opened
    assert (opened.outside, opened.dialogs, opened.errors, opened.stopped()) == ([], [], [], [])
    opened.close()


def segments(served: Served, who: str) -> list[str]:
    return [place.id for place in served.study.store.outcomes.places() if place.participant == who]


def code(browsing: Browsing, served: Served, coder: str, segment: str, *keys: str) -> None:
    """Code one segment by keyboard."""
    window = browsing.window(served)
    window.sign_in(coder)
    window.goto(f"/code/{segment}")
    for key in keys:
        window.page.keyboard.press(key)
    window.page.wait_for_url(lambda url: segment not in url)
    window.close()


def row(window: Watched, table: str, n: int = 0) -> list[str]:
    """A line of a table, cell by cell, without what is only drawn."""
    return [cell.inner_text() for cell in window.page.locator(f"#{table} tbody tr").nth(n).locator("th, td").all()]


def test_a_disagreement_is_settled_and_everything_follows(browsing: Browsing, served: Served, window: Watched) -> None:
    store = served.study.store
    contested, agreed = segments(served, "P01")[1], segments(served, "P02")[1]
    for coder, keys in ((world.CODER, ("1", "Enter")), (world.OTHER, ("n", "Enter"))):
        code(browsing, served, coder, contested, *keys)
        code(browsing, served, coder, agreed, "1", "Enter")
    theirs = [c for c in store.findings.codings() if c.segment_id == contested]

    # People disagree: it waits to be settled, and the audit does not hold the model against anybody there.
    window.sign_in(world.ADJUDICATOR)
    window.goto("/agreement")
    assert row(window, "among")[1:3] == ["2", "2"]
    before = row(window, "beside")
    assert before[1:3] == ["1", "1"]
    first = served.study.framework().assignable[0].id
    listed = f"/audit?code={first}&participant=P01"
    # Somebody else looks: what is settled after looking would count as no gold.
    looking = browsing.window(served)
    looking.sign_in(world.ADMIN)
    looking.goto(listed)
    assert "people disagree, not settled" in looking.page.locator("#found tbody tr").nth(1).inner_text()
    looking.close()

    # Settled by keyboard alone: as the first coder says, with a reason.
    window.goto("/adjudication")
    window.page.click("#start")
    window.page.wait_for_url(lambda url: contested in url)
    window.page.keyboard.press("1")
    window.page.keyboard.type("the definition covers being sought out")
    window.page.keyboard.press("Enter")
    window.page.wait_for_url("**/adjudication?settled=yes")
    record = store.judgements.head(contested, "adjudicated")
    assert record is not None
    assert (record.kind, record.reviewer) == (JudgementKind.ADJUDICATION, world.ADJUDICATOR)
    assert ([m.code for m in record.marks], record.memo) == ([first], "the definition covers being sought out")
    assert [c for c in store.findings.codings() if c.segment_id == contested and c.coder != "adjudicated"] == theirs

    # What everybody agrees on is taken over at once, a record each.
    window.page.click("#take-over")
    window.page.wait_for_url("**/adjudication?taken=1")
    taken = store.judgements.head(agreed, "adjudicated")
    assert taken is not None
    assert (taken.details["agreed"], [m.code for m in taken.marks]) == ("yes", [first])

    # The audit shows it, and the model's agreement with what people settled on has changed.
    window.goto(listed)
    line = window.page.locator("#found tbody tr").nth(1).inner_text()
    assert "adjudicated" in line
    assert "missed" in line
    window.goto("/agreement")
    after = row(window, "beside")
    assert after[1:3] == ["2", "2"]
    assert row(window, "among")[1:3] == ["2", "2"]

    # A verdict by keyboard: kept apart, and no figure moves.
    window.goto(listed + "&beside=missed")
    window.page.locator("#found tbody a").first.click()
    window.page.wait_for_url("**/audit/pair?**")
    window.page.keyboard.press("x")
    window.page.keyboard.type("the tutor sought them out")
    window.page.keyboard.press("Enter")
    window.page.wait_for_url(lambda url: "/audit/pair" not in url)
    assert "rejected" in window.page.locator("#found tbody tr").first.inner_text()
    verdict = store.judgements.head(contested, f"{world.ADJUDICATOR} (audit)")
    assert verdict is not None
    assert (verdict.kind, verdict.saw_model, verdict.details["verdict"]) == (JudgementKind.AUDIT, True, "reject")
    window.goto("/agreement")
    assert row(window, "beside") == after


def test_a_change_by_a_coder_reopens_what_was_settled(browsing: Browsing, served: Served, window: Watched) -> None:
    segment = segments(served, "P03")[0]
    code(browsing, served, world.CODER, segment, "1", "Enter")
    code(browsing, served, world.OTHER, segment, "2", "Enter")
    window.sign_in(world.ADMIN)
    window.goto(f"/adjudication/segment?segment={segment}")
    window.page.keyboard.press("2")
    window.page.keyboard.type("read with the question")
    window.page.keyboard.press("Enter")
    window.page.wait_for_url(lambda url: "/segment" not in url)
    code(browsing, served, world.CODER, segment, "2", "Enter")
    window.goto("/adjudication?standing=reopened")
    assert window.page.locator("table a").count() == 1
    assert "changed by a coder since" in window.page.locator("tbody tr").first.inner_text()


def test_nothing_of_the_sealed_test_split_is_shown(browsing: Browsing, served: Served, window: Watched) -> None:
    sealed = segments(served, "P06")[0]
    run = served.study.store.runs.latest()
    assert run is not None
    first = served.study.framework().assignable[0].id
    client = served.client(world.ADJUDICATOR)
    assert "P06" not in client.get("/audit?participant=P06").text.partition('id="found"')[2]
    reply = client.get(f"/audit/pair?run={run.id}&segment={sealed}&pair_code={first}")
    assert reply.status_code == 404
    assert world.MODELS_WORDS not in reply.text
    assert "The test split is sealed" in client.get("/agreement?part=test").text
    fields = {
        "run": run.id,
        "segment": sealed,
        "pair_code": first,
        "verdict": "accept",
        "key": "never kept",
        "supersedes": "0",
    }
    assert client.post("/audit/keep", fields).status_code == 404
    served.study.store.audits.unseal(who="the test", candidate="run", pinned={})
    assert "P06" in client.get("/audit?participant=P06").text.partition('id="found"')[2]
    assert "The test split is sealed" not in client.get("/agreement?part=test").text


def test_nobody_settles_what_they_coded_themselves(served: Served) -> None:
    store = served.study.store
    segment = segments(served, "P04")[0]

    first = served.study.framework().assignable[0].id
    # Coded by the adjudicator before they became one, and by somebody else otherwise.
    store.findings.add_codings([Coding(segment_id=segment, code=first, coder="dora", outcome=Outcome.ASSIGNED)])
    store.findings.add_judged([Judgement(segment_id=segment, coder=who) for who in ("dora", "gus")])
    client = served.client(world.ADJUDICATOR)
    page = client.get(f"/adjudication/segment?segment={segment}").text
    assert "You coded this segment yourself" in page
    assert 'id="decide"' not in page
    fields = {
        "segment": segment,
        "judged": first,
        f"decision {first}": "yes",
        "reason": "mine",
        "key": "own segment",
        "supersedes": "0",
    }
    reply = client.post("/adjudication/keep", fields)
    assert reply.status_code == 422
    assert "adjudicate_own" in reply.text
    assert store.judgements.head(segment, "adjudicated") is None
    # Another may.
    assert served.client(world.ADMIN).post("/adjudication/keep", fields).status_code == 303
    assert store.judgements.head(segment, "adjudicated") is not None
