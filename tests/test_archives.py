"""Containers nobody vouches for: what is whole comes out, what is hostile is refused before it is unpacked."""

from __future__ import annotations

import io
import random
import stat
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belonging_llm.archives import Limits, is_zip, read_members
from belonging_llm.errors import ContainerError

NOISE = random.Random(0).randbytes(5000)  # noqa: S311 - bytes that do not pack


def packed(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return out.getvalue()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "container.zip"


def refusal(path: Path, raw: bytes, limits: Limits | None = None) -> str:
    path.write_bytes(raw)
    with pytest.raises(ContainerError) as caught:
        read_members(path, limits)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_members_come_out_whole_and_folders_are_none(path: Path) -> None:
    members = {"a/b.xml": b"<x/>", "c.txt": NOISE}
    path.write_bytes(packed({"a/": b"", **members}))
    assert read_members(path) == members
    assert is_zip(path.read_bytes())


def test_only_what_is_wanted_is_unpacked_and_weighed(path: Path) -> None:
    path.write_bytes(packed({"big": NOISE, "small": b"x"}))
    assert read_members(path, Limits(member_bytes=10), wanted=lambda name: name == "small") == {"small": b"x"}


@pytest.mark.parametrize(
    "name", ["../out.xml", "a/../../out.xml", "/etc/passwd", "..\\out.xml", "C:\\out.xml", "c:out", "\\\\host\\share"]
)
def test_a_path_that_leads_out_is_refused(path: Path, name: str) -> None:
    assert "outside" in refusal(path, packed({name: b"x", "word/document.xml": b"<x/>"}))


def test_a_link_is_refused(path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        link = zipfile.ZipInfo("word/document.xml")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    assert "link" in refusal(path, out.getvalue())


def test_a_bomb_is_refused_before_it_is_unpacked(path: Path) -> None:
    assert "zip bomb" in refusal(path, packed({"word/document.xml": bytes(20 << 20)}))
    assert "too much" in refusal(path, packed({"word/document.xml": bytes(40 << 20)}))
    assert "unpacks to 5010 bytes" in refusal(path, packed({"a": NOISE, "b": bytes(10)}), Limits(total_bytes=5000))


def test_entries_that_share_one_stream_are_refused(path: Path) -> None:
    """Each is within the ratio; together they hold more than the container could."""
    one = packed({"a0000": b"\0" * 900_000 + NOISE * 10})
    end = one.rindex(b"PK\x05\x06")
    start = struct.unpack("<I", one[end + 16 : end + 20])[0]
    entry = one[start:end]
    entries = b"".join(entry.replace(b"a0000", b"a%04d" % i) for i in range(50))
    tail = one[end : end + 8] + struct.pack("<HHIIH", 50, 50, len(entries), start, 0)
    assert "zip bomb" in refusal(path, one[:start] + entries + tail)


def test_too_many_entries_are_refused(path: Path) -> None:
    assert "2001 entries" in refusal(path, packed({f"m{i}": b"" for i in range(2001)}))
    long = packed({f"{i}" + "m" * 2000: b"" for i in range(800)})
    assert "list of entries" in refusal(path, long)


def test_two_entries_of_one_name_are_refused(path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a", "1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a", "2")
    assert "2 entries called 'a'" in refusal(path, out.getvalue())


def test_an_encrypted_container_says_what_to_do(path: Path) -> None:
    raw = bytearray(packed({"a": NOISE}))
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    assert "without a password" in refusal(path, bytes(raw))


def test_methods_that_documents_do_not_use_are_refused(path: Path) -> None:
    assert "method" in refusal(path, packed({"a": NOISE}, zipfile.ZIP_LZMA))


def test_a_size_that_lies_is_found_by_the_checksum(path: Path) -> None:
    raw = bytearray(packed({"a": NOISE}, zipfile.ZIP_STORED))
    at = raw.index(b"PK\x01\x02")
    raw[at + 20 : at + 28] = struct.pack("<II", 100, 100)
    assert "CRC" in refusal(path, bytes(raw))


@pytest.mark.parametrize(
    "raw", [b"", b"PK", b"PK\x03\x04", b"PK\x05\x06", b"no zip at all", b"PK\x05\x06" + b"\xff" * 18]
)
def test_what_is_no_container_is_refused(path: Path, raw: bytes) -> None:
    assert "zip container" in refusal(path, raw)


def test_a_missing_file_is_named(path: Path) -> None:
    with pytest.raises(ContainerError, match=r"container\.zip"):
        read_members(path)


def test_a_container_cut_short_anywhere_is_refused(path: Path) -> None:
    raw = packed({"a": NOISE, "b": b"x"})
    for end in range(0, len(raw) - 1, 97):
        assert refusal(path, raw[:end])


WHOLE = packed({"word/document.xml": b"<x>" + NOISE.hex().encode() + b"</x>", "a.txt": b"abc"})


@given(st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), max_size=6))
def test_changed_bytes_are_refused_or_do_not_matter(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]]
) -> None:
    raw = bytearray(WHOLE)
    for place, value in changes:
        raw[place] = value
    path = tmp_path_factory.getbasetemp() / "changed.zip"
    path.write_bytes(raw)
    try:
        found = read_members(path)
    except ContainerError:
        return
    # A checksum of 32 bits stands over every member that came out.
    assert set(found.values()) <= {b"<x>" + NOISE.hex().encode() + b"</x>", b"abc", b""}
