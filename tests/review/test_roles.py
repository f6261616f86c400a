"""Every route, every role and no login: who may is answered, who may not is refused, and blind pages tell nothing."""

from __future__ import annotations

import pytest
from serving import Client, Served
from world import MODELS_WORDS, OTHERS_WORDS

from belonging_llm.review.page import ANYONE, Page
from belonging_llm.review.registry import PAGES
from belonging_llm.store import Role

ROLES: tuple[Role | None, ...] = (None, *Role)


@pytest.fixture(scope="module")
def clients(served: Served) -> dict[Role | None, Client]:
    return served.by_role()


def examples(page: Page) -> tuple[str, ...]:
    return page.examples or (page.path,)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
@pytest.mark.parametrize("role", ROLES, ids=str)
def test_a_page_is_for_those_it_names(
    served: Served, clients: dict[Role | None, Client], page: Page, role: Role | None
) -> None:
    if page.name == "sign-out" and role:
        pytest.skip("ends the session that the others use; tested by itself")
    client = clients[role]
    for example in examples(page):
        path = served.world.fill(example)
        fields = {name: served.world.fill(value) for name, value in page.form.items()}
        reply = client.get(path) if page.method == "GET" else client.post(path, fields)
        if page.admits(role):
            assert reply.status_code < 500, reply.text
            assert reply.status_code not in {403, 404, 405}, f"{path}: {reply.text}"
        elif role is None:
            assert reply.status_code == (303 if page.method == "GET" else 401), path
        else:
            assert reply.status_code == 403, path
        if role is None or role is Role.CODER:
            assert MODELS_WORDS not in reply.text, f"{path} tells what the model said"
            assert OTHERS_WORDS not in reply.text, f"{path} tells what another coder said"


def test_a_page_without_roles_cannot_be() -> None:
    with pytest.raises(ValueError, match="nobody"):
        Page("x", "/x", lambda visit: visit.render("x"), frozenset())
    with pytest.raises(TypeError):
        Page("x", "/x", lambda visit: visit.render("x"))  # type: ignore[call-arg]


def test_few_pages_are_anybodys() -> None:
    assert {page.name for page in PAGES if page.roles is ANYONE} == {
        "static",
        "sign-in",
        "enter",
        "welcome",
        "set-password",
    }


def test_names_and_addresses_are_told_apart() -> None:
    assert len({page.name for page in PAGES}) == len(PAGES)
    assert len({(page.method, page.path) for page in PAGES}) == len(PAGES)
