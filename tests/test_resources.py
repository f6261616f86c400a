"""The files that travel with the package are found from a checkout and from a wheel."""

from __future__ import annotations

from pathlib import Path

import pytest

from belonging_llm import resources


def test_a_checkout_has_them_at_its_root() -> None:
    assert resources.path("data", "models.toml").is_file()


def test_an_installed_wheels_own_copy_is_preferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "_PACKAGE", tmp_path / "belonging_llm")
    assert resources.path("prompts") == tmp_path / "prompts"
    (tmp_path / "belonging_llm" / "_resources").mkdir(parents=True)
    assert resources.path("prompts") == tmp_path / "belonging_llm" / "_resources" / "prompts"
