"""The import contracts hold, and each of them fails on the wrong import that it forbids."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LINT = Path(sys.executable).parent / "lint-imports"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in ("belonging_llm", "flows"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [LINT, "--no-cache"], cwd=folder, capture_output=True, text=True, env={"PYTHONPATH": str(folder)}, check=False
    )


def test_contracts_hold(copy: Path) -> None:
    result = lint(copy)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("belonging_llm/segments.py", "from belonging_llm import themes", "a stage looks only upstream"),
        ("belonging_llm/prompts.py", "from belonging_llm import study", "a stage looks only upstream"),
        ("belonging_llm/codes/assign.py", "import prefect", "Only flows knows Prefect"),
        ("belonging_llm/themes/label.py", "import openai", "Only adapters know model vendors"),
        ("belonging_llm/analysis/coding.py", "import sqlalchemy", "Only the store knows SQL"),
        ("belonging_llm/codes/signals.py", "import pandas", "Only tables knows pandas"),
    ],
)
def test_a_wrong_import_fails(copy: Path, file: str, line: str, contract: str) -> None:
    with (copy / file).open("a", encoding="utf-8") as stream:
        stream.write(f"\n{line}  # planted\n")
    result = lint(copy)
    assert result.returncode == 1
    broken = [text for text in result.stdout.splitlines() if text.endswith("BROKEN")]
    assert any(contract in text for text in broken)
