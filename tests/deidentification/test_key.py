"""The key file: encrypted, private, outside the study."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from belonging_llm.deidentification.key import Entry, open_key
from belonging_llm.deidentification.kinds import Kind
from belonging_llm.errors import InputError

SECRET = "a passphrase of several words"  # noqa: S105 - for tests
ENTRY = Entry(written="Priya Sharma", kind=Kind.PERSON, replacement="[person-1]")


def test_only_the_passphrase_opens_it(tmp_path: Path) -> None:
    study, path = tmp_path / "study", tmp_path / "keys" / "key.json"
    key = open_key(path, SECRET, study, new=True)
    key.add([ENTRY])
    key.add([ENTRY])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"Priya" not in path.read_bytes()
    again = open_key(path, SECRET, study)
    assert again.entries == (ENTRY,)
    assert again.behind("person-1") == again.behind("[person-1]") == ["Priya Sharma"]
    with pytest.raises(InputError, match="does not open"):
        open_key(path, SECRET + "!", study)


def test_refusals(tmp_path: Path) -> None:
    study = tmp_path / "study"
    study.mkdir()
    (tmp_path / "link").symlink_to(study)
    for inside in (study / "key.json", tmp_path / "link" / "key.json", study / "x" / ".." / "key.json"):
        with pytest.raises(InputError, match="lies in the study"):
            open_key(inside, SECRET, study, new=True)
    path = tmp_path / "key.json"
    with pytest.raises(InputError, match="no such key"):
        open_key(path, SECRET, study)
    with pytest.raises(InputError, match="too short"):
        open_key(path, "short", study, new=True)
    open_key(path, SECRET, study, new=True).add([ENTRY])
    path.chmod(0o644)
    with pytest.raises(InputError, match="others can read"):
        open_key(path, SECRET, study)
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match="no key file"):
        open_key(path, SECRET, study)
