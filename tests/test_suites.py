"""Suites: splits by document, baselines beside, differences told, floors kept."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from belonging_llm import suites
from belonging_llm.adapters import factory
from belonging_llm.adapters.fakes import HashEncoder
from belonging_llm.cli import main
from belonging_llm.errors import InputError
from belonging_llm.suites.measure import _Bench

SUITES = Path(__file__).parent.parent / "evals" / "suites"
SHARED = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two coders, sixty documents of four segments; a code for each of two words."""
    monkeypatch.setattr(factory, "encoder", lambda _: HashEncoder(128))
    draw = np.random.default_rng(0)
    segments, codes = [["segment_id", "document_id", "text"]], [["segment_id", "coder", "code"]]
    for i in range(240):
        words = [w for w in ("boat", "mother") if draw.random() < 0.3]
        filler = " ".join(f"w{draw.integers(40)}" for _ in range(6))
        segments.append([f"s{i}", f"d{i // 4}", f"{' '.join(words)} {filler}"])
        for coder in "AB":
            given = [w for w in words if draw.random() < 0.9]
            codes += [[f"s{i}", coder, w] for w in given] or [[f"s{i}", coder, ""]]
    for name, rows in (
        ("segments", segments),
        ("codes", codes),
        ("codebook", [["code", "name", "definition"], ["boat", "Boat", "boat"], ["mother", "Mother", "mother"]]),
    ):
        with (tmp_path / f"{name}.csv").open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows(rows)
    (tmp_path / "suite.yaml").write_text("name: toy\nteach: [0, 80]\ncalibrate: 20\nsplits: 3\nfloors: {80: 0.5}\n")
    return tmp_path


def test_a_suite_runs_is_accepted_and_compared(data: Path) -> None:
    def run(*more: str) -> str:
        done = CliRunner().invoke(main, ["eval", str(data / "suite.yaml"), "--data", str(data), *more])
        assert done.exit_code == 0, done.output
        return done.output

    assert "taught 80, asked 0%: macro kappa" in run("--accept")
    accepted = json.loads((data / "suite.json").read_text())
    assert "changed" not in run()
    found = accepted["conditions"]
    assert found["taught 80, asked 0%"]["macro_kappa"] > 0.6
    assert found["never assigns"]["macro_kappa"] == found["always assigns"]["macro_kappa"] == 0
    assert found["taught 80, asked 0%"]["ece"] < 0.1
    assert 0.6 < accepted["people"]["A|B"]["macro_kappa"] < 1
    accepted["conditions"]["taught 80, asked 0%"]["macro_kappa"] -= 0.2
    (data / "suite.json").write_text(json.dumps(accepted))
    assert "changed: taught 80, asked 0%: macro_kappa was" in run()


def test_a_floor_that_is_not_reached_fails(data: Path) -> None:
    (data / "suite.yaml").write_text("name: toy\nteach: [0, 80]\ncalibrate: 20\nsplits: 2\nfloors: {80: 0.99}\n")
    done = CliRunner().invoke(main, ["eval", str(data / "suite.yaml"), "--data", str(data)])
    assert done.exit_code == 1
    assert "below its floor: taught 80" in done.output


def test_documents_are_never_on_both_sides(data: Path) -> None:
    suite = suites.read_suite(data / "suite.yaml")
    read = suites.read_data(suite, data)
    empty = np.empty((0, 0))
    bench = _Bench(suite, read, empty, None, empty, empty, [], None)  # type: ignore[arg-type]
    for number in range(3):
        split = bench._split(number, 80)
        parts = [set(read.documents[rows].tolist()) for rows in (split.taught, split.checks, split.test)]
        assert not parts[0] & parts[1]
        assert not parts[0] & parts[2]
        assert not parts[1] & parts[2]
        assert len(split.taught) >= 80
        assert set(bench._split(number, 0).test.tolist()) == set(split.test.tolist()), (
            "every condition sees the same test"
        )


def test_without_its_data_a_suite_is_skipped(data: Path) -> None:
    done = CliRunner().invoke(main, ["eval", str(data / "suite.yaml"), "--data", str(data / "nowhere")])
    assert done.exit_code == 0
    assert "skipped" in done.output


def test_a_bad_suite_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("name: x\nsplits: 0\n")
    with pytest.raises(InputError, match=r"bad\.yaml: splits"):
        suites.read_suite(tmp_path / "bad.yaml")


@pytest.mark.parametrize("path", sorted(SUITES.glob("*.yaml")), ids=lambda p: p.stem)
def test_every_suite_file_reads(path: Path) -> None:
    assert suites.read_suite(path).name == path.stem


@pytest.mark.parametrize("path", sorted(SUITES.glob("*.json")), ids=lambda p: p.stem)
def test_accepted_results_hold_their_floors_and_beat_the_baselines(path: Path) -> None:
    suite = suites.read_suite(path.with_name(f"{path.name.split('.')[0]}.yaml"))
    accepted = json.loads(path.read_text(encoding="utf-8"))
    assert not suites.below(suite, accepted)
    for n in suite.teach[1:]:
        taught = accepted["conditions"][f"taught {n}, asked 0%"]
        assert (
            taught["macro_kappa"] > accepted["conditions"][f"logistic regression on vectors, taught {n}"]["macro_kappa"]
        )
        assert taught["ece"] <= 0.08


def test_published_tables_read() -> None:
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED} is not here")
    read = suites.read_data(suites.read_suite(SUITES / "sight.yaml"), SHARED / "sight")
    assert (len(read.segments), read.coders, read.marks.shape) == (289, ("H1", "H2"), (2, 289, 10))
