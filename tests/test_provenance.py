"""Digests depend on content and on nothing else."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belonging_llm.provenance import canonical, digest, file_digest, now, text_digest, versions

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def test_a_digest_by_hand() -> None:
    # The parts are one JSON array without spaces.
    assert digest("a", 1, None) == sha256(b'["a",1,null]').hexdigest()
    assert digest() == sha256(b"[]").hexdigest()


def test_key_order_and_kind_of_sequence_never_matter() -> None:
    assert digest({"b": 1, "a": (2, 3)}) == digest({"a": [2, 3], "b": 1})


def test_parts_are_kept_apart() -> None:
    assert len({digest("ab", "c"), digest("a", "bc"), digest("abc"), digest(["ab", "c"]), digest(["ab"], "c")}) == 5


def test_kinds_of_value_are_kept_apart() -> None:
    assert len({digest(1), digest("1"), digest(True), digest(None), digest("null"), digest(1.5)}) == 6


def test_canonical_text_is_written_out() -> None:
    assert canonical({"é": "\u2028 \U0001f600", "a": [True]}) == '{"a":[true],"é":"\u2028 \U0001f600"}'


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"x": [float("-inf")]}])
def test_numbers_that_json_lacks_have_no_digest(value: object) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        digest(value)


@given(JSON, JSON)
def test_digests_are_equal_exactly_when_the_spelling_is(one: object, other: object) -> None:
    assert (digest(one) == digest(other)) == (canonical(one) == canonical(other))


@given(st.dictionaries(st.text(), st.integers()))
def test_a_shuffled_mapping_has_the_same_digest(fields: dict[str, int]) -> None:
    assert digest(fields) == digest(dict(reversed(fields.items())))


def test_a_texts_digest_is_that_of_its_bytes() -> None:
    # The empty text's is FIPS 180-4's own example.
    assert text_digest("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert text_digest("Zoë") == sha256("Zoë".encode()).hexdigest()


def test_lone_surrogates_have_a_digest_of_their_own() -> None:
    assert len({text_digest("\ud800"), text_digest("\ud801"), text_digest("\\ud800"), text_digest("")}) == 4
    assert digest("\ud800") != digest("\ud801")


@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 100])
def test_a_files_digest_does_not_depend_on_the_chunks(tmp_path: Path, size: int) -> None:
    content = bytes(range(size))
    (tmp_path / "file").write_bytes(content)
    assert file_digest(tmp_path / "file", chunk=8) == file_digest(tmp_path / "file") == sha256(content).hexdigest()


def test_the_present_moment_is_utc_to_the_millisecond() -> None:
    moment = datetime.fromisoformat(now())
    assert moment.utcoffset() == timedelta(0)
    assert len(now()) == len("2026-03-03T10:00:00.000+00:00")


def test_versions_name_what_is_installed() -> None:
    found = versions()
    assert {"torch", "hdbscan", "umap-learn"} <= set(found)
    assert all(found.values())
