"""The built wheel works outside the checkout: prompts, frameworks and the sample travel inside it."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return next(out.glob("*.whl"))


def test_the_wheel_carries_what_it_needs(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder, files in {
        "_resources/prompts": ROOT / "prompts",
        "_resources/data/frameworks": ROOT / "data" / "frameworks",
        "_resources/data/refi": ROOT / "data" / "refi",
        "_resources/data/sample/transcripts": ROOT / "data" / "sample" / "transcripts",
    }.items():
        assert {f"belonging_llm/{folder}/{file.name}" for file in files.iterdir()} <= names
    assert "flows/analyse.py" in names
    assert "belonging_llm/report/templates/findings.html.j2" in names
    for part in ("static", "templates"):
        here = ROOT / "belonging_llm" / "review" / part
        files = [f.relative_to(ROOT).as_posix() for f in here.rglob("*") if f.is_file()]
        assert files
        assert set(files) <= names
    assert "belonging_llm/store/migrations/versions/0001_first_schema.py" in names
    assert not [name for name in names if "__pycache__" in name or name.startswith(("tests/", "evals/"))]


def test_the_wheel_makes_the_sample_study_elsewhere(wheel: Path, tmp_path: Path) -> None:
    place = tmp_path / "installed"
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-index",
        "--target",
        str(place),
        str(wheel),
    ]
    subprocess.run(install, check=True, capture_output=True)
    code = "import belonging_llm, sys; from belonging_llm.cli import main; print(belonging_llm.__file__); main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "init", "x", "--sample"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(place), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(str(place))
    assert "P12.txt: 1 transcript " in done.stdout
    assert (tmp_path / "x" / "study.sqlite").is_file()
