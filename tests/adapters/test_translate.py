"""HTTP statuses as our errors: what passes, what is busy, how long to wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from belonging_llm.adapters.openai_sdk import translate
from belonging_llm.errors import ModelRefused, ModelUnavailable, RequestRefused


@pytest.mark.parametrize(
    ("status", "kind"),
    [(429, ModelUnavailable), (500, ModelUnavailable), (408, ModelUnavailable), (401, ModelRefused), (307, ModelRefused),
     (400, RequestRefused), (413, RequestRefused)],
)  # fmt: skip
def test_a_status_is_one_of_ours(status: int, kind: type[Exception]) -> None:
    assert type(translate(status, None, None)) is kind


@pytest.mark.parametrize(
    ("status", "header", "busy"), [(429, None, True), (503, None, True), (500, None, False), (500, "2", True)]
)
def test_who_is_busy_makes_everybody_wait(status: int, header: str | None, busy: bool) -> None:
    error = translate(status, None, header)
    assert isinstance(error, ModelUnavailable)
    assert error.busy is busy


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("0.25", 0.25), ("-3", 0.0), ("", None), (None, None), ("soon", None), ("nan", None), ("inf", None),
     ("Fri, 31 Dec 1999 23:59:59 GMT", 0.0), ("Fri, 99 Dec", None)],
)  # fmt: skip
def test_how_long_to_wait(header: str | None, seconds: float | None) -> None:
    error = translate(429, None, header)
    assert isinstance(error, ModelUnavailable)
    assert error.retry_after == seconds


def test_a_date_is_as_far_as_it_is_away() -> None:
    error = translate(429, None, format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True))
    assert isinstance(error, ModelUnavailable)
    assert error.retry_after is not None
    assert 3000 < error.retry_after <= 3600
