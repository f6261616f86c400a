"""What a form carries of the page that it was on: which codebook, which words, which record; and flags in drafts."""

from __future__ import annotations

import re

import pytest
import world
from serving import Client, Served

from belonging_llm import codebook, revising
from belonging_llm.codebook import Code
from belonging_llm.deliberation.anchoring import MODEL_PAGES
from belonging_llm.review.registry import PAGES


def carried(text: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([0-9a-f]*)"', text)
    assert found, name
    return found[1]


def add_code(served: Served, ident: str) -> None:
    after = codebook.put(served.study.framework(), Code(id=ident, name=ident.title(), definition="Later."))
    revising.save(served.study, after, by="mia", reason="it came up")


@pytest.fixture
def adjudicator(served: Served) -> Client:
    return served.client(world.ADJUDICATOR)


def test_a_judgement_keeps_the_codebook_that_its_form_showed(served: Served) -> None:
    client, segment = served.client(world.CODER), served.world.ids["segment"]
    page = client.get(f"/code/{segment}").text
    shown = carried(page, "codebook")
    assert shown == served.study.framework().digest
    add_code(served, "after-the-form")
    form = {"key": "before the code came", "code": served.world.ids["code"], "supersedes": "0", "codebook": shown}
    assert client.post(f"/code/{segment}", form | {"codebook": "0" * 64}).status_code == 409
    assert client.post(f"/code/{segment}", form).status_code == 303
    record = served.study.store.judgements.head(segment, world.CODER)
    assert record is not None
    assert record.codebook_digest == shown != served.study.framework().digest
    (judged,) = [
        j for j in served.study.store.findings.judgements() if (j.segment_id, j.coder) == (segment, world.CODER)
    ]
    assert judged.codebook == shown


def test_a_decision_is_about_the_words_and_the_codebook_that_were_shown(served: Served, adjudicator: Client) -> None:
    segment, code = served.world.ids["contested"], served.world.ids["code"]
    page = adjudicator.get(f"/adjudication/segment?segment={segment}").text
    form = {name: carried(page, name) for name in ("heard", "codebook", "supersedes")}
    form |= {
        "segment": segment,
        "judged": code,
        f"decision {code}": "yes",
        "reason": "as it stands",
        "key": "decided once",
    }
    other = {"key": "said meanwhile", "code": code, "supersedes": "0"}
    assert served.client(world.OTHER).post(f"/code/{segment}", other).status_code == 303
    refused = adjudicator.post("/adjudication/keep", form)
    assert (refused.status_code, "a coder said something else" in refused.text) == (409, True)

    page = adjudicator.get(f"/adjudication/segment?segment={segment}").text
    add_code(served, "after-the-page")
    kept = adjudicator.post("/adjudication/keep", form | {"heard": carried(page, "heard")})
    assert kept.status_code == 303
    record = served.study.store.judgements.head(segment, "adjudicated")
    assert record is not None
    assert record.codebook_digest != served.study.framework().digest


def test_who_looked_at_the_models_word_is_told_so_before_they_settle(served: Served, adjudicator: Client) -> None:
    ids = served.world.ids
    path = f"/adjudication/segment?segment={ids['contested']}"
    warning = "beside the model’s word before"
    assert warning not in served.client(world.ADMIN).get(path).text
    segment = served.study.store.corpus.segment(ids["contested"])
    served.study.store.viewings.note(world.ADJUDICATOR, "audit-pair", [(segment.transcript_id, segment.id)])
    assert warning in adjudicator.get(path).text


@pytest.mark.parametrize("odd", ["²", "-1", "99999999999999999999", "x"])
def test_what_is_no_number_is_told(served: Served, adjudicator: Client, odd: str) -> None:
    ids, code = served.world.ids, served.world.ids["code"]
    decided = {"segment": ids["contested"], "judged": code, f"decision {code}": "no", "reason": "x", "key": "odd form"}
    verdict = {"run": ids["run"], "segment": ids["segment"], "pair_code": code, "verdict": "accept", "key": "odd form"}
    for path, form in (("/adjudication/keep", decided), ("/audit/keep", verdict)):
        reply = adjudicator.post(path, form | {"supersedes": odd, "seconds": odd})
        assert reply.status_code in {404, 422}, reply.text
        if reply.status_code == 422:
            assert "which record it follows" in reply.text


def test_a_flag_in_a_draft_opens_nothing_that_is_closed(served: Served) -> None:
    client, queues = served.client(world.OTHER), served.study.store.queues
    code, judgements = served.world.ids["code"], served.study.store.judgements
    items = queues.page(world.OTHER, limit=12)
    assert len(items) > 10
    for n, item in enumerate(items):
        head = judgements.head(item.segment_id, world.OTHER)
        form = {"key": f"form number {n}", "code": code, "supersedes": str(head.id if head else 0)}
        assert client.post(f"/code/{item.segment_id}", form).status_code == 303
    first = items[0].segment_id
    draft = {"key": "a draft with a flag", "code": code, "flagged": "on"}
    client.post(f"/code/{first}/draft", draft)
    item = queues.item(world.OTHER, first)
    assert item is not None
    assert not item.flagged
    record = judgements.head(first, world.OTHER)
    assert record is not None
    again = {"key": "again with a flag", "code": code, "flagged": "on", "supersedes": str(record.id)}
    assert client.post(f"/code/{first}", again).status_code == 422


def test_a_version_is_brought_back_over_no_version_that_was_not_seen(served: Served) -> None:
    mia, first = served.client(world.ADMIN), served.study.store.codebooks.versions()[0]
    add_code(served, "to-go-back-from")
    base = carried(mia.get("/codebook/compare?before=1").text, "base")
    assert base == served.study.framework().digest
    form = {"do": "restore", "version": str(first.number), "base": base, "reason": "back", "keep": "unseen"}
    add_code(served, "saved-meanwhile")
    assert mia.post("/codebook/save", form).status_code == 409
    assert "saved-meanwhile" in {code.id for code in served.study.framework().codes}
    again = mia.post("/codebook/save", form | {"base": served.study.framework().digest})
    assert again.status_code == 303, again.text
    assert served.study.framework().digest == first.digest


def test_pages_that_show_the_models_word_are_pages() -> None:
    assert set(MODEL_PAGES) <= {page.name for page in PAGES}
